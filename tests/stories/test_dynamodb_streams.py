"""What happens to items stands in their table's stream, for a day."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.dynamo import item, make, records
from tests.stories.here import Here
from tests.stories.lambdas import logged
from tests.stories.lambdas import make as function
from tests.stories.refusals import refusal

BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_every_change_of_an_item_is_a_record(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    here.dynamodb.put_item(TableName="books", Item=item(id="a", n=1))
    here.dynamodb.put_item(TableName="books", Item=item(id="a", n=1))  # changes nothing
    here.dynamodb.delete_item(TableName="books", Key=item(id="a"))
    seen = records(here, arn)
    assert [(record["eventName"], record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")) for record in seen] == [
        ("INSERT", None, item(id="a")),
        ("MODIFY", item(id="a"), item(id="a", n=1)),
        ("REMOVE", item(id="a", n=1), None),
    ]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in seen]
    assert numbers == sorted(numbers, key=int)
    assert seen[0] == {
        "eventID": seen[0]["eventID"],
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": here.now,
            "Keys": item(id="a"),
            "NewImage": item(id="a"),
            "SequenceNumber": numbers[0],
            "SizeBytes": 6,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def test_a_view_leaves_out_what_it_does_not_show(here: Here) -> None:
    images: dict[str, list[str]] = {}
    for view in ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"):
        arn = make(here, view, StreamSpecification={"StreamEnabled": True, "StreamViewType": view})["LatestStreamArn"]
        for number in (1, 2):
            here.dynamodb.put_item(TableName=view, Item=item(id="a", n=number))
        images[view] = sorted({name for record in records(here, arn) for name in record["dynamodb"] if name.endswith("Image")})
    assert images == {"KEYS_ONLY": [], "NEW_IMAGE": ["NewImage"], "OLD_IMAGE": ["OldImage"]}


def test_records_are_gone_after_a_day(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    here.jump(80_000)
    here.dynamodb.put_item(TableName="books", Item=item(id="b"))
    assert len(records(here, arn)) == 2
    here.jump(6_400)
    assert [record["dynamodb"]["Keys"] for record in records(here, arn)] == [item(id="b")]
    here.jump(80_000)
    assert records(here, arn) == []


def test_an_iterator_goes_on_behind_what_it_has_read(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    streams = here.dynamodbstreams
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    latest = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
    for name in ("a", "b", "c"):
        here.dynamodb.put_item(TableName="books", Item=item(id=name))
    first = streams.get_records(**latest, Limit=2)
    rest = streams.get_records(ShardIterator=first["NextShardIterator"])
    assert [[record["dynamodb"]["Keys"]["id"]["S"] for record in page["Records"]] for page in (first, rest)] == [["a", "b"], ["c"]]
    second: Any = first["Records"][1]["dynamodb"]["SequenceNumber"]
    after = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    assert streams.get_records(**after)["Records"] == rest["Records"]


def test_the_stream_of_a_deleted_table_can_be_read_for_a_day(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    here.dynamodb.delete_table(TableName="books")
    described = here.dynamodbstreams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert (described["StreamStatus"], len(records(here, arn))) == ("DISABLED", 1)
    here.jump(86_401)
    assert here.dynamodbstreams.list_streams() == {"Streams": []}


def test_a_kinesis_stream_gets_the_changes_of_a_table(here: Here) -> None:
    here.kinesis.create_stream(StreamName="changes", ShardCount=1)
    here.jump(60)
    arn = here.kinesis.describe_stream_summary(StreamName="changes")["StreamDescriptionSummary"]["StreamARN"]
    make(here)
    asked = {"TableName": "books", "StreamArn": arn}
    enabled = here.dynamodb.enable_kinesis_streaming_destination(**asked)
    assert enabled == {**asked, "DestinationStatus": "ENABLING", "EnableKinesisStreamingConfiguration": {}}
    assert here.dynamodb.describe_kinesis_streaming_destination(TableName="books") == {
        "TableName": "books",
        "KinesisDataStreamDestinations": [{"StreamArn": arn, "DestinationStatus": "ACTIVE"}],
    }
    here.dynamodb.put_item(TableName="books", Item={**item(id="a"), "data": {"B": b"\x90"}})
    here.dynamodb.disable_kinesis_streaming_destination(**asked)
    here.dynamodb.put_item(TableName="books", Item=item(id="b"))
    shard = here.kinesis.list_shards(StreamName="changes")["Shards"][0]["ShardId"]
    place = here.kinesis.get_shard_iterator(StreamName="changes", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = [json.loads(record["Data"]) for record in here.kinesis.get_records(**place)["Records"]]
    assert found == [
        {
            "awsRegion": "us-east-1",
            "eventID": found[0]["eventID"],
            "eventName": "INSERT",
            "userIdentity": None,
            "recordFormat": "application/json",
            "tableName": "books",
            "dynamodb": {
                "ApproximateCreationDateTime": int(here.now * 1000),
                "Keys": item(id="a"),
                "NewImage": {**item(id="a"), "data": {"B": "kA=="}},
                "SizeBytes": 11,
            },
            "eventSource": "aws:dynamodb",
        }
    ]


def test_the_precision_of_times_can_be_set(here: Here) -> None:
    here.kinesis.create_stream(StreamName="changes", ShardCount=1)
    arn = here.kinesis.describe_stream_summary(StreamName="changes")["StreamDescriptionSummary"]["StreamARN"]
    make(here)
    here.dynamodb.enable_kinesis_streaming_destination(TableName="books", StreamArn=arn)
    precise = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
    updated = here.dynamodb.update_kinesis_streaming_destination(
        TableName="books", StreamArn=arn, UpdateKinesisStreamingConfiguration=precise
    )
    assert updated["DestinationStatus"] == "UPDATING"
    shown = here.dynamodb.describe_kinesis_streaming_destination(TableName="books")["KinesisDataStreamDestinations"]
    assert shown == [{"StreamArn": arn, "DestinationStatus": "ACTIVE", **precise}]


def test_an_iterator_is_too_old_after_a_quarter_of_an_hour(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    streams = here.dynamodbstreams
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
    here.jump(900)
    following = streams.get_records(**place)["NextShardIterator"]
    here.jump(901)
    expired = ("ExpiredIteratorException", "The shard iterator is expired and can no longer be used.")
    assert refusal(streams.get_records, **place) == refusal(streams.get_records, ShardIterator=following) == expired


def test_what_was_trimmed_can_not_be_read_by_its_number(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    (record,) = records(here, arn)
    streams = here.dynamodbstreams
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    here.jump(86_400)
    number = record["dynamodb"]["SequenceNumber"]
    asked = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": number}
    said = "The operation attempted to read past the oldest stream record in a shard, which has been trimmed."
    assert refusal(streams.get_shard_iterator, **asked) == ("TrimmedDataAccessException", said)


def test_what_is_no_stream_is_refused(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    none = f"{arn[:-1]}9"
    streams = here.dynamodbstreams
    gone = ("ResourceNotFoundException", f"Requested resource not found: Stream: {none} not found")
    assert refusal(streams.describe_stream, StreamArn=none) == gone
    assert refusal(streams.list_streams, ExclusiveStartStreamArn=none) == gone
    shard = "shardId-00000000000000000000-00000000"
    latest = {"StreamArn": arn, "ShardIteratorType": "LATEST"}
    assert refusal(streams.get_shard_iterator, ShardId=shard, **latest)[0] == "ResourceNotFoundException"
    assert refusal(streams.get_records, ShardIterator="x") == ("ValidationException", "Invalid ShardIterator")


def test_a_function_goes_on_after_days_without_a_change(here: Here) -> None:
    arn = make(here, StreamSpecification=BOTH)["LatestStreamArn"]
    function(here, "f", "def handler(event, context):\n    print('got', event['Records'][0]['dynamodb']['Keys']['id']['S'])\n")
    here.lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName="f", StartingPosition="TRIM_HORIZON")
    for name in ("a", "b"):
        here.dynamodb.put_item(TableName="books", Item=item(id=name))
        here.jump(3 * 86_400)
        here.restart()
    assert [line.strip() for line in logged(here, "/aws/lambda/f") if line.startswith("got ")] == ["got a", "got b"]
