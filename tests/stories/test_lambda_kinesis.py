"""Streams are read for functions: batches in order, failures and who is told of them, lanes, windows, and what is split meanwhile."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.lambdas import ROLE, arn, bodies, logged, make, queue, refusal
from windtunnel.fabric import Fault

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
SHARD = "shardId-000000000000"
PRINTS = "import json\ndef handler(event, context):\n    print('got', json.dumps(event))\n"
FAILS = PRINTS + "    raise ValueError('no')\n"
REPORTS = PRINTS + (
    "    bad = [r['kinesis']['sequenceNumber'] for r in event['Records'] if r['kinesis']['partitionKey'] == 'bad']\n"
    "    return {'batchItemFailures': [{'itemIdentifier': n} for n in bad]}\n"
)
SUMS = PRINTS + "    return {'state': {'sum': event['state'].get('sum', 0) + len(event['Records'])}}\n"


def connect(here: Here, code: str = PRINTS, shards: int = 1, **given: Any) -> Any:
    """A stream that is read for a function; the mapping."""
    make(here, "f", code)
    here.kinesis.create_stream(StreamName="s", ShardCount=shards)
    request = {"StartingPosition": "TRIM_HORIZON", **given}
    return here.lambda_.create_event_source_mapping(EventSourceArn=STREAM, FunctionName="f", **request)


def put(here: Here, *keys: str) -> list[str]:
    records = [{"Data": key.encode(), "PartitionKey": key} for key in keys]
    return [record["SequenceNumber"] for record in here.kinesis.put_records(StreamName="s", Records=records)["Records"]]


def events(here: Here) -> list[Any]:
    """What the function got, in the order of its log."""
    try:
        lines = logged(here, "/aws/lambda/f")
    except Fault:
        return []
    return [json.loads(line.removeprefix("got ")) for line in lines if line.startswith("got ")]


def batches(here: Here) -> list[list[str]]:
    return [[record["kinesis"]["partitionKey"] for record in event["Records"]] for event in events(here)]


def test_a_mapping_of_a_stream_is_described_with_all_that_aws_says_of_it(here: Here) -> None:
    made = connect(here)
    expected: dict[str, Any] = {
        "UUID": made["UUID"],
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": STREAM,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{made['UUID']}",
        "FunctionArn": arn("f"),
        "FunctionResponseTypes": [],
        "LastModified": BEGIN,
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }
    assert made == expected | {"State": "Creating"}
    put(here, "a")
    here.rest()
    assert here.lambda_.get_event_source_mapping(UUID=made["UUID"]) == expected | {"State": "Enabled", "LastProcessingResult": "OK"}
    assert here.lambda_.delete_event_source_mapping(UUID=made["UUID"])["State"] == "Deleting"


def test_a_record_is_an_event_as_aws_makes_it(here: Here) -> None:
    connect(here)
    (sequence,) = put(here, "a")
    record = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "a",
            "sequenceNumber": sequence,
            "data": b64encode(b"a").decode(),
            "approximateArrivalTimestamp": BEGIN,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": REGION,
        "eventSourceARN": STREAM,
    }
    assert events(here) == [{"Records": [record]}]


def test_a_mapping_begins_at_the_horizon_at_a_moment_or_now(here: Here) -> None:
    make(here, "f", PRINTS)
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    put(here, "a")
    here.jump(10)
    put(here, "b")
    for position in ({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": BEGIN + 5}, {"StartingPosition": "LATEST"}):
        made = here.lambda_.create_event_source_mapping(EventSourceArn=STREAM, FunctionName="f", **position)
        put(here, "c")
        here.rest()
        here.lambda_.delete_event_source_mapping(UUID=made["UUID"])
    assert batches(here) in ([["b", "c"], ["c"]], [["b"], ["c"], ["c"]])


def test_batches_are_as_large_as_the_mapping_says_and_in_order(here: Here) -> None:
    connect(here, BatchSize=2, MaximumBatchingWindowInSeconds=10)
    put(here, "a", "b", "c")
    assert batches(here) == [["a", "b"]]
    here.jump(10)
    assert batches(here) == [["a", "b"], ["c"]]


def test_records_that_no_filter_lets_through_are_passed_over(here: Here) -> None:
    pattern = json.dumps({"data": {"color": ["red"]}})
    connect(here, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    for color in ("blue", "red"):
        here.kinesis.put_record(StreamName="s", Data=json.dumps({"color": color}).encode(), PartitionKey=color)
    for text in (b"no JSON", b"[" * 100_000, b"\xff"):
        here.kinesis.put_record(StreamName="s", Data=text, PartitionKey="text")
    assert batches(here) == [["red"]]


def test_a_batch_that_fails_is_tried_again_and_holds_up_what_follows(here: Here) -> None:
    connect(here, FAILS, BatchSize=1)
    put(here, "a", "b")
    here.rest()
    for _ in range(2):
        here.jump(2)
    assert {tuple(batch) for batch in batches(here)} == {("a",)}
    assert len(batches(here)) >= 3


def test_a_batch_that_was_tried_often_enough_goes_to_the_destination(here: Here) -> None:
    url, failed = queue(here, "failed")
    connect(here, FAILS, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": failed}})
    first, last = put(here, "a", "b")
    here.jump(1)
    (body,) = bodies(here, url)
    told = json.loads(body)
    assert told == {
        "requestContext": {
            "requestId": told["requestContext"]["requestId"],
            "functionArn": arn("f"),
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": told["timestamp"],
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


def test_a_bucket_gets_the_records_that_were_given_up(here: Here) -> None:
    here.s3.create_bucket(Bucket="failed")
    made = connect(here, FAILS, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failed"}})
    put(here, "a")
    here.rest()
    (entry,) = here.s3.list_objects_v2(Bucket="failed")["Contents"]
    assert entry["Key"].startswith(f"aws/lambda/{made['UUID']}/{SHARD}/2026/01/01/2026-01-01T00.00.00-")


def test_records_that_are_too_old_are_given_up_before_they_run(here: Here) -> None:
    make(here, "f", PRINTS)
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    url, failed = queue(here, "failed")
    put(here, "old")
    here.jump(100)
    put(here, "new")
    request = {"StartingPosition": "TRIM_HORIZON", "MaximumRecordAgeInSeconds": 60}
    destination = {"OnFailure": {"Destination": failed}}
    here.lambda_.create_event_source_mapping(EventSourceArn=STREAM, FunctionName="f", DestinationConfig=destination, **request)
    assert batches(here) == [["new"]]
    told = json.loads(bodies(here, url)[0])
    assert (told["requestContext"]["condition"], told["KinesisBatchInfo"]["batchSize"], "responseContext" in told) == (
        "RecordAgeExceeded",
        1,
        False,
    )


def test_a_batch_is_halved_until_the_record_that_fails_is_alone(here: Here) -> None:
    code = PRINTS + "    assert all(r['kinesis']['partitionKey'] != 'bad' for r in event['Records'])\n"
    connect(here, code, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0)
    put(here, "a", "b", "bad", "c")
    assert batches(here) == [["a", "b", "bad", "c"], ["a", "b"], ["bad", "c"], ["bad"], ["c"]]


def test_a_function_that_reports_what_failed_gets_the_rest_no_more(here: Here) -> None:
    connect(here, REPORTS, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    put(here, "a", "bad", "b")
    here.jump(1)
    put(here, "c")
    assert batches(here) == [["a", "bad", "b"], ["bad", "b"], ["c"]]


def test_keys_are_in_order_and_lanes_beside_each_other(here: Here) -> None:
    code = PRINTS + "    assert event['Records'][0]['kinesis']['partitionKey'] != 'a'\n"
    connect(here, code, BatchSize=1, ParallelizationFactor=10)
    put(here, "a", "a", "b", "c")
    seen = {batch[0] for batch in batches(here)}
    assert {"b", "c"} <= seen
    assert len([batch for batch in batches(here) if batch == ["a"]]) == 1


def test_children_are_read_once_their_parent_is_at_its_end(here: Here) -> None:
    connect(here, PRINTS)
    put(here, "a")
    here.kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(here, "b", "c")
    got = batches(here)
    assert got[0] == ["a"]
    assert sorted(key for batch in got for key in batch) == ["a", "b", "c"]


def test_a_restart_goes_on_where_the_function_had_come_to(here: Here) -> None:
    connect(here)
    put(here, "a")
    assert batches(here) == [["a"]]
    here.restart()
    put(here, "b")
    assert batches(here) == [["a"], ["b"]]


def test_a_disabled_mapping_goes_on_later_where_it_was(here: Here) -> None:
    uuid = connect(here)["UUID"]
    put(here, "a")
    here.rest()
    here.lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    put(here, "b")
    assert batches(here) == [["a"]]
    here.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert batches(here) == [["a"], ["b"]]


def test_a_tumbling_window_hands_on_its_state_and_ends(here: Here) -> None:
    connect(here, SUMS, TumblingWindowInSeconds=30)
    put(here, "a", "b")
    here.jump(10)
    put(here, "c")
    here.jump(30)
    shown = [(event["state"], len(event["Records"]), event["isFinalInvokeForWindow"], event["window"]["end"]) for event in events(here)]
    end = "2026-01-01T00:00:30Z"
    assert shown == [({}, 2, False, end), ({"sum": 2}, 1, False, end), ({"sum": 3}, 0, True, end)]


def test_a_function_that_may_not_run_is_not_tried(here: Here) -> None:
    make(here, "f", PRINTS)
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    request = {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0}
    here.lambda_.create_event_source_mapping(EventSourceArn=STREAM, FunctionName="f", **request)
    put(here, "a")
    here.jump(10)
    assert batches(here) == []
    here.lambda_.delete_function_concurrency(FunctionName="f")
    here.jump(60)
    assert batches(here) == [["a"]]


def test_a_mapping_may_name_one_of_the_stream_s_consumers(here: Here) -> None:
    make(here, "f", PRINTS)
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    consumer = here.kinesis.register_stream_consumer(StreamARN=STREAM, ConsumerName="c")["Consumer"]["ConsumerARN"]
    here.lambda_.create_event_source_mapping(EventSourceArn=consumer, FunctionName="f", StartingPosition="LATEST")
    put(here, "a")
    (event,) = events(here)
    assert event["Records"][0]["eventSourceARN"] == consumer


def test_a_mapping_is_changed_while_it_reads(here: Here) -> None:
    uuid = connect(here, BatchSize=1)["UUID"]
    put(here, "a", "b")
    assert batches(here) == [["a"], ["b"]]
    here.lambda_.update_event_source_mapping(UUID=uuid, BatchSize=10, ParallelizationFactor=2)
    put(here, "c", "d", "c")
    later = batches(here)[2:]
    assert sorted(key for batch in later for key in batch) == ["c", "c", "d"]
    here.kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(here, "e", "f")
    assert sorted(key for batch in batches(here)[2 + len(later) :] for key in batch) == ["e", "f"]


def test_what_no_stream_has_is_refused(here: Here) -> None:
    make(here, "f")
    create = here.lambda_.create_event_source_mapping
    assert refusal(create, EventSourceArn=STREAM, FunctionName="f", StartingPosition="LATEST") == (
        "InvalidParameterValueException",
        f"Stream not found: {STREAM}",
    )
    assert refusal(create, EventSourceArn=STREAM, FunctionName="f") == (
        "InvalidParameterValueException",
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
    )
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    uuid = create(EventSourceArn=STREAM, FunctionName="f", StartingPosition="LATEST")["UUID"]
    said = (
        f'The event source arn (" {STREAM} ") and function (" f ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}"
    )
    assert refusal(create, EventSourceArn=STREAM, FunctionName="f", StartingPosition="LATEST") == ("ResourceConflictException", said)
