"""Objects under keys that customers provide, which only who brings the key reads, and objects that get another key."""

import hashlib
from base64 import b64encode
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.s3_kit import content, refused
from windtunnel.services.s3.objects.encryption import FROM_CUSTOMER

BEGIN = "Requests specifying Server Side Encryption with Customer provided keys must provide"
PARAMETERS = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
NAMED = {"ArgumentName": "x-amz-server-side-encryption"}


def key(letter: bytes, prefix: str = "") -> dict[str, str]:
    text, md5 = b64encode(letter * 32).decode(), b64encode(hashlib.md5(letter * 32, usedforsecurity=False).digest()).decode()
    return {f"{prefix}SSECustomerAlgorithm": "AES256", f"{prefix}SSECustomerKey": text, f"{prefix}SSECustomerKeyMD5": md5}


def without(given: dict[str, str], member: str) -> dict[str, str]:
    return {name: value for name, value in given.items() if name != member}


def test_an_object_is_read_with_the_key_it_was_written_with(s3: Any) -> None:
    told = {"SSECustomerAlgorithm": "AES256", "SSECustomerKeyMD5": key(b"a")["SSECustomerKeyMD5"]}
    put = s3.put_object(Bucket="box", Key="k", Body=b"x", **key(b"a"))
    assert {name: put[name] for name in told} == told
    assert "ServerSideEncryption" not in put
    assert content(s3.get_object(Bucket="box", Key="k", **key(b"a"))) == b"x"
    assert refused(s3.get_object, Bucket="box", Key="k") == ("InvalidRequest", PARAMETERS, {})
    wrong: Any = ("AccessDenied", f"{BEGIN} the correct secret key.", {})
    assert refused(s3.head_object, Bucket="box", Key="k", **key(b"b")) == wrong
    assert refused(s3.get_object, Bucket="box", Key="k", **without(key(b"a"), "SSECustomerKeyMD5")) == wrong


def test_a_copy_brings_the_keys_of_both_ends(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"x", **key(b"a"))
    copy = {"Bucket": "box", "Key": "copy", "CopySource": "box/k"}
    assert refused(s3.copy_object, **copy) == ("InvalidRequest", PARAMETERS, {})
    s3.copy_object(**copy, **key(b"a", "CopySource"), **key(b"b"))
    assert content(s3.get_object(Bucket="box", Key="copy", **key(b"b"))) == b"x"
    s3.copy_object(**copy, **key(b"a", "CopySource"))
    assert content(s3.get_object(Bucket="box", Key="copy")) == b"x"


def test_every_part_comes_with_its_upload_s_key(s3: Any) -> None:
    place = {"Bucket": "box", "Key": "k"}
    part = {**place, "UploadId": s3.create_multipart_upload(**place, **key(b"a"))["UploadId"], "PartNumber": 1, "Body": b"x"}
    assert refused(s3.upload_part, **part)[0] == "InvalidRequest"
    other = "The provided encryption parameters did not match the ones used originally."
    assert refused(s3.upload_part, **part, **key(b"b")) == ("InvalidRequest", other, {})
    etag = s3.upload_part(**part, **key(b"a"))["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    done = s3.complete_multipart_upload(**place, UploadId=part["UploadId"], MultipartUpload=parts)
    assert [name for name in done if name.startswith(("Checksum", "S"))] == []
    assert content(s3.get_object(**place, **key(b"a"))) == b"x"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (without(key(b"a"), "SSECustomerAlgorithm"), ("InvalidArgument", f"{BEGIN} a valid encryption algorithm.", NAMED)),
        (without(key(b"a"), "SSECustomerKey"), ("InvalidArgument", f"{BEGIN} an appropriate secret key.", NAMED)),
        (
            {**key(b"a"), "SSECustomerKey": "c2hvcnQ="},
            ("InvalidArgument", "The secret key was invalid for the specified algorithm.", NAMED),
        ),
        (
            {**key(b"a"), "SSECustomerKeyMD5": "x"},
            ("InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.", NAMED),
        ),
        (
            {**key(b"a"), "SSECustomerAlgorithm": "KMS"},
            (
                "InvalidEncryptionAlgorithmError",
                "The Encryption request you specified is not valid. Supported value: AES256.",
                {**NAMED, "ArgumentValue": "KMS"},
            ),
        ),
    ],
)
def test_a_key_that_is_none_is_refused(s3: Any, given: dict[str, str], refusal: tuple[str, str, dict[str, str]]) -> None:
    assert refused(s3.put_object, Bucket="box", Key="k", **given) == refusal


def test_an_object_gets_another_key_and_stays_as_it_is(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"x", StorageClass="GLACIER", Metadata={"a": "b"})
    before = s3.head_object(Bucket="box", Key="k")
    here.jump(60)
    arn = here.kms.create_key()["KeyMetadata"]["Arn"]
    assert (
        s3.update_object_encryption(Bucket="box", Key="k", ObjectEncryption={"SSEKMS": {"KMSKeyArn": arn, "BucketKeyEnabled": True}}) == {}
    )
    after = {**before, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn, "BucketKeyEnabled": True}
    assert s3.head_object(Bucket="box", Key="k") == after
    s3.update_object_encryption(Bucket="box", Key="k", ObjectEncryption={"SSEKMS": {"KMSKeyArn": arn}})
    del after["BucketKeyEnabled"]
    assert s3.head_object(Bucket="box", Key="k") == after


@pytest.mark.parametrize("given", [key(b"a"), {"ServerSideEncryption": "aws:kms:dsse"}], ids=["SSE-C", "DSSE-KMS"])
def test_what_is_encrypted_otherwise_gets_no_other_key(s3: Any, given: dict[str, str]) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"x", **given)
    wanted = {"SSEKMS": {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/mine"}}
    assert refused(s3.update_object_encryption, Bucket="box", Key="k", ObjectEncryption=wanted) == ("InvalidRequest", FROM_CUSTOMER, {})


def test_an_etag_under_a_key_tells_nothing_of_the_bytes(s3: Any) -> None:
    digest = f'"{hashlib.md5(b"x", usedforsecurity=False).hexdigest()}"'
    under = {"ServerSideEncryption": "aws:kms"}
    etags = {s3.put_object(Bucket="box", Key="k", Body=b"x", **more)["ETag"] for more in (key(b"a"), key(b"b"), under, under)}
    assert len(etags) == 4
    assert digest not in etags
    plain = s3.copy_object(Bucket="box", Key="plain", CopySource="box/k")["CopyObjectResult"]["ETag"]
    sealed = s3.copy_object(Bucket="box", Key="sealed", CopySource="box/plain", **under)["CopyObjectResult"]["ETag"]
    assert (plain, s3.head_object(Bucket="box", Key="sealed")["ETag"]) == (digest, sealed)
    assert sealed != digest
    s3.put_object(Bucket="box", Key="k", Body=b"y", IfMatch=s3.head_object(Bucket="box", Key="k")["ETag"])
