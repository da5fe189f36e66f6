"""Targets of every kind, what becomes of what they don't take, and buses that send on to buses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories import lambdas
from tests.stories.events_kit import DEFAULT_BUS, PREFIX, arn_of, attributes, bodies, details, letters, put, queue, rule, unavailable
from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.logs_kit import heard
from tests.stories.refusals import refusal

OTHER = "111122223333"
LETTER = {"RULE_ARN": f"{PREFIX}rule/r"}


def test_topics_functions_streams_and_log_groups_are_targets(here: Here) -> None:
    topic = here.sns.create_topic(Name="t")["TopicArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(here), Attributes={"RawMessageDelivery": "true"})
    here.logs.create_log_group(logGroupName="g")
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    function = lambdas.make(here, "f", "def handler(event, context):\n    print('got', event['detail']['n'])\n")["FunctionArn"]
    here.jump(1)
    stream, group = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g"
    rule(here, {"source": ["shop"]}, topic, function, group, stream, KinesisParameters={"PartitionKeyPath": "$.detail.key"})
    put(here, {"n": 1, "key": "left"})
    here.rest()
    assert details(here) == [{"n": 1, "key": "left"}]
    assert any("got 1" in line for line in lambdas.logged(here, "/aws/lambda/f"))
    (event,) = here.logs.filter_log_events(logGroupName="g")["events"]
    assert json.loads(event["message"])["detail"]["n"] == 1
    shard = here.kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    (record,) = here.kinesis.get_records(ShardIterator=shard["ShardIterator"])["Records"]
    assert (record["PartitionKey"], json.loads(record["Data"])["detail"]["n"]) == ("left", 1)


def test_a_log_group_takes_time_and_message_from_a_template(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    transformer = {
        "InputPathsMap": {"at": "$.detail.at", "said": "$.detail.said"},
        "InputTemplate": '{"timestamp": <at>, "message": <said>}',
    }
    rule(here, {"source": ["shop"]}, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g:*", InputTransformer=transformer)
    put(here, {"at": int(here.now * 1000) - 5, "said": "hello"})
    put(here, {"at": int(here.now * 1000) - 4, "said": {"a": 1}})
    told = [
        (event["timestamp"] - int(here.now * 1000), event["message"]) for event in here.logs.filter_log_events(logGroupName="g")["events"]
    ]
    assert told == [(-5, "hello"), (-4, '{"a":1}')]


def test_a_fifo_queue_gets_the_group_that_its_target_names(here: Here) -> None:
    here.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})
    rule(here, {"source": ["shop"]}, arn_of(here, "q.fifo"), SqsParameters={"MessageGroupId": "$.detail.customer"})
    put(here, {"customer": "anna"})
    url = here.sqs.get_queue_url(QueueName="q.fifo")["QueueUrl"]
    (message,) = here.sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["MessageGroupId"])["Messages"]
    assert message["Attributes"] == {"MessageGroupId": "anna"}


def test_a_trace_goes_on_with_the_event(here: Here) -> None:
    root = "Root=1-67f4141f-e1cd7672871da115129f8b19"
    function = lambdas.make(here, "f", "import os\ndef handler(event, context):\n    print(os.environ['_X_AMZN_TRACE_ID'])\n")[
        "FunctionArn"
    ]
    rule(here, {"source": ["shop"]}, queue(here), function)
    put(here, TraceHeader=f"{root};Parent=d0ee9531727135a0;Sampled=1")
    url = f"http://localhost:4566/{ACCOUNT}/q"
    (message,) = here.sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["Attributes"]["AWSTraceHeader"].startswith(root)
    assert any(line.startswith(root) for line in lambdas.logged(here, "/aws/lambda/f"))


def test_what_can_not_be_delivered_goes_with_its_reason_to_the_dead_letters(here: Here) -> None:
    rule(here, {"source": ["shop"]}, arn_of(here, "gone"), DeadLetterConfig={"Arn": queue(here, "dead")})
    id = put(here, {"n": 1})
    here.rest()
    (letter,) = letters(here, "dead")
    assert (json.loads(letter["Body"])["id"], json.loads(letter["Body"])["detail"]) == (id, {"n": 1})
    assert attributes(letter) == {
        **LETTER,
        "TARGET_ARN": arn_of(here, "gone"),
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": "The specified queue does not exist.",
        "RETRY_ATTEMPTS": "0",
    }


def test_a_target_of_a_service_that_is_not_there_fails_for_all_to_see(here: Here) -> None:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    rule(here, {"source": ["shop"]}, machine, DeadLetterConfig={"Arn": queue(here, "dead")})
    put(here)
    here.rest()
    (letter,) = letters(here, "dead")
    assert attributes(letter)["ERROR_CODE"] == "SDK_CLIENT_ERROR"
    assert [(call.operation, call.error) for call in here.cloud.calls.after(0) if call.service == "states"] == [
        ("Deliver", "NotImplemented")
    ]


@pytest.mark.parametrize(
    ("policy", "condition", "attempts", "ends"),
    [
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", 0, 0),
        ({"MaximumRetryAttempts": 3}, "MaximumRetryAttempts", 3, 7),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", 5, 31),
        ({}, "MaximumRetryAttempts", 185, 84_991),
    ],
)
def test_a_delivery_is_tried_again_as_its_policy_says(
    here: Here, policy: dict[str, int], condition: str, attempts: int, ends: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard(here, "firehose", "put_record", refuses="Data")
    monkeypatch.setattr(here.cloud, "status_of", unavailable)
    target: dict[str, Any] = {"DeadLetterConfig": {"Arn": queue(here, "dead")}, **({"RetryPolicy": policy} if policy else {})}
    rule(here, {"source": ["shop"]}, f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/Data", **target)
    put(here)
    if ends:
        here.jump(ends - 1)
        assert letters(here, "dead") == []
        here.jump(1)
    here.rest()
    (letter,) = letters(here, "dead")
    told = attributes(letter)
    assert (told["EXHAUSTED_RETRY_CONDITION"], told["RETRY_ATTEMPTS"]) == (condition, str(attempts))


def test_a_bus_sends_on_to_another_one_but_not_to_a_third(here: Here) -> None:
    for name in ("one", "two"):
        here.events.create_event_bus(Name=name)
    dead = queue(here, "dead")
    rule(here, {"source": ["shop"]}, f"{PREFIX}event-bus/one", name="first")
    rule(here, {"source": ["shop"]}, queue(here), f"{PREFIX}event-bus/two", bus="one", DeadLetterConfig={"Arn": dead})
    rule(here, {"source": ["shop"]}, queue(here, "third"), bus="two")
    id = put(here, {"n": 1})
    here.rest()
    assert [(body["id"], body["detail"]) for body in bodies(here)] == [(id, {"n": 1})]
    assert bodies(here, "third") == []
    (letter,) = letters(here, "dead")
    assert (attributes(letter)["ERROR_CODE"], attributes(letter)["TARGET_ARN"]) == ("THIRD_ACCOUNT_HOP_DETECTED", f"{PREFIX}event-bus/two")


def test_a_bus_of_another_account_takes_what_its_policy_lets_in(here: Here) -> None:
    there = here.at(account=OTHER)
    bus = f"arn:aws:events:{REGION}:{OTHER}:event-bus/default"
    rule(there, {"source": ["shop"]}, queue(there))
    rule(here, {"source": ["shop"]}, bus, DeadLetterConfig={"Arn": queue(here, "dead")})
    put(here)
    here.rest()
    (letter,) = letters(here, "dead")
    assert (attributes(letter)["ERROR_CODE"], bodies(there)) == ("NO_PERMISSIONS", [])
    said = (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: events:PutEvents on resource: {bus} because no resource-based "
        "policy allows the events:PutEvents action"
    )
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": bus}
    assert refusal(here.events.put_events, Entries=[entry]) == ("AccessDeniedException", said)
    there.events.put_permission(Action="events:PutEvents", Principal=ACCOUNT, StatementId="in")
    id = put(here, {"n": 1})
    put(here, {"n": 2}, EventBusName=bus)
    here.rest()
    told = [(body["account"], body["detail"], body["id"] == id) for body in bodies(there)]
    assert told == [(ACCOUNT, {"n": 1}, True), (ACCOUNT, {"n": 2}, False)]
    there.events.remove_permission(StatementId="in")
    assert refusal(here.events.put_events, Entries=[entry])[0] == "AccessDeniedException"


def test_an_event_that_goes_to_another_region_has_another_id_there(here: Here) -> None:
    there = here.at(region="eu-west-1")
    there.events.create_event_bus(Name="mine")
    rule(there, {"source": ["shop"]}, queue(there), bus="mine")
    rule(here, {"source": ["shop"]}, f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/mine")
    id = put(here, {"n": 1})
    here.rest()
    assert [(body["region"], body["detail"], body["id"] == id) for body in bodies(there)] == [(REGION, {"n": 1}, False)]


def test_a_policy_is_written_by_statements_or_as_a_whole(here: Here) -> None:
    statement = {
        "Sid": "a",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "events:PutEvents",
        "Resource": DEFAULT_BUS,
    }
    here.events.put_permission(Action="events:PutEvents", Principal=OTHER, StatementId="a")
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    here.events.put_permission(Action="events:PutEvents", Principal="*", StatementId="b", Condition=condition)
    shown = here.events.describe_event_bus()
    limited = {**statement, "Sid": "b", "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    assert json.loads(shown["Policy"]) == {"Version": "2012-10-17", "Statement": [statement, limited]}
    here.events.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert json.loads(here.events.describe_event_bus()["Policy"])["Statement"] == [statement]
    here.events.remove_permission(RemoveAllPermissions=True)
    assert "Policy" not in here.events.describe_event_bus()
