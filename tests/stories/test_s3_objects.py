"""Objects: written, read back whole and in parts, on conditions, copied and deleted."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.s3_kit import Stream, content, keys, refused
from windtunnel.aws.checksums import ALGORITHMS, checksum_of

HELLO = "5d41402abc4b2a76b9719d911017c592"
FAILED = "At least one of the pre-conditions you specified did not hold"


def test_what_is_put_is_got_with_all_that_was_said_of_it(s3: Any) -> None:
    written = s3.put_object(
        Bucket="box", Key="k", Body=b"hello", ContentType="text/plain", CacheControl="no-store", ContentEncoding="gzip,aws-chunked",
        Metadata={"Colour": "blue"}, Tagging="a=1&b=2", StorageClass="STANDARD_IA", ChecksumAlgorithm="CRC32",
    )  # fmt: skip
    assert written == {"ETag": f'"{HELLO}"', "ChecksumCRC32": "NhCmhg==", "ChecksumType": "FULL_OBJECT", "ServerSideEncryption": "AES256"}
    assert s3.get_object(Bucket="box", Key="k", ChecksumMode="ENABLED") == {
        "Body": b"hello",
        "AcceptRanges": "bytes",
        "LastModified": int(BEGIN),
        "ContentLength": 5,
        "ETag": f'"{HELLO}"',
        "ChecksumCRC32": "NhCmhg==",
        "ChecksumType": "FULL_OBJECT",
        "ContentType": "text/plain",
        "CacheControl": "no-store",
        "ContentEncoding": "gzip",
        "Metadata": {"colour": "blue"},
        "ServerSideEncryption": "AES256",
        "StorageClass": "STANDARD_IA",
        "TagCount": 2,
    }


@pytest.mark.parametrize("size", [0, 1, 8192, 8193, 70_000, 3_000_000])
def test_bodies_of_every_size_come_back_however_they_arrive(s3: Any, size: int) -> None:
    body = hashlib.sha256(b"seed").digest() * (size // 32 + 1)
    body = body[:size]
    s3.put_object(Bucket="box", Key="whole", Body=body)
    s3.put_object(Bucket="box", Key="streamed", Body=Stream([body[at : at + 4000] for at in range(0, size, 4000)]))
    for key in ("whole", "streamed"):
        got = s3.get_object(Bucket="box", Key=key)
        assert (content(got), got["ETag"]) == (body, f'"{hashlib.md5(body).hexdigest()}"')


@pytest.mark.parametrize(
    ("asked", "part", "shown"),
    [("bytes=2-4", b"234", "bytes 2-4/10"), ("bytes=7-", b"789", "bytes 7-9/10"), ("bytes=-3", b"789", "bytes 7-9/10"),
     ("bytes=8-99", b"89", "bytes 8-9/10"), ("bytes=-99", b"0123456789", "bytes 0-9/10")],
)  # fmt: skip
def test_a_range_is_answered_with_its_bytes(s3: Any, asked: str, part: bytes, shown: str) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket="box", Key="k", Range=asked)
    assert (got["Body"], got["ContentRange"], got["ContentLength"]) == (part, shown, len(part))


def test_a_range_beyond_the_end_is_refused_and_nonsense_is_ignored(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"0123456789")
    for asked in ("bytes=10-", "bytes=-0"):
        assert refused(s3.get_object, Bucket="box", Key="k", Range=asked) == (
            "InvalidRange",
            "The requested range is not satisfiable",
            {"ActualObjectSize": "10", "RangeRequested": asked},
        )
    for asked in ("bytes=5-2", "lines=1-2", "bytes=0-1,4-5"):
        assert s3.get_object(Bucket="box", Key="k", Range=asked)["Body"] == b"0123456789"


def test_conditions_decide_whether_an_object_is_read(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"hello")
    here.jump(100)
    past, later = BEGIN - 100, BEGIN + 50
    for met in ({"IfMatch": HELLO}, {"IfMatch": "*"}, {"IfNoneMatch": "x"}, {"IfModifiedSince": past}, {"IfUnmodifiedSince": later},
                {"IfMatch": HELLO, "IfUnmodifiedSince": past}, {"IfNoneMatch": "x", "IfModifiedSince": later}):  # fmt: skip
        assert s3.get_object(Bucket="box", Key="k", **met)["Body"] == b"hello"
    for unmet, condition in (({"IfMatch": "x"}, "If-Match"), ({"IfUnmodifiedSince": past}, "If-Unmodified-Since")):
        assert refused(s3.get_object, Bucket="box", Key="k", **unmet) == ("PreconditionFailed", FAILED, {"Condition": condition})
    for unchanged in ({"IfNoneMatch": f'"{HELLO}"'}, {"IfModifiedSince": later}, {"IfNoneMatch": HELLO, "IfModifiedSince": past}):
        assert refused(s3.head_object, Bucket="box", Key="k", **unchanged) == ("NotModified", "Not Modified", {})


def test_conditions_decide_whether_an_object_is_written(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"hello", IfNoneMatch="*")
    unmet = ("PreconditionFailed", FAILED)
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"again", IfNoneMatch="*") == (*unmet, {"Condition": "If-None-Match"})
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"again", IfMatch="x") == (*unmet, {"Condition": "If-Match"})
    assert refused(s3.put_object, Bucket="box", Key="no", Body=b"", IfMatch="x")[0] == "NoSuchKey"
    assert refused(s3.put_object, Bucket="box", Key="k", IfNoneMatch="x") == (
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        {"Header": "If-None-Match", "additionalMessage": "We don't accept the provided value of If-None-Match header for this API"},
    )
    s3.put_object(Bucket="box", Key="k", Body=b"again", IfMatch=HELLO)
    assert s3.get_object(Bucket="box", Key="k")["Body"] == b"again"


def test_a_conditional_write_whose_object_goes_meanwhile_is_a_conflict(here: Here, s3: Any) -> None:
    class Slow(Stream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"new"
            await here.cloud.run("s3", "delete_object", {"Bucket": "box", "Key": "k"}, here.scope)

    etag = s3.put_object(Bucket="box", Key="k", Body=b"old")["ETag"]
    assert refused(s3.put_object, Bucket="box", Key="k", Body=Slow([b"new"]), IfMatch=etag) == (
        "ConditionalRequestConflict",
        "The conditional request cannot succeed due to a conflicting operation against this resource.",
        {"Condition": "If-Match", "Key": "k"},
    )


def test_digests_that_come_with_a_body_are_held_against_it(here: Here, s3: Any) -> None:
    said = "The CRC32 you specified did not match the calculated checksum."
    for size in (1, 100_000):
        assert refused(s3.put_object, Bucket="box", Key="k", Body=b"x" * size, ChecksumCRC32="AAAAAA==") == ("BadDigest", said, {})
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"x", ChecksumCRC32="nonsense") == (
        "InvalidRequest",
        "Value for x-amz-checksum-crc32 header is invalid.",
        {},
    )
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"x", ContentMD5="MTIz") == (
        "InvalidDigest",
        "The Content-MD5 you specified was invalid.",
        {"Content-MD5": "MTIz"},
    )
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"Hello", ContentMD5="CYketZBSTjX8czcs3cXVlg==")[::2] == (
        "BadDigest",
        {"ExpectedDigest": "09891eb590524e35fc73372cddc5d596", "CalculatedDigest": "ixqZU8RhEpaoJ6v4xHgE1w=="},
    )
    assert keys(s3.list_objects_v2(Bucket="box")) == []
    assert [file for file in here.cloud.blobs.root.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_checksum_is_kept_shown_and_held_against_the_bytes(s3: Any, algorithm: str) -> None:
    member, right = f"Checksum{algorithm}", checksum_of(algorithm, b"hello" * 5_000)
    key = {"Bucket": "box", "Key": "k"}
    assert s3.put_object(**key, Body=b"hello" * 5_000, ChecksumAlgorithm=algorithm)[member] == right
    assert s3.put_object(**key, Body=b"hello" * 5_000, **{member: right})[member] == right
    assert s3.head_object(**key, ChecksumMode="ENABLED")[member] == right
    assert s3.list_objects_v2(Bucket="box")["Contents"][0]["ChecksumAlgorithm"] == [algorithm]
    s3.put_object(Bucket="box", Key="other", Body=b"hello" * 5_000)
    assert s3.copy_object(**key, CopySource="box/other", ChecksumAlgorithm=algorithm)["CopyObjectResult"][member] == right
    said = f"The {algorithm} you specified did not match the calculated checksum."
    assert refused(s3.put_object, **key, Body=b"other", **{member: right}) == ("BadDigest", said, {})
    header = f"x-amz-checksum-{algorithm.lower()}"
    assert s3.put_object(**key, Body=Stream([b"hello" * 5_000], {header: right}))[member] == right


def test_a_checksum_may_come_after_the_body_announced_or_not(s3: Any) -> None:
    right, wrong = {"x-amz-checksum-sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00="}, {"x-amz-checksum-sha1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
    for announced in ({"ChecksumAlgorithm": "SHA1"}, {}):
        written = s3.put_object(Bucket="box", Key="k", Body=Stream([b"hel", b"lo"], right), **announced)
        assert written["ChecksumSHA1"] == right["x-amz-checksum-sha1"]
        assert refused(s3.put_object, Bucket="box", Key="k", Body=Stream([b"hel", b"lo"], wrong), **announced)[0] == "BadDigest"


def test_a_copy_takes_along_what_it_is_not_told_to_replace(s3: Any) -> None:
    s3.create_bucket(Bucket="other")
    s3.put_object(Bucket="box", Key="a b", Body=b"hello" * 10_000, ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
    copied = s3.copy_object(Bucket="other", Key="copy", CopySource="/box/a%20b")
    assert sorted(copied["CopyObjectResult"]) == ["ChecksumCRC64NVME", "ChecksumType", "ETag", "LastModified"]
    s3.copy_object(
        Bucket="other", Key="new", CopySource="box/a b", MetadataDirective="REPLACE", Metadata={"n": "2"}, TaggingDirective="REPLACE"
    )
    s3.delete_object(Bucket="box", Key="a b")
    same, new = s3.get_object(Bucket="other", Key="copy"), s3.get_object(Bucket="other", Key="new")
    assert content(same) == content(new) == b"hello" * 10_000
    assert (same["ContentType"], same["Metadata"], same["TagCount"]) == ("text/plain", {"m": "1"}, 1)
    assert (new["ContentType"], new["Metadata"], "TagCount" in new) == ("binary/octet-stream", {"n": "2"}, False)


def test_a_copy_is_refused_where_it_would_change_nothing_or_its_source_has_changed(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"hello")
    said = "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata,"
    said += " storage class, website redirect location or encryption attributes."
    assert refused(s3.copy_object, Bucket="box", Key="k", CopySource="box/k") == ("InvalidRequest", said, {})
    assert refused(s3.copy_object, Bucket="box", Key="c", CopySource="box/k", CopySourceIfMatch="x") == (
        "PreconditionFailed",
        FAILED,
        {"Condition": "x-amz-copy-source-If-Match"},
    )
    assert refused(s3.copy_object, Bucket="box", Key="c", CopySource="box") == (
        "InvalidArgument",
        "Invalid copy source object key",
        {"ArgumentName": "x-amz-copy-source", "ArgumentValue": "x-amz-copy-source"},
    )
    s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    here.at(region="eu-west-1").s3.copy_object(Bucket="far", Key="k", CopySource="box/k")
    s3.copy_object(Bucket="box", Key="k", CopySource="box/k", MetadataDirective="REPLACE", Metadata={"new": "1"})
    assert s3.head_object(Bucket="box", Key="k")["Metadata"] == {"new": "1"}


def test_keys_are_any_text_up_to_1024_bytes(s3: Any) -> None:
    names = ["../../etc/passwd", "/", "//a//./b/", " ", "a\nb", "a\u0000b", "ü", "日本", "\U0001f600", "\uffff", "%2F", "é" * 512]
    for name in names:
        s3.put_object(Bucket="box", Key=name, Body=name.encode())
    assert keys(s3.list_objects_v2(Bucket="box")) == sorted(names, key=str.encode)
    assert [s3.get_object(Bucket="box", Key=name)["Body"] for name in names] == [name.encode() for name in names]
    assert refused(s3.put_object, Bucket="box", Key="é" * 512 + "x") == (
        "KeyTooLongError",
        "Your key is too long",
        {"Size": "1025", "MaxSizeAllowed": "1024"},
    )


def test_a_client_that_goes_away_leaves_nothing_behind(here: Here, s3: Any) -> None:
    class Broken(Stream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x" * 200_000
            raise ConnectionResetError("the client went away")

    s3.put_object(Bucket="box", Key="k", Body=b"before")
    assert refused(s3.put_object, Bucket="box", Key="k", Body=Broken([])) == (
        "IncompleteBody",
        "The request body terminated unexpectedly",
        {},
    )
    here.rest()
    assert s3.get_object(Bucket="box", Key="k")["Body"] == b"before"
    assert [file for file in here.cloud.blobs.root.rglob("*") if file.is_file()] == []


def test_the_bytes_of_what_is_replaced_or_deleted_go(here: Here, s3: Any) -> None:
    for body in (b"a" * 100_000, b"b" * 100_000, b"small"):
        s3.put_object(Bucket="box", Key="k", Body=body)
    s3.put_object(Bucket="box", Key="gone", Body=b"a" * 100_000)
    assert s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "gone"}, {"Key": "never"}]}) == {
        "Deleted": [{"Key": "gone"}, {"Key": "never"}]
    }
    here.rest()
    assert [file for file in here.cloud.blobs.root.rglob("*") if file.is_file()] == []


def test_objects_outlive_a_crash(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="small", Body=b"hello")
    s3.put_object(Bucket="box", Key="large", Body=b"hello" * 10_000)
    here.restart()
    assert content(here.s3.get_object(Bucket="box", Key="small")) == b"hello"
    assert content(here.s3.get_object(Bucket="box", Key="large")) == b"hello" * 10_000


def test_tags_of_an_object_are_put_got_and_deleted_within_bounds(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"1")
    s3.put_object_tagging(Bucket="box", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]})
    assert s3.get_object_tagging(Bucket="box", Key="k") == {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]}
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    assert refused(s3.put_object_tagging, Bucket="box", Key="k", Tagging=twice) == (
        "InvalidTag",
        "Cannot provide multiple Tags with the same key",
        {"TagKey": "a"},
    )
    many = {"TagSet": [{"Key": str(number), "Value": ""} for number in range(11)]}
    assert refused(s3.put_object_tagging, Bucket="box", Key="k", Tagging=many) == (
        "BadRequest",
        "Object tags cannot be greater than 10",
        {},
    )
    s3.delete_object_tagging(Bucket="box", Key="k")
    assert s3.get_object_tagging(Bucket="box", Key="k") == {"TagSet": []}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("plain ~ text", "plain ~ text"),
        ("=?UTF-8?B?YWJj?=", "abc"),
        ("=?UTF-8?Q?caf=C3=A9_1?=", "=?UTF-8?Q?caf=C3=A9_1?="),
        ("=?UTF-8?B?AAEC?=", "=?UTF-8?B?AAEC?="),
        ("=?UTF-8?B?not base64?=", "=?UTF-8?B?not base64?="),
    ],
)
def test_metadata_beyond_ascii_travels_as_in_mail(s3: Any, sent: str, told: str) -> None:
    s3.put_object(Bucket="box", Key="k", Metadata={"Name": sent})
    assert s3.head_object(Bucket="box", Key="k")["Metadata"] == {"name": told}


def test_a_copy_may_name_its_source_as_forms_and_addresses_do(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a b", Body=b"x")
    for source in ("box/a+b", "/box/a%20b", "https://s3.amazonaws.com/box/a+b"):
        s3.copy_object(Bucket="box", Key="copy", CopySource=source, CopySourceIfModifiedSince=BEGIN + 60)
        assert content(s3.get_object(Bucket="box", Key="copy")) == b"x"
        s3.delete_object(Bucket="box", Key="copy")


def test_an_archived_object_is_read_for_as_long_as_it_is_restored(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"x", StorageClass="GLACIER")
    archived = ("InvalidObjectState", "The operation is not valid for the object's storage class", {"StorageClass": "GLACIER"})
    asked = {"Bucket": "box", "Key": "k", "RestoreRequest": {"Days": 2, "GlacierJobParameters": {"Tier": "Standard"}}}
    s3.restore_object(**asked)
    assert s3.head_object(Bucket="box", Key="k")["Restore"] == 'ongoing-request="true"'
    assert refused(s3.get_object, Bucket="box", Key="k") == archived
    assert refused(s3.restore_object, **asked) == ("RestoreAlreadyInProgress", "Object restore is already in progress", {})
    here.jump(5 * 3600)
    got = s3.get_object(Bucket="box", Key="k")
    assert (content(got), got["Restore"]) == (b"x", 'ongoing-request="false", expiry-date="Sun, 04 Jan 2026 00:00:00 GMT"')
    here.jump(3 * 86_400)
    assert refused(s3.get_object, Bucket="box", Key="k") == archived


def test_what_is_not_archived_is_not_restored(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    said = "Restore is not allowed for the object's current storage class"
    refusal = ("InvalidObjectState", said, {"StorageClass": "STANDARD"})
    assert refused(s3.restore_object, Bucket="box", Key="k", RestoreRequest={"Days": 1}) == refusal


def test_keys_of_every_plane_are_listed_in_the_order_of_their_bytes(here: Here) -> None:
    here.s3.create_bucket(Bucket="box")
    named = [chr(plane << 16 | 0x41) for plane in range(17)] + [
        "\u00e9",
        "\ud7ff",
        "\ue000",
        "\uffff",
        "\U0010ffff",
        "a\x00b",
        "\x01",
        "/",
        "//",
    ]
    for key in named:
        here.s3.put_object(Bucket="box", Key=key, Body=key.encode())
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = here.s3.list_objects_v2(Bucket="box", MaxKeys=4, **after)
        found += [item["Key"] for item in page["Contents"]]
        if not page["IsTruncated"]:
            break
        after = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == sorted(named, key=str.encode)
    for key in named:
        assert here.s3.get_object(Bucket="box", Key=key)["Body"] == key.encode()
        here.s3.delete_object(Bucket="box", Key=key)
    assert "Contents" not in here.s3.list_objects_v2(Bucket="box")


def test_half_a_surrogate_pair_is_no_key(here: Here) -> None:
    here.s3.create_bucket(Bucket="box")
    assert refused(here.s3.put_object, Bucket="box", Key="\ud800", Body=b"") == ("InvalidURI", "Couldn't parse the specified URI.", {})
