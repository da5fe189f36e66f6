"""Data Firehose: HTTP endpoints get requests in AWS's form, and what they don't take goes to the bucket."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.planes.subscriber import Subscriber
from tests.stories.here import Here
from tests.stories.test_firehose import ARN, ROLE, objects, put

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def endpoint(here: Here) -> Iterator[Subscriber]:
    one = Subscriber()
    yield one
    here.run(one.stop())


def create(here: Here, endpoint: Subscriber, **settings: Any) -> None:
    url = here.run(endpoint.start())
    here.s3.create_bucket(Bucket="lake")
    destination = {
        "EndpointConfiguration": {"Url": f"{url}/hook", "Name": "mine", "AccessKey": "secret"},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "RequestConfiguration": {"CommonAttributes": [{"AttributeName": "stage", "AttributeValue": "test"}]},
        "S3Configuration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"},
        **settings,
    }
    here.firehose.create_delivery_stream(DeliveryStreamName="d", HttpEndpointDestinationConfiguration=destination)


def test_an_endpoint_gets_the_records_of_a_buffer(here: Here, endpoint: Subscriber) -> None:
    create(here, endpoint)
    put(here, "one", "two")
    here.jump(60)
    ((head, body),) = zip(endpoint.heads, map(json.loads, endpoint.bodies), strict=True)
    sent = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:])}
    assert {name: value for name, value in sent.items() if name.startswith("x-amz")} == {
        "x-amz-firehose-protocol-version": "1.0",
        "x-amz-firehose-request-id": body["requestId"],
        "x-amz-firehose-source-arn": ARN,
        "x-amz-firehose-common-attributes": '{"commonAttributes":{"stage":"test"}}',
        "x-amz-firehose-access-key": "secret",
    }
    assert (head[0], sent["content-type"], body["timestamp"]) == ("POST /hook HTTP/1.1", "application/json", int(here.now * 1000))
    assert [b64decode(record["data"]) for record in body["records"]] == [b"one", b"two"]
    assert objects(here) == {}


def test_what_an_endpoint_does_not_take_in_time_goes_to_the_bucket(here: Here, endpoint: Subscriber) -> None:
    endpoint.answers = [BUSY] * 100
    create(here, endpoint, RetryOptions={"DurationInSeconds": 30})
    put(here, "one")
    here.jump(60)
    here.jump(60)
    ((key, body),) = objects(here).items()
    told = json.loads(body)
    assert key.startswith("http-endpoint-failed/2026/01/01/00/d-1-")
    assert (b64decode(told["rawData"]), told["errorCode"], told["attemptsMade"]) == (b"one", "HttpEndpoint.HTTP503", len(endpoint.bodies))
    assert len(endpoint.bodies) > 2


def test_all_data_may_go_to_the_bucket_as_well(here: Here, endpoint: Subscriber) -> None:
    create(here, endpoint, S3BackupMode="AllData")
    put(here, "one")
    here.jump(60)
    assert (len(endpoint.bodies), list(objects(here).values())) == (1, [b"one"])


def test_an_endpoint_is_described_without_its_key(here: Here, endpoint: Subscriber) -> None:
    create(here, endpoint)
    shown = here.firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]["Destinations"][0]
    described = shown["HttpEndpointDestinationDescription"]
    assert sorted(described["EndpointConfiguration"]) == ["Name", "Url"]
    assert (described["RetryOptions"], described["S3BackupMode"]) == ({"DurationInSeconds": 300}, "FailedDataOnly")
