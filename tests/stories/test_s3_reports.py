"""What a bucket's owner gets to read of it: access logs and inventories; and who pays for what others read."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import content, keys, refused
from windtunnel.fabric import Fault

DAY = 86_400
OWNER = "dc907f9c5b73414f2e2c142d83d6677f70e8dc070a6e216651f00cf15fdef7a8"
OTHER = "111111111111"


@pytest.fixture
def s3(here: Here) -> Iterator[Any]:
    for name in ("box", "kept"):
        here.s3.create_bucket(Bucket=name)
    return here.s3


def _log(s3: Any, **target: Any) -> None:
    enabled = {"TargetBucket": "kept", "TargetPrefix": "logs/", **target}
    s3.put_bucket_logging(Bucket="box", BucketLoggingStatus={"LoggingEnabled": enabled})


def _lines(s3: Any) -> list[str]:
    return [line for key in keys(s3.list_objects_v2(Bucket="kept")) for line in _text(s3, key).splitlines()]


def _text(s3: Any, key: str) -> str:
    return content(s3.get_object(Bucket="kept", Key=key)).decode()


def test_requests_are_logged_in_the_form_of_aws(here: Here, s3: Any) -> None:
    _log(s3)
    s3.put_object(Bucket="box", Key="a b", Body=b"hello")
    s3.get_object(Bucket="box", Key="a b", Range="bytes=1-2")
    with pytest.raises(Fault):
        s3.get_object(Bucket="box", Key="none")
    here.jump(299)
    assert keys(s3.list_objects_v2(Bucket="kept")) == []
    here.jump(1)
    begin, agent = f"{OWNER} box [01/Jan/2026:00:00:00 +0000] 127.0.0.1 {OWNER} request", '"-" "tests" - request SigV4 - AuthHeader'
    assert [" ".join("T" if place in (16, 17) else word for place, word in enumerate(line.split(" "))) for line in _lines(s3)] == [
        f'{begin} REST.PUT.LOGGING_STATUS - "PUT /box?logging HTTP/1.1" 200 - - - T T {agent} localhost:4566 - - -',
        f'{begin} REST.PUT.OBJECT a%20b "PUT /box/a%20b HTTP/1.1" 200 - - 5 T T {agent} localhost:4566 - - -',
        f'{begin} REST.GET.OBJECT a%20b "GET /box/a%20b HTTP/1.1" 206 - 2 5 T T {agent} localhost:4566 - - -',
        f'{begin} REST.GET.OBJECT none "GET /box/none HTTP/1.1" 404 NoSuchKey - - T T {agent} localhost:4566 - - -',
    ]


def test_operations_have_their_names_in_a_log(here: Here, s3: Any) -> None:
    _log(s3)
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    s3.copy_object(Bucket="box", Key="b", CopySource="box/a")
    s3.list_objects_v2(Bucket="box")
    s3.list_object_versions(Bucket="box")
    s3.get_object_tagging(Bucket="box", Key="a")
    upload = s3.create_multipart_upload(Bucket="box", Key="c")["UploadId"]
    s3.upload_part(Bucket="box", Key="c", UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket="box", Key="c", UploadId=upload)
    s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "b"}]})
    s3.delete_object(Bucket="box", Key="a")
    here.jump(300)
    words = [line.split(" ") for line in _lines(s3)]
    assert [(word[7], word[12]) for word in words][1:] == [
        ("REST.PUT.OBJECT", "200"),
        ("REST.COPY.OBJECT", "200"),
        ("REST.GET.BUCKET", "200"),
        ("REST.GET.BUCKETVERSIONS", "200"),
        ("REST.GET.OBJECT_TAGGING", "200"),
        ("REST.POST.UPLOADS", "200"),
        ("REST.PUT.PART", "200"),
        ("REST.DELETE.UPLOAD", "204"),
        ("REST.POST.MULTI_OBJECT_DELETE", "200"),
        ("REST.DELETE.OBJECT", "204"),
    ]


def test_log_keys_are_plain_or_tell_the_source_and_the_day(here: Here, s3: Any) -> None:
    _log(s3)
    here.jump(300)
    (plain,) = keys(s3.list_objects_v2(Bucket="kept"))
    assert (plain[:25], len(plain)) == ("logs/2026-01-01-00-05-00-", 41)
    _log(s3, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "EventTime"}})
    here.jump(300)
    partitioned = keys(s3.list_objects_v2(Bucket="kept"))[0]
    assert partitioned.startswith(f"logs/{ACCOUNT}/us-east-1/box/2026/01/01/2026-01-01-00-00-00-")


def test_a_kill_loses_no_line_and_a_target_that_went_takes_none(here: Here, s3: Any) -> None:
    _log(s3)
    here.kill()
    here.jump(300)
    assert len(_lines(here.s3)) == 1
    (key,) = keys(here.s3.list_objects_v2(Bucket="kept"))
    here.s3.delete_object(Bucket="kept", Key=key)
    here.s3.delete_bucket(Bucket="kept")
    here.s3.list_objects_v2(Bucket="box")
    here.jump(300)
    here.s3.put_bucket_logging(Bucket="box", BucketLoggingStatus={})


def _inventory(s3: Any, frequency: str = "Daily", versions: str = "Current", **more: Any) -> None:
    configuration = _configuration(frequency, versions) | more
    s3.put_bucket_inventory_configuration(Bucket="box", Id="list", InventoryConfiguration=configuration)


def _configuration(frequency: str = "Daily", versions: str = "Current", form: str = "CSV") -> dict[str, Any]:
    target = {"Bucket": "arn:aws:s3:::kept", "Format": form, "Prefix": "reports"}
    return {
        "Id": "list",
        "IsEnabled": True,
        "IncludedObjectVersions": versions,
        "Schedule": {"Frequency": frequency},
        "Destination": {"S3BucketDestination": target},
        "OptionalFields": ["ETag", "Size", "StorageClass"],
    }


def _report(s3: Any, dated: str) -> tuple[dict[str, Any], str]:
    """A report's manifest and its list."""
    text = _text(s3, f"reports/box/list/{dated}/manifest.json")
    assert _text(s3, f"reports/box/list/{dated}/manifest.checksum") == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    manifest = json.loads(text)
    (file,) = manifest["files"]
    packed = content(s3.get_object(Bucket="kept", Key=file["key"]))
    assert (len(packed), hashlib.md5(packed, usedforsecurity=False).hexdigest()) == (file["size"], file["MD5checksum"])
    return manifest, gzip.decompress(packed).decode()


