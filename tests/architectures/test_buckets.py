"""The examples of buckets: an upload form, a website, copies in another region, an archive under the clock."""

from __future__ import annotations

import http.client
import importlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from windtunnel import LocalRegion

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/buckets"
sys.path.append(str(EXAMPLE))
archive, replication, upload_form, website = (
    importlib.import_module(name) for name in ("archive", "replication", "upload_form", "website")
)
FAR = "eu-west-1"


def _told(client: Any, url: str) -> list[dict[str, Any]]:
    """The records that a queue has received, test events left out, in the order of their times."""
    found: list[dict[str, Any]] = []
    while messages := client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += json.loads(message["Body"]).get("Records", [])
    return sorted(found, key=lambda record: record["eventTime"])


def _nothing_is_left(region: LocalRegion) -> None:
    assert region.client("s3").list_buckets()["Buckets"] == []
    for place in ("us-east-1", FAR):
        assert region.client("sqs", region=place).list_queues().get("QueueUrls") is None


# ---------------------------------------------------------------- the upload form


def test_a_visitor_uploads_a_picture_by_a_signed_form(region: LocalRegion) -> None:
    uploads, s3 = upload_form.deploy("form", region.client), region.client("s3")
    form = upload_form.sign(region.client, uploads.bucket, "ada")
    status, body = upload_form.post(form, "hills.png", "image/png", b"\x89PNG...")
    assert (status, "<Key>ada/hills.png</Key>" in body) == (201, True)
    kept = s3.get_object(Bucket=uploads.bucket, Key="ada/hills.png")
    assert (kept["Body"].read(), kept["ContentType"], kept["Metadata"]) == (b"\x89PNG...", "image/png", {"visitor": "ada"})
    assert [record["eventName"] for record in _told(region.client, uploads.queue)] == ["ObjectCreated:Post"]
    assert 'name="policy"' in upload_form.page(form)
    upload_form.remove("form", region.client)
    _nothing_is_left(region)


@pytest.mark.parametrize(
    ("content_type", "size", "wait", "refusal"),
    [
        ("text/html", 10, "1s", "AccessDenied"),
        ("image/png", 0, "1s", "EntityTooSmall"),
        ("image/png", 5_000_001, "1s", "EntityTooLarge"),
        ("image/png", 10, "11m", "AccessDenied"),
    ],
)
def test_what_the_form_does_not_allow_is_refused(region: LocalRegion, content_type: str, size: int, wait: str, refusal: str) -> None:
    uploads, s3 = upload_form.deploy("form", region.client), region.client("s3")
    form = upload_form.sign(region.client, uploads.bucket, "ada")
    region.jump(wait)
    status, body = upload_form.post(form, "hills.png", content_type, bytes(size))
    assert (status >= 400, f"<Code>{refusal}</Code>" in body) == (True, True), body
    assert "Contents" not in s3.list_objects_v2(Bucket=uploads.bucket)


# ---------------------------------------------------------------- the website


def _visit(region: LocalRegion, bucket: str, path: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", region.port)
    connection.request("GET", path, headers={"Host": f"{bucket}.s3-website-us-east-1.localhost:{region.port}"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("Location", ""), body


def test_everybody_sees_the_pages_of_the_website(region: LocalRegion) -> None:
    bucket = website.deploy("hills", region.client)
    assert _visit(region, bucket, "/") == (200, "", website.PAGES["index.html"])
    assert _visit(region, bucket, "/places/") == (200, "", website.PAGES["places/index.html"])
    assert _visit(region, bucket, "/places") == (302, "/places/", "")
    assert _visit(region, bucket, "/nowhere.html") == (404, "", website.PAGES["lost.html"])
    status, location, _ = _visit(region, bucket, "/spots/index.html")
    assert (status, location.rpartition("/places/")[2]) == (302, "index.html")
    website.remove("hills", region.client)
    _nothing_is_left(region)


# ---------------------------------------------------------------- copies in another region


def test_what_is_put_here_arrives_there_and_the_queue_there_is_told(region: LocalRegion) -> None:
    far = partial(region.client, region=FAR)
    mirror = replication.deploy("mirror", region.client, far)
    s3, there = region.client("s3"), far("s3")
    put = s3.put_object(Bucket=mirror.original, Key="a", Body=b"hills", Tagging="kind=picture")
    region.rest()
    replica = there.get_object(Bucket=mirror.copy, Key="a")
    assert (replica["Body"].read(), replica["VersionId"], replica["StorageClass"]) == (b"hills", put["VersionId"], "STANDARD_IA")
    assert (s3.head_object(Bucket=mirror.original, Key="a")["ReplicationStatus"], replica["ReplicationStatus"]) == ("COMPLETED", "REPLICA")
    s3.delete_object(Bucket=mirror.original, Key="a")
    region.rest()
    assert "Contents" not in there.list_objects_v2(Bucket=mirror.copy)
    told = [(record["eventName"], record["awsRegion"]) for record in _told(far, mirror.queue)]
    assert sorted(told) == [("ObjectCreated:Put", FAR), ("ObjectRemoved:DeleteMarkerCreated", FAR)]
    replication.remove("mirror", region.client, far)
    _nothing_is_left(region)


# ---------------------------------------------------------------- the archive


def test_a_record_gets_colder_is_brought_back_and_goes_after_a_year(region: LocalRegion) -> None:
    kept, s3 = archive.deploy("old", region.client), region.client("s3")
    record = {"Bucket": kept.bucket, "Key": "records/1"}
    s3.put_object(**record, Body=b"a record")
    region.jump("31d")
    assert s3.head_object(**record)["StorageClass"] == "STANDARD_IA"
    assert s3.get_object(**record)["Body"].read() == b"a record"
    told = _told(region.client, kept.queue)
    region.jump("60d")
    with pytest.raises(ClientError) as refused:
        s3.get_object(**record)
    assert refused.value.response["Error"]["Code"] == "InvalidObjectState"
    s3.restore_object(**record, RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}})
    assert s3.head_object(**record)["Restore"] == 'ongoing-request="true"'
    region.jump("5m")
    assert s3.get_object(**record)["Body"].read() == b"a record"
    region.jump("3d")
    told += _told(region.client, kept.queue)
    region.jump("300d")
    assert "Contents" not in s3.list_objects_v2(Bucket=kept.bucket)
    assert [record["eventName"] for record in told] == [
        "LifecycleTransition", "LifecycleTransition", "ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete",
    ]  # fmt: skip
    archive.remove("old", region.client)
    _nothing_is_left(region)
