"""Annotations: named texts that objects carry, with their lives and their events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import content, refused, told

KEY = {"Bucket": "box", "Key": "k"}
NOTE = {**KEY, "AnnotationName": "note"}
MISSING: Any = ("NoSuchAnnotation", "The specified annotation does not exist.", {})


@pytest.fixture
def s3(here: Here) -> Any:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(**KEY, Body=b"hello")
    return here.s3


def names(s3: Any, **more: Any) -> list[str]:
    return [one["AnnotationName"] for one in s3.list_object_annotations(**{**KEY, **more})["Annotations"]]


def files(here: Here) -> list[Path]:
    return [file for file in here.cloud.blobs.root.rglob("*") if file.is_file()]


def text(s3: Any, **more: Any) -> bytes:
    return content({"Body": s3.get_object_annotation(**{**NOTE, **more})["AnnotationPayload"]})


def test_an_annotation_is_read_as_it_was_put_and_leaves_the_object_alone(s3: Any) -> None:
    before = s3.head_object(**KEY)
    put = s3.put_object_annotation(**NOTE, AnnotationPayload=b'{"cat": 0.9}', ChecksumAlgorithm="SHA1")
    read = s3.get_object_annotation(**NOTE, ChecksumMode="ENABLED")
    known = {
        "ETag": '"fe8c7c526bd54b8fdf342ca1ae20c206"',
        "ChecksumSHA1": "AXz/+wMmABwp63L8R93cGhr4Rco=",
        "ChecksumType": "FULL_OBJECT",
        "ServerSideEncryption": "AES256",
    }
    assert put == {"Key": "k", "AnnotationName": "note", **known}
    assert read == {"AnnotationPayload": b'{"cat": 0.9}', "LastModified": int(BEGIN), "ContentLength": 12, **known}
    assert s3.head_object(**KEY) == before
    assert s3.list_object_annotations(**KEY) == {
        "Annotations": [
            {"AnnotationName": "note", "LastModified": int(BEGIN), "ETag": put["ETag"], "ChecksumAlgorithm": ["SHA1"], "Size": 12}
        ],
        **KEY,
        "MaxAnnotationResults": 1000,
        "AnnotationCount": 1,
    }


def test_an_annotation_is_replaced_by_the_next_of_its_name_and_deleted_for_good(here: Here, s3: Any) -> None:
    for payload in (b"short", b"long" * 10_000, b"longer" * 10_000):
        s3.put_object_annotation(**NOTE, AnnotationPayload=payload)
    assert (text(s3), names(s3), len(files(here))) == (b"longer" * 10_000, ["note"], 1)
    assert s3.delete_object_annotation(**NOTE) == s3.delete_object_annotation(**NOTE) == {}
    assert refused(s3.get_object_annotation, **NOTE) == MISSING
    assert (names(s3), files(here)) == ([], [])


def test_annotations_are_listed_by_name_in_pages_and_by_their_beginning(s3: Any) -> None:
    for name in ("b", "a1", "a3", "a2"):
        s3.put_object_annotation(**KEY, AnnotationName=name, AnnotationPayload=b"x")
    first = s3.list_object_annotations(**KEY, AnnotationPrefix="a", MaxAnnotationResults=2)
    token = first["NextContinuationToken"]
    rest = s3.list_object_annotations(**KEY, AnnotationPrefix="a", MaxAnnotationResults=2, ContinuationToken=token)
    assert [[one["AnnotationName"] for one in page["Annotations"]] for page in (first, rest)] == [["a1", "a2"], ["a3"]]
    assert "NextContinuationToken" not in rest
    assert names(s3) == ["a1", "a2", "a3", "b"]


def test_each_version_has_annotations_of_its_own_that_go_with_it(here: Here, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(**KEY, Body=b"1")["VersionId"]
    put = s3.put_object_annotation(**NOTE, AnnotationPayload=b"of the first" * 1_000)
    s3.put_object(**KEY, Body=b"2")
    assert (put["ObjectVersionId"], names(s3), names(s3, VersionId=first)) == (first, [], ["note"])
    assert text(s3, VersionId=first) == b"of the first" * 1_000
    s3.delete_object(**KEY, VersionId=first)
    assert files(here) == []


def test_what_replaces_an_object_has_no_annotations(here: Here, s3: Any) -> None:
    s3.put_object_annotation(**NOTE, AnnotationPayload=b"x" * 10_000)
    s3.put_object(**KEY, Body=b"new")
    assert (names(s3), files(here)) == ([], [])


def test_a_copy_has_the_annotations_too_unless_they_are_excluded(s3: Any) -> None:
    s3.put_object_annotation(**NOTE, AnnotationPayload=b"x" * 10_000)
    s3.copy_object(Bucket="box", Key="copy", CopySource="box/k")
    s3.copy_object(Bucket="box", Key="bare", CopySource="box/k", AnnotationDirective="EXCLUDE")
    s3.copy_object(**KEY, CopySource="box/k", MetadataDirective="REPLACE")
    s3.delete_object_annotation(**NOTE)
    assert (names(s3, Key="copy"), names(s3, Key="bare"), names(s3)) == (["note"], [], [])
    assert text(s3, Key="copy") == b"x" * 10_000


@pytest.mark.parametrize("lost", ["object", "annotation"])
def test_a_copy_of_what_goes_meanwhile_leaves_nothing(here: Here, s3: Any, lost: str) -> None:
    s3.put_object(**KEY, Body=b"x" * 10_000 if lost == "object" else b"x")
    for name in ("first", "last"):
        s3.put_object_annotation(**KEY, AnnotationName=name, AnnotationPayload=b"x" if lost == "object" else b"x" * 10_000)
    max(files(here), key=lambda file: file.stat().st_mtime_ns).unlink()
    left = files(here)
    said = ("NoSuchKey", "The specified key does not exist.", {"Key": "k"})
    assert refused(s3.copy_object, Bucket="box", Key="copy", CopySource="box/k") == said
    assert files(here) == left


def test_a_queue_is_told_of_annotations_that_come_and_go(here: Here, s3: Any) -> None:
    here.sqs.create_queue(QueueName="told")
    rule = {"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:told", "Events": ["s3:ObjectAnnotation:*"]}
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"QueueConfigurations": [rule]})
    s3.put_object_annotation(**NOTE, AnnotationPayload=b"x")
    s3.delete_object_annotation(**NOTE)
    s3.delete_object_annotation(**NOTE)
    assert sorted(record["eventName"] for record in told(here)) == ["ObjectAnnotation:Delete", "ObjectAnnotation:Put"]


def test_an_annotation_of_a_locked_version_stays(s3: Any) -> None:
    s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket="vault", Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
    s3.put_object_annotation(**{**NOTE, "Bucket": "vault"}, AnnotationPayload=b"x")
    fault = refused(s3.delete_object_annotation, **{**NOTE, "Bucket": "vault"})
    assert fault == ("AccessDenied", "Access Denied because object protected by object lock.", {})


SIZE = "The annotation payload must be between 1 byte and 1 MiB in size."
NAME, LONG = "The annotation name you provided is invalid.", "The annotation name you provided is too long."


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"AnnotationName": ""}, "InvalidAnnotationName", NAME),
        ({"AnnotationName": "AWS-note"}, "InvalidAnnotationName", NAME),
        ({"AnnotationName": "s3note"}, "InvalidAnnotationName", NAME),
        ({"AnnotationName": "é" * 257}, "AnnotationNameTooLong", LONG),
        ({"AnnotationPayload": b""}, "InvalidRequest", SIZE),
        ({"AnnotationPayload": b"x" * 1_048_577}, "InvalidRequest", SIZE),
        ({"AnnotationPayload": b"\xff"}, "UnsupportedMediaType", "The annotation payload must be valid UTF-8 encoded text."),
        ({"ObjectIfMatch": '"other"'}, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"),
        ({"Key": "none"}, "NoSuchKey", "The specified key does not exist."),
        ({"Bucket": "none"}, "NoSuchBucket", "The specified bucket does not exist"),
        ({"Key": "secret"}, "InvalidRequest", "Objects encrypted with SSE-C cannot have annotations."),
        ({"ChecksumSHA1": "QEsNjGl8S/1nwjpsgF8xrhcrB5s="}, "BadDigest", "The SHA1 you specified did not match the calculated checksum."),
    ],
)
def test_an_annotation_that_cannot_be_is_refused(here: Here, s3: Any, change: dict[str, Any], code: str, said: str) -> None:
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
    s3.put_object(Bucket="box", Key="secret", Body=b"x", **key, SSECustomerKeyMD5="KYvwGXoFFJ42a2u2GDWhwQ==")
    assert refused(s3.put_object_annotation, **{**NOTE, "AnnotationPayload": b"x", **change})[:2] == (code, said)
    assert files(here) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AnnotationPrefix": "p" * 513}, "InvalidPrefix"),
        ({"MaxAnnotationResults": 0}, "InvalidArgument"),
        ({"MaxAnnotationResults": 1001}, "InvalidArgument"),
        ({"ContinuationToken": "%"}, "InvalidArgument"),
    ],
)
def test_a_list_of_annotations_that_cannot_be_is_refused(s3: Any, change: dict[str, Any], code: str) -> None:
    assert refused(s3.list_object_annotations, **KEY, **change)[0] == code


def test_an_object_has_a_thousand_annotations_at_most(s3: Any) -> None:
    for number in range(1000):
        s3.put_object_annotation(**KEY, AnnotationName=str(number), AnnotationPayload=b"x")
    said = "An object can have at most 1000 annotations."
    assert refused(s3.put_object_annotation, **NOTE, AnnotationPayload=b"x") == ("AnnotationLimitExceeded", said, {})
    s3.put_object_annotation(**KEY, AnnotationName="7", AnnotationPayload=b"y")
    s3.delete_object_annotation(**KEY, AnnotationName="8")
    s3.put_object_annotation(**NOTE, AnnotationPayload=b"x")
