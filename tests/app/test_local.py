"""Regions inside programs: the fixture `region`, and `with windtunnel.region()`."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

import windtunnel
from windtunnel import LocalRegion
from windtunnel.app.problem import Problem

CREDENTIAL = "test/20260101/us-east-1/sqs/aws4_request"


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_fresh_region(region: LocalRegion, turn: int) -> None:
    assert region.calls() == []
    assert region.client("sqs").list_queues().get("QueueUrls") is None
    assert abs(time.time() - region.now) < 60
    region.client("sqs").create_queue(QueueName=f"turn-{turn}")
    region.jump("30d")


def test_a_client_is_made_once_and_a_region_or_account_makes_another(region: LocalRegion) -> None:
    here = region.client("sqs")
    assert region.client("sqs") is here
    elsewhere = region.client("sqs", region="eu-west-1", account="123456789012")
    assert elsewhere.create_queue(QueueName="a")["QueueUrl"] == f"{region.endpoint}/123456789012/a"
    assert here.list_queues().get("QueueUrls") is None
    assert [call["region"] for call in region.calls()] == ["eu-west-1", "us-east-1"]


def test_resources_know_the_region_as_well(region: LocalRegion) -> None:
    region.client("s3").create_bucket(Bucket="pictures")
    assert [bucket.name for bucket in region.resource("s3").buckets.all()] == ["pictures"]


def test_the_clock_stands_until_it_is_moved(region: LocalRegion) -> None:
    before = region.now
    region.jump(90)
    region.jump("1h")
    assert region.now == before + 3_690
    with pytest.raises(Problem, match="'soon' is no span"):
        region.jump("soon")


def test_a_script_has_a_region_for_as_long_as_it_wants(tmp_path: Path) -> None:
    with windtunnel.region(data=tmp_path / "data", account="123456789012") as region:
        region.client("s3").create_bucket(Bucket="pictures")
        with pytest.raises(Problem, match="A region already runs on the data folder"), windtunnel.region(data=tmp_path / "data"):
            pass
        region.save(tmp_path / "region.tar")
    with windtunnel.region() as other:
        other.load(tmp_path / "region.tar")
        assert [bucket["Name"] for bucket in other.client("s3", account="123456789012").list_buckets()["Buckets"]] == ["pictures"]
        other.reset()
        assert other.client("s3", account="123456789012").list_buckets()["Buckets"] == []


def test_a_call_that_waits_is_answered_when_the_region_is_reset(region: LocalRegion) -> None:
    url = region.client("sqs").create_queue(QueueName="a")["QueueUrl"]
    connection = HTTPConnection("localhost", region.port, timeout=60)
    head = {
        "X-Amz-Target": "AmazonSQS.ReceiveMessage",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature=00",
    }
    connection.request("POST", "/", json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}), head)
    # What was sent before is read before: the long poll waits by the time that this is answered.
    assert [call["operation"] for call in region.calls()] == ["CreateQueue"]
    region.reset()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["message"]) == (503, "The region was reset.")
    connection.close()
