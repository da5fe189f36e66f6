"""Stories of vended logs' deliveries, with their sources and destinations, and of destinations for other accounts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.logs_kit import heard
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
LOGS = "arn:aws:logs:us-east-1:000000000000"
DISTRIBUTION = "arn:aws:cloudfront::000000000000:distribution/E1Q5F5862X9VJ5"
BUCKET = {"destinationResourceArn": "arn:aws:s3:::bucket"}
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
ROLE = "arn:aws:iam::000000000000:role/r"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def logs(here: Here) -> Any:
    here.logs.put_delivery_source(name="source", resourceArn=DISTRIBUTION, logType="ACCESS_LOGS", tags={"team": "blue"})
    here.logs.put_delivery_destination(name="bucket", deliveryDestinationConfiguration=BUCKET)
    return here.logs


def test_a_source_is_one_resource_and_one_type_of_log(logs: Any) -> None:
    source = {
        "name": "source",
        "arn": f"{LOGS}:delivery-source:source",
        "resourceArns": [DISTRIBUTION],
        "service": "cloudfront",
        "logType": "ACCESS_LOGS",
        "tags": {"team": "blue"},
    }
    assert logs.get_delivery_source(name="source") == {"deliverySource": source}
    assert logs.describe_delivery_sources(resourceArns=["arn:aws:cloudfront::000000000000:distribution/E2"]) == {"deliverySources": []}
    for name, resource, fault in (
        ("x", "arn:aws:s3:::bucket", ("ResourceNotFoundException", "Cannot access provided service.")),
        ("x", DISTRIBUTION, ("ConflictException", "This ResourceId has already been used in another Delivery Source in this account.")),
        (
            "source",
            DISTRIBUTION + "2",
            (
                "ConflictException",
                "Update to existing Delivery Source with new ResourceId is not allowed. Please create a new Delivery Source instead.",
            ),
        ),
    ):
        assert refusal(logs.put_delivery_source, name=name, resourceArn=resource, logType="ACCESS_LOGS") == fault
    assert logs.describe_delivery_sources() == {"deliverySources": [source]}


def test_a_destination_is_overwritten_but_for_its_policy(logs: Any) -> None:
    assert logs.get_delivery_destination_policy(deliveryDestinationName="bucket") == {"policy": {}}
    kept = {"policy": {"deliveryDestinationPolicy": POLICY}}
    assert logs.put_delivery_destination_policy(deliveryDestinationName="bucket", deliveryDestinationPolicy=POLICY) == kept
    assert refusal(logs.put_delivery_destination_policy, deliveryDestinationName="bucket", deliveryDestinationPolicy="{}") == (
        "ValidationException",
        "Invalid Delivery Destination resource Policy is provided.",
    )
    group = {"destinationResourceArn": f"{LOGS}:log-group:g"}
    changed = logs.put_delivery_destination(name="bucket", outputFormat="json", deliveryDestinationConfiguration=group)
    assert changed == {
        "deliveryDestination": {
            "name": "bucket",
            "arn": f"{LOGS}:delivery-destination:bucket",
            "deliveryDestinationType": "CWL",
            "deliveryDestinationConfiguration": group,
            "outputFormat": "json",
        }
    }
    assert logs.get_delivery_destination_policy(deliveryDestinationName="bucket") == kept
    logs.delete_delivery_destination_policy(deliveryDestinationName="bucket")
    assert logs.get_delivery_destination_policy(deliveryDestinationName="bucket") == {"policy": {}}


def test_a_destination_has_the_type_and_format_it_can_have(logs: Any) -> None:
    assert refusal(logs.put_delivery_destination, name="x", deliveryDestinationConfiguration=BUCKET, outputFormat="foobar") == (
        "ValidationException",
        (
            "1 validation error detected: Value 'foobar' at 'outputFormat' failed to satisfy constraint: "
            "Member must satisfy enum value set: [w3c, raw, json, plain, parquet]"
        ),
    )
    assert refusal(logs.put_delivery_destination, name="x")[0] == "ValidationException"
    traces = logs.put_delivery_destination(name="traces", deliveryDestinationType="XRAY", roleArn=ROLE)["deliveryDestination"]
    assert traces == {"name": "traces", "arn": f"{LOGS}:delivery-destination:traces", "deliveryDestinationType": "XRAY", "roleArn": ROLE}
    assert [each["name"] for each in logs.describe_delivery_destinations()["deliveryDestinations"]] == ["bucket", "traces"]


def test_a_delivery_joins_a_source_to_a_destination_and_keeps_both(logs: Any) -> None:
    destination = f"{LOGS}:delivery-destination:bucket"
    made = logs.create_delivery(
        deliverySourceName="source", deliveryDestinationArn=destination, recordFields=["date"], s3DeliveryConfiguration={"suffixPath": "p"}
    )["delivery"]
    assert made == {
        "id": made["id"],
        "arn": f"{LOGS}:delivery:{made['id']}",
        "deliverySourceName": "source",
        "deliveryDestinationArn": destination,
        "deliveryDestinationType": "S3",
        "recordFields": ["date"],
        "s3DeliveryConfiguration": {"suffixPath": "p", "enableHiveCompatiblePath": False},
    }
    logs.update_delivery_configuration(id=made["id"], fieldDelimiter=",", s3DeliveryConfiguration={"enableHiveCompatiblePath": True})
    changed = {**made, "fieldDelimiter": ",", "s3DeliveryConfiguration": {"suffixPath": "p", "enableHiveCompatiblePath": True}}
    assert logs.get_delivery(id=made["id"]) == {"delivery": changed}
    assert logs.describe_deliveries(deliverySourceNames=["source"]) == {"deliveries": [changed]}
    assert logs.describe_deliveries(deliverySourceNames=["other"]) == {"deliveries": []}
    again = {"deliverySourceName": "source", "deliveryDestinationArn": destination}
    assert refusal(logs.create_delivery, **again)[0] == "ConflictException"
    assert refusal(logs.delete_delivery_source, name="source")[0] == "ConflictException"
    assert refusal(logs.delete_delivery_destination, name="bucket")[0] == "ConflictException"
    logs.delete_delivery(id=made["id"])
    logs.delete_delivery_source(name="source")
    logs.delete_delivery_destination(name="bucket")
    code = "ResourceNotFoundException"
    assert refusal(logs.get_delivery, id=made["id"]) == (code, "Requested Delivery does not exist in this account.")
    assert refusal(logs.get_delivery_source, name="source") == (code, "Requested Delivery Source does not exist in this account.")
    assert refusal(logs.delete_delivery_destination, name="bucket") == (
        code,
        "Requested Delivery Destination does not exist in this account.",
    )


def test_cloudfront_writes_all_its_fields_when_nothing_is_said(logs: Any) -> None:
    made = logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=f"{LOGS}:delivery-destination:bucket")["delivery"]
    assert (made["recordFields"][:3], len(made["recordFields"])) == (["date", "time", "x-edge-location"], 33)
    assert made["s3DeliveryConfiguration"] == {"suffixPath": "AWSLogs/{account-id}/CloudFront/", "enableHiveCompatiblePath": False}


def test_a_destination_for_other_accounts_keeps_its_policy_and_age_when_it_changes(here: Here) -> None:
    heard(here, "kinesis", "put_record")
    here.logs.put_destination(destinationName="d", targetArn=STREAM, roleArn=ROLE, tags={"team": "blue"})
    here.logs.put_destination_policy(destinationName="d", accessPolicy=POLICY)
    here.jump(60)
    here.logs.put_destination(destinationName="d", targetArn=STREAM + "2", roleArn=ROLE)
    kept = {
        "destinationName": "d",
        "targetArn": STREAM + "2",
        "roleArn": ROLE,
        "arn": f"{LOGS}:destination:d",
        "creationTime": NOW,
        "accessPolicy": POLICY,
    }
    assert here.logs.describe_destinations(DestinationNamePrefix="d") == {"destinations": [kept]}
    assert here.logs.describe_destinations(DestinationNamePrefix="e") == {"destinations": []}
    here.logs.tag_resource(resourceArn=kept["arn"], tags={"stage": "test"})
    here.logs.untag_resource(resourceArn=kept["arn"], tagKeys=["team"])
    assert here.logs.list_tags_for_resource(resourceArn=kept["arn"]) == {"tags": {"stage": "test"}}
    here.logs.delete_destination(destinationName="d")
    assert refusal(here.logs.delete_destination, destinationName="d")[0] == "ResourceNotFoundException"
    assert refusal(here.logs.list_tags_for_resource, resourceArn=kept["arn"])[0] == "ResourceNotFoundException"


def test_destinations_are_described_in_pages_and_the_oldest_first(here: Here) -> None:
    for name in ("c", "a", "b"):
        here.logs.put_delivery_destination(name=name, deliveryDestinationConfiguration=BUCKET)
    first = here.logs.describe_delivery_destinations(limit=2)
    rest = here.logs.describe_delivery_destinations(nextToken=first.pop("nextToken"))
    assert [each["name"] for page in (first, rest) for each in page["deliveryDestinations"]] == ["c", "a", "b"]
    assert refusal(here.logs.describe_delivery_destinations, nextToken="none") == (
        "ValidationException",
        "The specified nextToken is invalid.",
    )
