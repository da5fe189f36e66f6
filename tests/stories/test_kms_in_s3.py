"""Objects under KMS keys: the key decides who writes and who reads them, and whether anybody does."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.identity import fault
from tests.stories.kms_kit import DAY, OTHER, arn, made, policy, root
from tests.stories.s3_kit import content

NONE = "134f2428-cec1-4b25-a1ae-9048164dba47"
KMS = "aws:kms"


@pytest.fixture
def key(here: Here) -> str:
    return made(here)


def _put(s3: Any, key: str = "", name: str = "k", **more: Any) -> Any:
    named = {"SSEKMSKeyId": key} if key else {}
    return s3.put_object(**{"Bucket": "box", "Key": name, "Body": b"x", "ServerSideEncryption": KMS} | named | more)


@pytest.mark.parametrize("algorithm", [KMS, "aws:kms:dsse"])
def test_an_object_says_which_key_it_is_under(here: Here, s3: Any, key: str, algorithm: str) -> None:
    written = _put(s3, key, ServerSideEncryption=algorithm)
    assert (written["ServerSideEncryption"], written["SSEKMSKeyId"]) == (algorithm, arn(key))
    read = s3.get_object(Bucket="box", Key="k")
    assert (content(read), read["ServerSideEncryption"], read["SSEKMSKeyId"]) == (b"x", algorithm, arn(key))
    assert s3.head_object(Bucket="box", Key="k")["SSEKMSKeyId"] == arn(key)


def test_a_key_that_is_not_there_encrypts_nothing(here: Here, s3: Any) -> None:
    far = made(here.at(region="us-west-2"))
    missing = f"Key '{arn(NONE)}' does not exist"
    for named, said in (
        ("fake-key-id", "Invalid keyId 'fake-key-id'"),
        (NONE, missing),
        (arn(NONE), missing),
        (arn(far, "us-west-2"), "Invalid arn us-west-2"),
        ("arn:aws:s3:::box", "Invalid arn arn:aws:s3:::box"),
    ):
        under = {"Bucket": "box", "Key": "k", "ServerSideEncryption": KMS, "SSEKMSKeyId": named}
        assert fault(s3.put_object, **under) == ("KMS.NotFoundException", said)
        assert fault(s3.create_multipart_upload, **under) == ("KMS.NotFoundException", said)
    s3.put_object(Bucket="box", Key="plain")
    assert fault(s3.copy_object, CopySource="box/plain", **under) == ("KMS.NotFoundException", said)
    assert s3.list_objects_v2(Bucket="box")["KeyCount"] == 1


def test_without_its_key_nobody_reads_an_object(here: Here, s3: Any, key: str) -> None:
    _put(s3, key)
    here.kms.disable_key(KeyId=key)
    off = ("KMS.DisabledException", f"{arn(key)} is disabled.")
    assert fault(s3.get_object, Bucket="box", Key="k") == off
    assert fault(s3.copy_object, Bucket="box", Key="copy", CopySource="box/k") == off
    assert s3.head_object(Bucket="box", Key="k")["SSEKMSKeyId"] == arn(key)
    assert fault(_put, s3=s3, key=key) == off
    here.kms.enable_key(KeyId=key)
    here.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    ending = ("KMS.KMSInvalidStateException", f"{arn(key)} is pending deletion.")
    assert fault(s3.get_object, Bucket="box", Key="k") == ending
    here.jump(7 * DAY)
    assert fault(s3.get_object, Bucket="box", Key="k") == ("KMS.NotFoundException", f"Key '{arn(key)}' does not exist")


def test_a_rotated_key_still_opens_its_objects(here: Here, s3: Any, key: str) -> None:
    _put(s3, key)
    here.kms.rotate_key_on_demand(KeyId=key)
    assert content(s3.get_object(Bucket="box", Key="k")) == b"x"


def test_parts_need_the_key_of_their_upload(here: Here, s3: Any, key: str) -> None:
    begun = s3.create_multipart_upload(Bucket="box", Key="k", ServerSideEncryption=KMS, SSEKMSKeyId=key)
    assert begun["SSEKMSKeyId"] == arn(key)
    upload = {"Bucket": "box", "Key": "k", "UploadId": begun["UploadId"]}
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
    here.kms.disable_key(KeyId=key)
    off = ("KMS.DisabledException", f"{arn(key)} is disabled.")
    assert fault(s3.upload_part, **upload, PartNumber=2, Body=b"part") == off
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    assert fault(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == off
    here.kms.enable_key(KeyId=key)
    assert s3.complete_multipart_upload(**upload, MultipartUpload=parts)["SSEKMSKeyId"] == arn(key)
    assert content(s3.get_object(Bucket="box", Key="k")) == b"part"


def test_the_key_knows_which_object_it_is_used_for(here: Here, s3: Any, key: str) -> None:
    context = b64encode(json.dumps({"project": "blue"}).encode()).decode()
    written = _put(s3, key, SSEKMSEncryptionContext=context)
    assert json.loads(b64decode(written["SSEKMSEncryptionContext"])) == {"project": "blue"}
    only = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::box/k", "kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Condition": only}
    here.kms.put_key_policy(KeyId=key, Policy=policy(statement))
    said = (
        f"User: {root()} is not authorized to perform: kms:Decrypt on resource: {arn(key)} with an explicit deny in a resource-based policy"
    )
    assert fault(s3.get_object, Bucket="box", Key="k") == ("AccessDenied", said)
    _put(s3, key, "other")
    assert content(s3.get_object(Bucket="box", Key="other")) == b"x"
    wrong = {"SSEKMSEncryptionContext": "no base64"}
    assert fault(_put, s3=s3, key=key, **wrong)[0] == "InvalidArgument"


def test_a_bucket_with_a_key_of_its_own_asks_in_the_buckets_name(here: Here, s3: Any, key: str) -> None:
    only = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::box"}}
    here.kms.put_key_policy(
        KeyId=key, Policy=policy({"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey*", "Condition": only})
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": KMS, "KMSMasterKeyID": key}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="box", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert fault(s3.put_object, Bucket="box", Key="k")[0] == "AccessDenied"
    assert s3.put_object(Bucket="box", Key="k", ServerSideEncryption=KMS, SSEKMSKeyId=key, BucketKeyEnabled=False)["SSEKMSKeyId"] == arn(
        key
    )


def test_the_key_that_aws_manages_is_for_its_own_account_and_for_s3(here: Here, s3: Any) -> None:
    _put(s3)
    managed = here.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert s3.head_object(Bucket="box", Key="k")["SSEKMSKeyId"] == managed["Arn"]
    assert fault(here.kms.encrypt, KeyId="alias/aws/s3", Plaintext=b"x")[0] == "AccessDeniedException"
    other = here.at(account=OTHER)
    assert fault(other.s3.get_object, Bucket="box", Key="k")[0] == "AccessDenied"


def test_another_account_reads_what_the_key_lets_it_read(here: Here, s3: Any, key: str) -> None:
    _put(s3, key)
    other = here.at(account=OTHER)
    assert fault(other.s3.get_object, Bucket="box", Key="k")[0] == "AccessDenied"
    here.kms.put_key_policy(KeyId=key, Policy=policy({"Principal": {"AWS": root(OTHER)}, "Action": "kms:Decrypt"}))
    assert content(other.s3.get_object(Bucket="box", Key="k")) == b"x"
