"""Tables come, change and go, with their indexes and what expires in them."""

from __future__ import annotations

from typing import Any

from tests.stories.dynamo import item, make, schema, table_arn, value
from tests.stories.here import Here

BY_SHELF: dict[str, Any] = {"IndexName": "by-shelf", "KeySchema": schema("shelf", "at"), "Projection": {"ProjectionType": "KEYS_ONLY"}}


def test_a_table_is_being_created_for_who_creates_it_and_active_for_who_asks(here: Here) -> None:
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    created = make(here, keys="id:S at:N", BillingMode=None, ProvisionedThroughput=throughput)
    whole: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "at", "AttributeType": "N"}, {"AttributeName": "id", "AttributeType": "S"}],
        "TableName": "books",
        "KeySchema": schema("id", "at"),
        "TableStatus": "CREATING",
        "CreationDateTime": here.now,
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **throughput},
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "TableArn": table_arn("books"),
        "TableId": created["TableId"],
        "DeletionProtectionEnabled": False,
    }
    assert created == whole
    warm = {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 6, "Status": "ACTIVE"}
    assert here.dynamodb.describe_table(TableName=table_arn("books")) == {
        "Table": {**whole, "TableStatus": "ACTIVE", "WarmThroughput": warm}
    }


def test_tables_are_listed_in_pages(here: Here) -> None:
    for name in ("one", "two", "three"):
        make(here, name)
    first = here.dynamodb.list_tables(Limit=2)
    assert first == {"TableNames": ["one", "three"], "LastEvaluatedTableName": "three"}
    assert here.dynamodb.list_tables(ExclusiveStartTableName="three") == {"TableNames": ["two"]}


def test_a_deleted_table_takes_its_items_with_it(here: Here) -> None:
    make(here)
    here.dynamodb.put_item(TableName="books", Item=item(id="a"))
    assert here.dynamodb.delete_table(TableName="books")["TableDescription"]["TableStatus"] == "DELETING"
    here.rest()
    make(here)
    assert here.dynamodb.scan(TableName="books")["Items"] == []


def test_an_index_takes_in_what_was_there_before_it(here: Here) -> None:
    make(here)
    books = [item(id=f"b{number}", shelf="s", at=number) for number in range(5)]
    here.dynamodb.batch_write_item(RequestItems={"books": [{"PutRequest": {"Item": book}} for book in books]})
    defined = [{"AttributeName": "shelf", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}]
    changed = here.dynamodb.update_table(
        TableName="books", AttributeDefinitions=defined, GlobalSecondaryIndexUpdates=[{"Create": BY_SHELF}]
    )["TableDescription"]["GlobalSecondaryIndexes"]
    assert [(index["IndexStatus"], index["Backfilling"]) for index in changed] == [("CREATING", True)]
    here.dynamodb.put_item(TableName="books", Item=item(id="b2", shelf="s", at=9))  # while the index is filling
    here.rest()
    index = here.dynamodb.describe_table(TableName="books")["Table"]["GlobalSecondaryIndexes"][0]
    assert (index["IndexStatus"], index["ItemCount"]) == ("ACTIVE", 5)
    found = here.dynamodb.query(
        TableName="books",
        IndexName="by-shelf",
        KeyConditionExpression="shelf = :s",
        ExpressionAttributeValues={":s": value("s")},
        ScanIndexForward=False,
    )
    assert [found["id"]["S"] for found in found["Items"]] == ["b2", "b4", "b3", "b1", "b0"]
    here.dynamodb.update_table(TableName="books", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-shelf"}}])
    assert "GlobalSecondaryIndexes" not in here.dynamodb.describe_table(TableName="books")["Table"]


def test_counts_and_sizes_follow_the_items(here: Here) -> None:
    make(here, more="shelf:S at:N", GlobalSecondaryIndexes=[BY_SHELF])
    here.dynamodb.put_item(TableName="books", Item=item(id="a", shelf="s", at=1, title="long"))
    here.dynamodb.put_item(TableName="books", Item=item(id="b"))
    here.dynamodb.put_item(TableName="books", Item=item(id="b", title="x"))
    table = here.dynamodb.describe_table(TableName="books")["Table"]
    index = table["GlobalSecondaryIndexes"][0]
    assert (table["ItemCount"], table["TableSizeBytes"], index["ItemCount"], index["IndexSizeBytes"]) == (2, 31, 1, 13)
    here.dynamodb.delete_item(TableName="books", Key=item(id="a"))
    table = here.dynamodb.describe_table(TableName="books")["Table"]
    index = table["GlobalSecondaryIndexes"][0]
    assert (table["ItemCount"], table["TableSizeBytes"], index["ItemCount"], index["IndexSizeBytes"]) == (1, 9, 0, 0)


def test_an_item_goes_when_its_time_has_come(here: Here) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    arn = make(here, StreamSpecification=stream)["LatestStreamArn"]
    here.dynamodb.put_item(TableName="books", Item=item(id="old", ends=int(here.now) + 100))
    here.dynamodb.update_time_to_live(TableName="books", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    here.dynamodb.put_item(TableName="books", Item=item(id="new", ends=int(here.now) + 50))
    here.dynamodb.put_item(TableName="books", Item=item(id="kept", ends="tomorrow"))
    left: list[list[str]] = []
    for seconds in (49, 1, 50):
        here.jump(seconds)
        left.append(sorted(found["id"]["S"] for found in here.dynamodb.scan(TableName="books")["Items"]))
    assert left == [["kept", "new", "old"], ["kept", "old"], ["kept"]]
    shard = here.dynamodbstreams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = here.dynamodbstreams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    last = here.dynamodbstreams.get_records(**place)["Records"][-1]
    assert (last["eventName"], last["userIdentity"]) == ("REMOVE", {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})


def test_a_table_changes_how_it_is_paid(here: Here) -> None:
    make(here)
    throughput = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 1}
    changed = here.dynamodb.update_table(TableName="books", BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    assert changed["TableDescription"]["TableStatus"] == "UPDATING"
    less = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    here.dynamodb.update_table(TableName="books", ProvisionedThroughput=less)
    shown = here.dynamodb.describe_table(TableName="books")["Table"]
    assert shown["ProvisionedThroughput"] == {**less, "NumberOfDecreasesToday": 1, "LastDecreaseDateTime": here.now}
    assert shown["BillingModeSummary"]["BillingMode"] == "PROVISIONED"


def test_tags_are_kept_with_their_table(here: Here) -> None:
    make(here, Tags=[{"Key": "team", "Value": "blue"}])
    arn = table_arn("books")
    here.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "low"}])
    here.dynamodb.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert here.dynamodb.list_tags_of_resource(ResourceArn=arn) == {"Tags": [{"Key": "cost", "Value": "low"}]}


