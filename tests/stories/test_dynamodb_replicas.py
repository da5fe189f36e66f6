"""A table in several regions: what is written in one is read in all."""

from __future__ import annotations

from typing import Any

from tests.stories.dynamo import item, make, records, schema, value
from tests.stories.here import Here
from tests.stories.refusals import refusal

FAR = "eu-west-1"


def joined(here: Here, *regions: str) -> list[Here]:
    for region in regions:
        here.dynamodb.update_table(TableName="books", ReplicaUpdates=[{"Create": {"RegionName": region}}])
    here.rest()
    return [here.at(region=region) for region in regions]


def contents(here: Here) -> list[Any]:
    return sorted(here.dynamodb.scan(TableName="books")["Items"], key=lambda found: found["id"]["S"])


def test_a_replica_has_what_was_there_and_what_comes(here: Here) -> None:
    make(here)
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    near, far = joined(here, "us-west-2", FAR)
    far.dynamodb.put_item(TableName="books", Item=item(id="b"))
    near.dynamodb.delete_item(TableName="books", Key=item(id="a"))
    assert [contents(one) for one in (here, near, far)] == [[item(id="b")]] * 3
    replicas = {"us-east-1", "us-west-2", FAR}
    for one in (here, near, far):
        table = one.dynamodb.describe_table(TableName="books")["Table"]
        others = sorted(replicas - {one.scope.region})
        assert sorted(replica["RegionName"] for replica in table["Replicas"]) == others
        assert (table["GlobalTableVersion"], table["ItemCount"]) == ("2019.11.21", 1)


def test_each_replica_has_a_stream_of_its_own(here: Here) -> None:
    make(here)
    (far,) = joined(here, FAR)
    far.dynamodb.put_item(TableName="books", Item=item(id="a"))
    for one in (here, far):
        arn = one.dynamodb.describe_table(TableName="books")["Table"]["LatestStreamArn"]
        assert [(record["eventName"], record["awsRegion"]) for record in records(one, arn)] == [("INSERT", one.scope.region)]


def test_indexes_and_time_to_live_are_those_of_all_replicas(here: Here) -> None:
    make(here)
    (far,) = joined(here, FAR)
    index = {"IndexName": "by-shelf", "KeySchema": schema("shelf"), "Projection": {"ProjectionType": "ALL"}}
    here.dynamodb.put_item(TableName="books", Item=item(id="a", shelf="s", ends=int(here.now) + 10))
    defined = [{"AttributeName": "shelf", "AttributeType": "S"}]
    here.dynamodb.update_table(TableName="books", AttributeDefinitions=defined, GlobalSecondaryIndexUpdates=[{"Create": index}])
    here.dynamodb.update_time_to_live(TableName="books", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    here.rest()
    asked = {"KeyConditionExpression": "shelf = :s", "ExpressionAttributeValues": {":s": value("s")}}
    assert far.dynamodb.query(TableName="books", IndexName="by-shelf", **asked)["Count"] == 1
    here.jump(10)
    assert (contents(here), contents(far)) == ([], [])


def test_a_replica_that_is_deleted_leaves_the_others(here: Here) -> None:
    make(here)
    near, far = joined(here, "us-west-2", FAR)
    here.dynamodb.update_table(TableName="books", ReplicaUpdates=[{"Delete": {"RegionName": "us-west-2"}}])
    assert refusal(near.dynamodb.scan, TableName="books") == ("ResourceNotFoundException", "Requested resource not found")
    here.dynamodb.delete_table(TableName="books")
    far.dynamodb.put_item(TableName="books", Item=item(id="a"))
    assert "Replicas" not in far.dynamodb.describe_table(TableName="books")["Table"]
