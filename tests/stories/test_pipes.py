"""Pipes: from a queue, through a filter and an enrichment, to a target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories import lambdas
from tests.stories.events_kit import arn_of, bodies, letters, queue, rule
from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import Case, refusal, untold

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ARN = f"arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/p"
INVALID, MISSING, CONFLICT = "ValidationException", "NotFoundException", "ConflictException"
NO_PIPE = "Pipe none does not exist."


def _pipe(here: Here, target: str, **given: Any) -> Any:
    request = {"Name": "p", "Source": arn_of(here, "in"), "Target": target, "RoleArn": ROLE, **given}
    return here.pipes.create_pipe(**request)


def _send(here: Here, *documents: Any, name: str = "in", **given: Any) -> None:
    for document in documents:
        text = document if isinstance(document, str) else json.dumps(document)
        here.sqs.send_message(QueueUrl=f"http://localhost:4566/{ACCOUNT}/{name}", MessageBody=text, **given)
    here.rest()


def _left(here: Here) -> tuple[str, str]:
    """How many messages the source has, and how many are being worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = f"http://localhost:4566/{ACCOUNT}/in"
    shown = here.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return shown[names[0]], shown[names[1]]


def test_a_message_goes_from_a_queue_to_a_queue_and_is_gone_from_the_first(here: Here) -> None:
    queue(here, "in")
    created = _pipe(here, queue(here, "out"))
    assert created == {
        "Arn": ARN,
        "Name": "p",
        "DesiredState": "RUNNING",
        "CurrentState": "CREATING",
        "CreationTime": here.now,
        "LastModifiedTime": here.now,
    }
    _send(here, {"n": 1})
    (record,) = bodies(here, "out")
    assert (record["body"], record["eventSource"], record["eventSourceARN"]) == ('{"n": 1}', "aws:sqs", arn_of(here, "in"))
    assert _left(here) == ("0", "0")
    here.restart()
    _send(here, {"n": 2})
    assert [record["body"] for record in bodies(here, "out")] == ['{"n": 2}']


def test_a_filter_looks_into_the_body_and_drops_what_nobody_wants(here: Here) -> None:
    queue(here, "in")
    filters = {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"n": [{"numeric": [">", 1]}]}}'}]}}
    _pipe(
        here,
        queue(here, "out"),
        SourceParameters=filters,
        TargetParameters={"InputTemplate": '{"got": <$.body.n>, "by": "<aws.pipes.pipe-name>"}'},
    )
    _send(here, {"n": 1}, {"n": 2}, "text")
    assert bodies(here, "out") == [{"got": 2, "by": "p"}]
    assert _left(here) == ("0", "0")


def test_a_function_enriches_and_what_it_answers_goes_on(here: Here) -> None:
    queue(here, "in")
    lambdas.make(
        here, "f", "def handler(events, context):\n    return [{'twice': 2 * int(e['body'])} for e in events if e['body'] != '0']\n"
    )
    here.events.create_event_bus(Name="mine")
    rule(here, {"source": ["shop"], "detail-type": ["Event from aws:sqs"]}, queue(here, "out"), bus="mine")
    parameters = {"EventBridgeEventBusParameters": {"Source": "shop"}}
    _pipe(here, f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/mine", Enrichment=lambdas.arn("f"), TargetParameters=parameters)
    _send(here, "4", "0")
    assert [body["detail"] for body in bodies(here, "out")] == [{"twice": 8}]
    assert _left(here) == ("0", "0")


def test_a_function_gets_a_batch_and_may_report_what_failed(here: Here) -> None:
    queue(here, "in")
    code = (
        "def handler(events, context):\n"
        "    print('batch of', len(events))\n"
        "    return {'batchItemFailures': [{'itemIdentifier': e['messageId']} for e in events if e['body'] == 'bad']}\n"
    )
    lambdas.make(here, "f", code)
    window = {"SqsQueueParameters": {"BatchSize": 3, "MaximumBatchingWindowInSeconds": 60}}
    _pipe(here, lambdas.arn("f"), SourceParameters=window)
    _send(here, "a", "bad", "b")
    assert any("batch of 3" in line for line in lambdas.logged(here, "/aws/lambda/f"))
    assert _left(here) == ("0", "1")


def test_what_a_target_refuses_comes_back_to_the_queue(here: Here) -> None:
    queue(here, "in")
    _pipe(here, arn_of(here, "out"))
    _send(here, "m")
    assert _left(here) == ("0", "1")
    queue(here, "out")
    here.jump(31)
    assert [json.loads(letter["Body"])["body"] for letter in letters(here, "out")] == ["m"]
    assert _left(here) == ("0", "0")


def test_a_fifo_queue_keeps_its_order_through_a_pipe(here: Here) -> None:
    for name in ("in.fifo", "out.fifo"):
        here.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})
    group = {"SqsQueueParameters": {"MessageGroupId": "$.attributes.MessageGroupId"}, "InputTemplate": "<$.body.n>"}
    _pipe(here, arn_of(here, "out.fifo"), Source=arn_of(here, "in.fifo"), TargetParameters=group)
    for n in range(5):
        _send(here, {"n": n}, name="in.fifo", MessageGroupId="g")
    assert [letter["Body"] for letter in letters(here, "out.fifo")] == ["0", "1", "2", "3", "4"]