def test_a_policy_is_kept_under_its_revision(here: Here) -> None:
    make(here)
    arn = table_arn("books")
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*", "Resource": "*"}]}'
    revision = here.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)["RevisionId"]
    assert here.dynamodb.get_resource_policy(ResourceArn=arn) == {"Policy": policy, "RevisionId": revision}
    assert here.dynamodb.delete_resource_policy(ResourceArn=arn) == {"RevisionId": revision}
    assert here.dynamodb.delete_resource_policy(ResourceArn=arn) == {}


def test_contributor_insights_can_be_switched_on(here: Here) -> None:
    make(here, keys="id:S at:N")
    assert here.dynamodb.describe_contributor_insights(TableName="books") == {"TableName": "books", "ContributorInsightsStatus": "DISABLED"}
    mode = {"ContributorInsightsMode": "ACCESSED_AND_THROTTLED_KEYS"}
    switched = here.dynamodb.update_contributor_insights(TableName="books", ContributorInsightsAction="ENABLE")
    assert switched == {"TableName": "books", "ContributorInsightsStatus": "ENABLING", **mode}
    stamp = int(here.now * 1000)
    assert here.dynamodb.describe_contributor_insights(TableName="books") == {
        "TableName": "books",
        "ContributorInsightsRuleList": [f"DynamoDBContributorInsights-{kind}-books-{stamp}" for kind in ("PKC", "PKT", "SKC", "SKT")],
        "ContributorInsightsStatus": "ENABLED",
        "LastUpdateDateTime": here.now,
        **mode,
    }
    listed = {"TableName": "books", "ContributorInsightsStatus": "ENABLED", **mode}
    assert here.dynamodb.list_contributor_insights() == {"ContributorInsightsSummaries": [listed]}


def test_an_account_has_limits_and_an_endpoint(here: Here) -> None:
    assert here.dynamodb.describe_limits() == {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }
    assert here.dynamodb.describe_endpoints() == {"Endpoints": [{"Address": "localhost:4566", "CachePeriodInMinutes": 1_440}]}


def test_a_table_is_encrypted_with_the_key_of_the_account(here: Here) -> None:
    made = make(here, SSESpecification={"Enabled": True})
    key = here.kms.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["Arn"]
    assert made["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    changed = here.dynamodb.update_table(TableName="books", SSESpecification={"Enabled": False})["TableDescription"]
    assert changed["SSEDescription"] == {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": key}
    assert "SSEDescription" not in here.dynamodb.describe_table(TableName="books")["Table"]
