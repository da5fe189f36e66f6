"""What every operation of S3 refuses alike: what isn't there, be it bucket, key, version or upload, and buckets that are elsewhere.

The cases come from AWS's own description of the operations.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.stories.described import needed, operations_of, takes
from tests.stories.here import BEGIN, Here
from tests.stories.s3_kit import refused
from windtunnel.aws.model import OperationModel, snake
from windtunnel.fabric.scope import anonymous
from windtunnel.services.s3 import SERVICE

NONE, OTHER = "0" * 12, "999999999999"
OPERATIONS = operations_of(SERVICE)
RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
REPLICA = {"Bucket": "arn:aws:s3:::other"}
GIVEN: dict[str, Any] = {
    "AbacStatus": {"Status": "Enabled"},
    "AccelerateConfiguration": {"Status": "Enabled"},
    "AnalyticsConfiguration": {"Id": "i", "StorageClassAnalysis": {}},
    "AnnotationName": "a",
    "AnnotationPayload": b"x",
    "Bucket": "box",
    "BucketLoggingStatus": {},
    "CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
    "CopySource": "box/k",
    "Delete": {"Objects": [{"Key": "k"}]},
    "Expression": "SELECT * FROM s3object",
    "ExpressionType": "SQL",
    "Id": "i",
    "InputSerialization": {"CSV": {}},
    "IntelligentTieringConfiguration": {"Id": "i", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
    "InventoryConfiguration": {
        "Id": "i",
        "IsEnabled": True,
        "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::box", "Format": "CSV"}},
    },
    "Key": "k",
    "MetricsConfiguration": {"Id": "i"},
    "NotificationConfiguration": {},
    "ObjectAttributes": ["ETag"],
    "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": f"arn:aws:kms:us-east-1:{NONE}:key/k"}},
    "OutputSerialization": {"CSV": {}},
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
    "PartNumber": 1,
    "Policy": '{"Version": "2012-10-17", "Statement": []}',
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
    "ReplicationConfiguration": {
        "Role": f"arn:aws:iam::{NONE}:role/r",
        "Rules": [{"Status": "Enabled", "Destination": REPLICA, "Prefix": ""}],
    },
    "RequestPaymentConfiguration": {"Payer": "Requester"},
    "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
    "Tagging": {"TagSet": []},
    "UploadId": "none",
    "VersioningConfiguration": {"Status": "Enabled"},
    "WebsiteConfiguration": {"IndexDocument": {"Suffix": "i"}},
}
"""What requests say where it doesn't matter."""
MORE: dict[str, dict[str, Any]] = {
    "PutObjectAcl": {"ACL": "private"},
    "PutObjectLegalHold": {"LegalHold": {"Status": "ON"}},
    "PutObjectRetention": {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": BEGIN + 9}},
    "RestoreObject": {"RestoreRequest": {"Days": 1}},
}
"""What operations can't do without, though AWS's description doesn't say so."""
MAKING = ("CopyObject", "CreateMultipartUpload", "PutObject")
FORGIVING = ("DeleteObject",)
"""That there is none is fine: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html"""


def _taking(*members: str, but: tuple[str, ...] = ()) -> Any:
    """The operations that take all of some members."""
    found = [each for each in OPERATIONS if each.name not in ("CreateBucket", *but) and takes(each, *members)]
    return pytest.mark.parametrize("operation", found, ids=[each.name for each in found])


def _said(here: Here, operation: OperationModel, **more: Any) -> tuple[str, str, dict[str, Any]]:
    """What a request is answered that says what the operation wants, and more."""
    given = needed(operation, GIVEN) | MORE.get(operation.name, {}) | more
    return refused(getattr(here.s3, snake(operation.name)), **given)


@pytest.fixture
def world(here: Here) -> Here:
    """A bucket whose object has a version and, on top of it, a delete marker."""
    here.s3.create_bucket(Bucket="box", ObjectLockEnabledForBucket=True)
    here.s3.put_object(Bucket="box", Key="k", Body=b"x")
    return here


@_taking("Bucket")
def test_a_bucket_has_to_be_there(here: Here, operation: OperationModel) -> None:
    assert _said(here, operation) == ("NoSuchBucket", "The specified bucket does not exist", {"BucketName": "box"})


@_taking("ExpectedBucketOwner")
def test_a_bucket_is_its_expected_owners(world: Here, operation: OperationModel) -> None:
    assert _said(world, operation, ExpectedBucketOwner=OTHER) == ("AccessDenied", "Access Denied", {})
    said = "The value of the expected bucket owner parameter must be an AWS Account ID... [ada]"
    assert _said(world, operation, ExpectedBucketOwner="ada") == ("InvalidBucketOwnerAWSAccountID", said, {})


@_taking("Bucket", but=("GetBucketLocation",))
def test_a_bucket_is_reached_in_its_region(world: Here, operation: OperationModel) -> None:
    code, _, members = _said(world.at(region="eu-west-1"), operation)
    assert (code, members) == ("PermanentRedirect", {"Endpoint": "box.s3.us-east-1.amazonaws.com", "Bucket": "box"})


@_taking("Key", but=(*MAKING, *FORGIVING))
def test_an_object_or_upload_has_to_be_there(world: Here, operation: OperationModel) -> None:
    if takes(operation, "UploadId"):
        assert _said(world, operation)[::2] == ("NoSuchUpload", {"UploadId": "none"})
    else:
        named = "box/gone" if operation.name == "GetObjectTagging" else "gone"
        assert _said(world, operation, Key="gone") == ("NoSuchKey", "The specified key does not exist.", {"Key": named})


@_taking("Key", but=(*MAKING, *FORGIVING, "AbortMultipartUpload", "CompleteMultipartUpload", "ListParts", "UploadPart", "UploadPartCopy"))
def test_a_deleted_object_is_not_there(world: Here, operation: OperationModel) -> None:
    world.s3.delete_object(Bucket="box", Key="k")
    assert _said(world, operation)[0] == ("MethodNotAllowed" if operation.name == "PutObjectAcl" else "NoSuchKey")


@_taking("Key", "VersionId", but=FORGIVING)
def test_a_version_has_to_be_there_and_none_that_marks_a_deletion(world: Here, operation: OperationModel) -> None:
    invalid = {"ArgumentName": "versionId", "ArgumentValue": "v"}
    assert _said(world, operation, VersionId="v") == ("InvalidArgument", "Invalid version id specified", invalid)
    marker = world.s3.delete_object(Bucket="box", Key="k")["VersionId"]
    code, message, members = _said(world, operation, VersionId=marker)
    assert (code, message) == ("MethodNotAllowed", "The specified method is not allowed against this resource.")
    assert members["ResourceType"] == "DeleteMarker"
    world.s3.delete_object(Bucket="box", Key="k", VersionId=marker)
    gone = {"Key": "k", "VersionId": marker}
    assert _said(world, operation, VersionId=marker) == ("NoSuchVersion", "The specified version does not exist.", gone)


def test_a_client_that_knows_no_region_is_told_the_bucket_s(world: Here) -> None:
    assert refused(world.at(region="aws-global").s3.head_bucket, Bucket="box") == (
        "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region 'aws-global' is wrong; expecting 'us-east-1'",
        {"Region": "us-east-1"},
    )


def test_who_signed_nothing_says_nothing_about_the_answer_s_headers(world: Here) -> None:
    nobody = world.at()
    nobody.scope = msgspec.structs.replace(world.scope, principal=anonymous())
    assert refused(nobody.s3.get_object, Bucket="box", Key="k", ResponseContentType="text/html") == (
        "InvalidRequest",
        "Request specific response headers cannot be used for anonymous GET requests.",
        {},
    )
