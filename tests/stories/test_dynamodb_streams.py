"""What happens to items stands in their table's stream, for a day."""

from __future__ import annotations

from typing import Any

from tests.stories.dynamo import item, make, records
from tests.stories.here import Here

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