def test_an_inventory_is_written_every_day_with_its_manifest(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a b", Body=b"hello")
    s3.put_object(Bucket="box", Key="z", Body=b"", StorageClass="GLACIER")
    _inventory(s3)
    here.jump(DAY)
    manifest, listed = _report(s3, "2026-01-02T00-00Z")
    assert {**manifest, "files": None} == {
        "sourceBucket": "box",
        "destinationBucket": "arn:aws:s3:::kept",
        "version": "2016-11-30",
        "creationTimestamp": str(int(BEGIN + DAY) * 1000),
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, ETag, StorageClass",
        "files": None,
    }
    assert listed == (
        '"box","a%20b","5","5d41402abc4b2a76b9719d911017c592","STANDARD"\n"box","z","0","d41d8cd98f00b204e9800998ecf8427e","GLACIER"\n'
    )
    assert _text(s3, "reports/box/list/hive/dt=2026-01-02-00-00/symlink.txt") == f"s3://kept/{manifest['files'][0]['key']}"
    s3.delete_object(Bucket="box", Key="z")
    here.jump(DAY)
    assert len(_report(s3, "2026-01-03T00-00Z")[1].splitlines()) == 1


def test_a_weekly_inventory_of_all_versions_is_taken_on_sundays(here: Here, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    put = s3.put_object(Bucket="box", Key="in/a", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket="box", Key="in/a")["VersionId"]
    s3.put_object(Bucket="box", Key="out", Body=b"x")
    _inventory(s3, "Weekly", "All", Filter={"Prefix": "in/"}, OptionalFields=["IsMultipartUploaded"])
    here.jump(10 * DAY)
    dated = {key.split("/")[3] for key in keys(s3.list_objects_v2(Bucket="kept", Prefix="reports/box/list/2"))}
    assert dated == {"2026-01-04T00-00Z", "2026-01-11T00-00Z"}
    manifest, listed = _report(s3, "2026-01-04T00-00Z")
    assert manifest["fileSchema"] == "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, IsMultipartUploaded"
    assert listed.splitlines() == [f'"box","in/a","{marker}","true","true","false"', f'"box","in/a","{put}","false","false","false"']


def test_an_inventory_tells_which_tier_an_object_got_into(here: Here, s3: Any) -> None:
    for key in ("read", "idle", "small"):
        s3.put_object(Bucket="box", Key=key, Body=b"x" * (1 if key == "small" else 131_072), StorageClass="INTELLIGENT_TIERING")
    _inventory(s3, OptionalFields=["IntelligentTieringAccessTier"])
    found: list[str] = []
    for days, dated in ((29, "2026-01-30"), (11, "2026-02-10"), (60, "2026-04-11")):
        here.jump(days * DAY)
        found.append(" ".join(line.split(",")[2].strip('"') for line in _report(s3, f"{dated}T00-00Z")[1].splitlines()))
        s3.get_object(Bucket="box", Key="read")
    assert found == ["FREQUENT FREQUENT FREQUENT", "INFREQUENT FREQUENT FREQUENT", "ARCHIVE_INSTANT INFREQUENT FREQUENT"]


def test_an_inventory_that_was_ended_is_written_no_more(here: Here, s3: Any) -> None:
    _inventory(s3)
    _inventory(s3, IsEnabled=False)
    here.jump(3 * DAY)
    _inventory(s3)
    s3.delete_bucket_inventory_configuration(Bucket="box", Id="list")
    here.jump(3 * DAY)
    assert keys(s3.list_objects_v2(Bucket="kept")) == []


@pytest.mark.parametrize(("form", "code"), [("ORC", "NotImplemented"), ("Parquet", "NotImplemented"), ("JSON", "MalformedXML")])
def test_inventories_are_written_as_csv_only(s3: Any, form: str, code: str) -> None:
    request = {"Bucket": "box", "Id": "list", "InventoryConfiguration": _configuration(form=form)}
    assert refused(s3.put_bucket_inventory_configuration, **request)[0] == code


def test_whoever_reads_a_bucket_whose_requesters_pay_has_to_say_so(here: Here, s3: Any) -> None:
    s3.put_bucket_request_payment(Bucket="box", RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket="box") == {"Payer": "Requester"}
    assert "RequestCharged" not in s3.put_object(Bucket="box", Key="a", Body=b"x")
    other = here.at(account=OTHER).s3
    for call, request in ((other.get_object, {"Key": "a"}), (other.list_objects_v2, {}), (other.put_object, {"Key": "b", "Body": b"x"})):
        assert refused(call, Bucket="box", **request)[:2] == ("AccessDenied", "Access Denied")
        assert call(Bucket="box", RequestPayer="requester", **request)["RequestCharged"] == "requester"
    other.create_bucket(Bucket="theirs")
    copy = {"Bucket": "theirs", "Key": "a", "CopySource": "box/a"}
    assert refused(other.copy_object, **copy)[0] == "AccessDenied"
    other.copy_object(**copy, RequestPayer="requester")
    s3.put_bucket_request_payment(Bucket="box", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert "RequestCharged" not in other.get_object(Bucket="box", Key="a")
