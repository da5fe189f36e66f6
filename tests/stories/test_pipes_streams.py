"""Pipes from streams: where they begin, what they take along, and what becomes of records that fail."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from tests.stories.events_kit import bodies, queue, rule
from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.lambdas import make
from tests.stories.refusals import refusal

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
PIPE = f"arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/p"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
SHARD = "shardId-000000000000"
KEYS = {"InputTemplate": '{"key": "<$.partitionKey>"}'}
REPORTS = (
    "import json\n"
    "def handler(events, context):\n"
    "    print(json.dumps([event['partitionKey'] for event in events]))\n"
    "    bad = [event['eventID'] for event in events if event['partitionKey'].startswith('bad')]\n"
    "    return {'batchItemFailures': [{'itemIdentifier': id} for id in bad]}\n"
)


def pipe(here: Here, target: str, source: str = STREAM, start: str = "TRIM_HORIZON", filters: Any = None, **given: Any) -> Any:
    """A pipe from a stream; `given` are the stream's parameters, and "TargetParameters"."""
    rest = {name: given.pop(name) for name in ("TargetParameters", "DesiredState") if name in given}
    kind = "Kinesis" if ":kinesis:" in source else "DynamoDB"
    parameters: dict[str, Any] = {f"{kind}StreamParameters": {"StartingPosition": start, **given}}
    if filters is not None:
        parameters["FilterCriteria"] = {"Filters": [{"Pattern": json.dumps(filters)}]}
    return here.pipes.create_pipe(Name="p", Source=source, SourceParameters=parameters, Target=target, RoleArn=ROLE, **rest)


def put(here: Here, *keys: str, data: Any = None) -> list[str]:
    payload = b"text" if data is None else json.dumps(data).encode()
    records = [{"Data": payload, "PartitionKey": key} for key in keys]
    sequences = [record["SequenceNumber"] for record in here.kinesis.put_records(StreamName="s", Records=records)["Records"]]
    here.rest()
    return sequences


def keys(here: Here, name: str = "out") -> list[str]:
    return [body["key"] for body in bodies(here, name)]


def runs(here: Here) -> list[list[str]]:
    """The keys that the function was run with, in the order of its log."""
    events = here.logs.filter_log_events(logGroupName="/aws/lambda/f")["events"]
    return [json.loads(event["message"]) for event in events if event["message"].startswith("[")]