def test_a_log_group_and_a_stream_are_targets(here: Here) -> None:
    queue(here, "in")
    here.logs.create_log_group(logGroupName="g")
    named = {"LogStreamName": "mine", "Timestamp": "$.attributes.SentTimestamp"}
    logs = {"CloudWatchLogsParameters": named, "InputTemplate": '"<$.body>"'}
    _pipe(here, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g", TargetParameters=logs)
    _send(here, "hello")
    events = here.logs.filter_log_events(logGroupName="g")["events"]
    assert [(event["logStreamName"], event["message"]) for event in events] == [("mine", '"hello"')]
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    here.jump(1)
    key = {"KinesisStreamParameters": {"PartitionKey": "$.body.key"}, "InputTemplate": "<$.body.n>"}
    here.pipes.update_pipe(Name="p", Target=f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", TargetParameters=key, RoleArn=ROLE)
    _send(here, {"key": "left", "n": 7})
    shard = here.kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    assert [(one["PartitionKey"], one["Data"]) for one in here.kinesis.get_records(**shard)["Records"]] == [("left", b"7")]


def test_a_pipe_stops_starts_and_is_changed(here: Here) -> None:
    queue(here, "in")
    _pipe(here, queue(here, "out"), DesiredState="STOPPED", Tags={"a": "b"}, Description="x")
    _send(here, "1")
    assert bodies(here, "out") == []
    assert here.pipes.start_pipe(Name="p")["CurrentState"] == "STARTING"
    here.rest()
    assert len(bodies(here, "out")) == 1
    assert here.pipes.stop_pipe(Name="p")["CurrentState"] == "STOPPING"
    here.jump(5)
    update = {"Name": "p", "RoleArn": ROLE, "TargetParameters": {"InputTemplate": "<$.body>"}, "DesiredState": "RUNNING"}
    assert here.pipes.update_pipe(**update)["CurrentState"] == "UPDATING"
    _send(here, "2")
    assert bodies(here, "out") == [2]
    here.pipes.tag_resource(resourceArn=ARN, tags={"c": "d"})
    here.pipes.untag_resource(resourceArn=ARN, tagKeys=["a"])
    assert here.pipes.list_tags_for_resource(resourceArn=ARN) == {"tags": {"c": "d"}}
    brief = {
        "Arn": ARN,
        "Name": "p",
        "DesiredState": "RUNNING",
        "CurrentState": "RUNNING",
        "CreationTime": here.now - 5,
        "LastModifiedTime": here.now,
    }
    places = {"Source": arn_of(here, "in"), "Target": arn_of(here, "out")}
    whole = {**brief, **places, "Description": "x", "RoleArn": ROLE, "TargetParameters": {"InputTemplate": "<$.body>"}, "Tags": {"c": "d"}}
    assert here.pipes.describe_pipe(Name="p") == whole
    assert here.pipes.list_pipes(SourcePrefix="arn:aws:sqs", CurrentState="RUNNING") == {"Pipes": [{**brief, **places}]}
    assert here.pipes.list_pipes(TargetPrefix="arn:aws:sns") == {"Pipes": []}
    assert here.pipes.delete_pipe(Name="p")["CurrentState"] == "DELETING"
    _send(here, "3")
    assert (bodies(here, "out"), here.pipes.list_pipes()) == ([], {"Pipes": []})


def test_a_template_deploys_a_pipe(here: Here) -> None:
    source, target = queue(here, "in"), queue(here, "out")
    properties = {"Name": "p", "Source": source, "Target": target, "RoleArn": ROLE, "TargetParameters": {"InputTemplate": "<$.body>"}}
    template = {"Resources": {"Pipe": {"Type": "AWS::Pipes::Pipe", "Properties": properties}}}
    here.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    here.rest()
    _send(here, {"n": 1})
    assert bodies(here, "out") == [{"n": 1}]
    properties["TargetParameters"] = {"InputTemplate": "<$.body.n>"}
    here.cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(template))
    here.rest()
    _send(here, {"n": 2})
    assert bodies(here, "out") == [2]
    here.cloudformation.delete_stack(StackName="s")
    here.rest()
    assert here.pipes.list_pipes() == {"Pipes": []}


WHOLE = {"Name": "x", "Source": f"arn:aws:sqs:{REGION}:{ACCOUNT}:in", "Target": f"arn:aws:sqs:{REGION}:{ACCOUNT}:out", "RoleArn": ROLE}
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
BROKER = f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:b:1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
BAD_PATTERN = 'Event pattern is not valid. Reason: Filter is not an object\n at [Source: (String)"[]"; line: 1, column: 2]'


def _queue(said: str, fifo: str = "", **parameters: Any) -> Case:
    return "create_pipe", {**WHOLE, "Source": WHOLE["Source"] + fifo, "SourceParameters": {"SqsQueueParameters": parameters}}, INVALID, said


def _stream(said: str, kind: str = "Kinesis", **parameters: Any) -> Case:
    given = {f"{kind}StreamParameters": parameters} if parameters else {}
    return "create_pipe", {**WHOLE, "Source": STREAM, "SourceParameters": given}, INVALID, said


NO_MOMENT = "StartingPositionTimestamp is required where StartingPosition is AT_TIMESTAMP, and only there."
LONG = "x" * 65
LIMIT = "Member must have length less than or equal to 64"
TOO_LONG = f"1 validation error detected: Value '{LONG}' at 'name' failed to satisfy constraint: {LIMIT}"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
NO_TAGS = (
    "1 validation error detected: Value '{}' at 'tags' failed to satisfy constraint: Member must have length greater than or equal to 1"
)
CASES: list[Case] = [
    ("create_pipe", {**WHOLE, "Name": "p"}, CONFLICT, "Pipe p already exists."),
    ("create_pipe", {**WHOLE, "Source": BROKER}, "NotImplemented", f"windtunnel does not implement pipes from {BROKER}."),
    _stream(f"KinesisStreamParameters with a StartingPosition is required for source {STREAM}."),
    _stream(f"DynamoDBStreamParameters is not supported for source {STREAM}.", "DynamoDB", StartingPosition="LATEST"),
    _stream(f"BatchSize can be at most 10 for target {WHOLE['Target']}.", StartingPosition="LATEST", BatchSize=11),
    _stream(f"Source {STREAM} does not exist.", StartingPosition="TRIM_HORIZON"),
    _stream(f"Source {STREAM} does not exist.", StartingPosition="LATEST"),
    _stream(NO_MOMENT, StartingPosition="AT_TIMESTAMP"),
    _stream(NO_MOMENT, StartingPosition="LATEST", StartingPositionTimestamp=1.0),
    ("create_pipe", {**WHOLE, "Source": TOPIC}, INVALID, f"Unsupported source: {TOPIC}."),
    ("create_pipe", {**WHOLE, "Enrichment": MACHINE}, "NotImplemented", f"windtunnel does not implement enrichment by {MACHINE}."),
    ("create_pipe", {**WHOLE, "Enrichment": WHOLE["Source"]}, INVALID, f"Unsupported enrichment: {WHOLE['Source']}."),
    _queue("MaximumBatchingWindowInSeconds is not supported for FIFO queues.", ".fifo", MaximumBatchingWindowInSeconds=5),
    _queue("BatchSize can be at most 10 for FIFO queues.", ".fifo", BatchSize=11),
    _queue("MaximumBatchingWindowInSeconds must be at least 1 where BatchSize is above 10.", BatchSize=11),
    ("create_pipe", {**WHOLE, "SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "[]"}]}}}, INVALID, BAD_PATTERN),
    ("update_pipe", {"Name": "none", "RoleArn": ROLE}, MISSING, NO_PIPE),
    ("update_pipe", {"Name": "p", "RoleArn": ROLE, "Enrichment": WHOLE["Source"]}, INVALID, f"Unsupported enrichment: {WHOLE['Source']}."),
    *[(f"{verb}_pipe", {"Name": "none"}, MISSING, NO_PIPE) for verb in ("describe", "delete", "start", "stop")],
    *[(f"{verb}_pipe", {"Name": LONG}, INVALID, TOO_LONG) for verb in ("describe", "delete", "start", "stop")],
    ("stop_pipe", {"Name": "p"}, CONFLICT, "Pipe p is already STOPPED."),
    ("list_pipes", {"NextToken": "none"}, INVALID, "Invalid NextToken."),
    ("tag_resource", {"resourceArn": ARN.replace("/p", "/none"), "tags": {"a": "b"}}, MISSING, NO_PIPE),
    ("tag_resource", {"resourceArn": ARN, "tags": {}}, INVALID, NO_TAGS),
    ("untag_resource", {"resourceArn": ARN.replace("/p", "/none"), "tagKeys": ["a"]}, MISSING, NO_PIPE),
    ("list_tags_for_resource", {"resourceArn": ARN.replace("/p", "/none")}, MISSING, NO_PIPE),
]
ELSEWHERE = {"start_pipe ConflictException": "test_pipes.py::test_a_running_pipe_is_not_started_again"}
NEVER = (
    *("InternalException", "ThrottlingException", "ServiceQuotaExceededException", "update_pipe ConflictException"),
    *("delete_pipe ConflictException", "untag_resource ValidationException", "create_pipe NotFoundException"),
    "list_tags_for_resource ValidationException",
)


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES)
def test_what_pipes_refuses_is_refused_with_its_reason(here: Here, operation: str, request_: dict[str, Any], code: str, said: str) -> None:
    _pipe(here, WHOLE["Target"], DesiredState="STOPPED")
    assert refusal(getattr(here.pipes, operation), **request_) == (code, said)


def test_a_running_pipe_is_not_started_again(here: Here) -> None:
    queue(here, "in")
    _pipe(here, WHOLE["Target"])
    assert refusal(here.pipes.start_pipe, Name="p") == (CONFLICT, "Pipe p is already RUNNING.")


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("pipes", CASES, ELSEWHERE, NEVER) == []
