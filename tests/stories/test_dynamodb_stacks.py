"""Tables that templates make."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.dynamo import item, schema
from tests.stories.here import Here
from tests.stories.test_cloudformation_stacks import create, status

DEFINED = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "shelf")]
INDEX: dict[str, Any] = {"IndexName": "by-shelf", "KeySchema": schema("shelf"), "Projection": {"ProjectionType": "ALL"}}
TABLE: dict[str, Any] = {
    "TableName": "books",
    "AttributeDefinitions": DEFINED,
    "KeySchema": schema("id"),
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [INDEX],
    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "Tags": [{"Key": "team", "Value": "blue"}],
}


def template(kind: str = "Table", **properties: Any) -> str:
    outputs = {"Name": {"Value": {"Ref": "T"}}, "Stream": {"Value": {"Fn::GetAtt": ["T", "StreamArn"]}}}
    return json.dumps({"Resources": {"T": {"Type": f"AWS::DynamoDB::{kind}", "Properties": properties}}, "Outputs": outputs})


def table(here: Here) -> Any:
    return here.dynamodb.describe_table(TableName="books")["Table"]


def test_a_table_is_made_changed_and_removed_with_its_stack(here: Here) -> None:
    create(here, "s", template(**TABLE))
    assert status(here, "s")[0] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in here.cloudformation.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]}
    assert outputs == {"Name": "books", "Stream": table(here)["LatestStreamArn"]}
    recovery = here.dynamodb.describe_continuous_backups(TableName="books")["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    here.dynamodb.put_item(TableName="books", Item=item(id="a", shelf="s"))

    moved = {"AttributeName": "until", "Enabled": True}
    both = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    changes: dict[str, Any] = {
        "GlobalSecondaryIndexes": [{**INDEX, "IndexName": "shelves"}],
        "StreamSpecification": both,
        "TimeToLiveSpecification": moved,
    }
    here.cloudformation.update_stack(StackName="s", TemplateBody=template(**{**TABLE, **changes}))
    here.rest()
    assert status(here, "s")[0] == "UPDATE_COMPLETE"
    assert [(index["IndexName"], index["ItemCount"]) for index in table(here)["GlobalSecondaryIndexes"]] == [("shelves", 1)]
    assert table(here)["StreamSpecification"] == {"StreamEnabled": True, **both}
    assert here.dynamodb.describe_time_to_live(TableName="books")["TimeToLiveDescription"]["AttributeName"] == "until"

    here.cloudformation.delete_stack(StackName="s")
    here.rest()
    assert here.dynamodb.list_tables() == {"TableNames": []}


def test_a_global_table_has_a_replica_in_each_region(here: Here) -> None:
    shared = {name: TABLE[name] for name in ("TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")}
    given = {**shared, "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}
    replicas = [{"Region": region} for region in ("us-east-1", "eu-west-1")]
    create(here, "s", template("GlobalTable", **given, Replicas=replicas))
    assert status(here, "s")[0] == "CREATE_COMPLETE"
    far = here.at(region="eu-west-1")
    far.dynamodb.put_item(TableName="books", Item=item(id="a"))
    assert here.dynamodb.get_item(TableName="books", Key=item(id="a")) == {"Item": item(id="a")}
    here.cloudformation.delete_stack(StackName="s")
    here.rest()
    assert [one.dynamodb.list_tables() for one in (here, far)] == [{"TableNames": []}] * 2