def test_records_of_a_stream_go_to_a_queue_as_events(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    (before,) = put(here, "a", data={"n": 1})
    pipe(here, queue(here, "out"))
    here.rest()
    assert bodies(here, "out") == [
        {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "a",
            "sequenceNumber": before,
            "data": b64encode(b'{"n": 1}').decode(),
            "approximateArrivalTimestamp": BEGIN,
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{SHARD}:{before}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": ROLE,
            "awsRegion": REGION,
            "eventSourceARN": STREAM,
        }
    ]
    here.restart()
    put(here, "b")
    assert [event["partitionKey"] for event in bodies(here, "out")] == ["b"]


def test_filters_and_templates_look_into_the_data(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    template = {"InputTemplate": '{"n": <$.data.n>, "key": "<$.partitionKey>"}'}
    pipe(here, queue(here, "out"), filters={"data": {"n": [{"numeric": [">", 1]}]}}, TargetParameters=template)
    put(here, "small", data={"n": 1})
    put(here, "large", data={"n": 2})
    put(here, "none")
    assert bodies(here, "out") == [{"n": 2, "key": "large"}]


def test_a_pipe_begins_where_it_is_told_to(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    put(here, "old")
    here.jump(60)
    put(here, "middle")
    pipe(here, queue(here, "out"), start="AT_TIMESTAMP", StartingPositionTimestamp=BEGIN + 30, TargetParameters=KEYS)
    here.rest()
    assert keys(here) == ["middle"]
    here.pipes.delete_pipe(Name="p")
    pipe(here, f"arn:aws:sqs:{REGION}:{ACCOUNT}:out", start="LATEST", TargetParameters=KEYS)
    put(here, "new")
    assert keys(here) == ["new"]
    here.pipes.delete_pipe(Name="p")
    pipe(here, f"arn:aws:sqs:{REGION}:{ACCOUNT}:out", TargetParameters=KEYS)
    here.rest()
    assert keys(here) == ["old", "middle", "new"]


def test_a_stopped_pipe_goes_on_where_it_was_and_keeps_its_beginning_when_it_is_changed(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    pipe(here, queue(here, "out"), TargetParameters=KEYS)
    put(here, "a")
    here.pipes.stop_pipe(Name="p")
    put(here, "b")
    assert keys(here) == ["a"]
    here.pipes.update_pipe(
        Name="p", RoleArn=ROLE, SourceParameters={"KinesisStreamParameters": {"BatchSize": 5, "ParallelizationFactor": 2}}
    )
    assert here.pipes.describe_pipe(Name="p")["SourceParameters"] == {
        "KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON", "BatchSize": 5, "ParallelizationFactor": 2}
    }
    here.pipes.start_pipe(Name="p")
    put(here, "c")
    assert sorted(keys(here)) == ["b", "c"]


def test_changes_of_a_table_go_through_a_pipe(here: Here) -> None:
    table = here.dynamodb.create_table(
        TableName="books",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    stream = table["LatestStreamArn"]
    pipe(here, queue(here, "out"), stream, "LATEST", {"dynamodb": {"NewImage": {"n": {"N": ["2"]}}}})
    for number in ("1", "2"):
        here.dynamodb.put_item(TableName="books", Item={"id": {"S": "a"}, "n": {"N": number}})
    here.rest()
    (event,) = bodies(here, "out")
    assert (event["eventName"], event["eventSource"], event["eventSourceARN"]) == ("MODIFY", "aws:dynamodb", stream)
    assert event["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "n": {"N": "2"}}


def test_a_batch_is_gathered_within_its_window(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    pipe(here, queue(here, "out"), MaximumBatchingWindowInSeconds=30, BatchSize=3, TargetParameters=KEYS)
    put(here, "a", "b")
    assert keys(here) == []
    put(here, "c")
    assert keys(here) == ["a", "b", "c"]
    put(here, "d")
    here.jump(30)
    assert keys(here) == ["d"]


def test_records_that_can_not_be_delivered_are_tried_again_and_given_up(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    nowhere = f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere"
    pipe(here, nowhere, MaximumRetryAttempts=2, DeadLetterConfig={"Arn": queue(here, "dead")}, TargetParameters=KEYS)
    first, last = put(here, "a", "b")
    assert bodies(here, "dead") == []
    here.jump(0.5 + 1)
    (told,) = bodies(here, "dead")
    assert told == {
        "context": {"partnerResourceArn": PIPE, "condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:01.500Z",
        "KinesisBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00.000Z",
            "approximateArrivalOfLastRecord": "2026-01-01T00:00:00.000Z",
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }
    queue(here, "nowhere")
    put(here, "c")
    assert keys(here, "nowhere") == ["c"]


def test_records_that_are_too_old_are_let_go_of(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    nowhere = f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere"
    pipe(here, nowhere, MaximumRecordAgeInSeconds=60, DeadLetterConfig={"Arn": queue(here, "dead")}, TargetParameters=KEYS)
    put(here, "a")
    here.jump(180)
    assert [told["context"]["condition"] for told in bodies(here, "dead")] == ["RecordAgeExceeded"]


def test_a_function_says_by_their_ids_which_events_failed_and_a_batch_is_halved_until_it_is_clear_which(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    make(here, "f", REPORTS)
    arn = here.lambda_.get_function_configuration(FunctionName="f")["FunctionArn"]
    dead = {"Arn": queue(here, "dead")}
    pipe(here, arn, OnPartialBatchItemFailure="AUTOMATIC_BISECT", MaximumRetryAttempts=0, DeadLetterConfig=dead)
    put(here, "a", "bad", "c", "d")
    # What is before the first failure is done with; the rest comes again whole, and then in halves.
    assert runs(here) == [["a", "bad", "c", "d"], ["bad", "c", "d"], ["bad"], ["c", "d"]]
    assert [told["KinesisBatchInfo"]["batchSize"] for told in bodies(here, "dead")] == [1]


def test_lanes_of_a_shard_do_not_wait_for_each_other(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    make(here, "f", REPORTS)
    arn = here.lambda_.get_function_configuration(FunctionName="f")["FunctionArn"]
    pipe(here, arn, ParallelizationFactor=10, BatchSize=1)
    put(here, "bad", "a", "b", "c", "d")
    assert sorted(run[0] for run in runs(here)) == ["a", "b", "bad", "c", "d"]
    here.jump(0.5)
    assert sorted(run[0] for run in runs(here)) == ["a", "b", "bad", "bad", "c", "d"]


def test_a_pipe_from_a_stream_that_goes_away_rests_and_is_deleted(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    pipe(here, queue(here, "out"), TargetParameters=KEYS)
    put(here, "a")
    here.kinesis.delete_stream(StreamName="s")
    here.jump(3600)
    assert here.pipes.describe_pipe(Name="p")["CurrentState"] == "RUNNING"
    assert here.pipes.delete_pipe(Name="p")["DesiredState"] == "DELETED"
    assert refusal(here.pipes.describe_pipe, Name="p") == ("NotFoundException", "Pipe p does not exist.")


def test_a_target_takes_the_time_that_the_record_tells(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    rule(here, {"source": ["Pipe p"]}, queue(here, "out"))
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    pipe(here, bus, TargetParameters={"EventBridgeEventBusParameters": {"Time": "$.data.at"}, "InputTemplate": '{"n": 1}'})
    put(here, "a", data={"at": "2025-12-31T23:00:00Z"})
    put(here, "b", data={"at": "no time"})
    (event,) = bodies(here, "out")
    assert (event["time"], event["detail-type"], event["detail"]) == ("2025-12-31T23:00:00Z", "Event from aws:kinesis", {"n": 1})
    here.pipes.delete_pipe(Name="p")
    here.logs.create_log_group(logGroupName="g")
    named = {"LogStreamName": "mine", "Timestamp": "$.data.ms"}
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g"
    pipe(here, group, start="LATEST", TargetParameters={"CloudWatchLogsParameters": named, "InputTemplate": '{"n": 2}'})
    put(here, "c", data={"ms": (BEGIN - 60) * 1000})
    (event,) = here.logs.filter_log_events(logGroupName="g")["events"]
    assert (event["logStreamName"], event["timestamp"], json.loads(event["message"])) == ("mine", (BEGIN - 60) * 1000, {"n": 2})
