"""What S3 refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import refused
from windtunnel.services.s3.objects import encryption, objects

Case = tuple[str, dict[str, Any], str, str]
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
UNSUPPORTED = "A header you provided implies functionality that is not implemented"
CHECKSUMS = (
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
)
PART_NUMBER = "Part number must be an integer between 1 and 10000, inclusive"
RANGE = (
    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
    "zero-based offsets of the first and last bytes to copy"
)
TAGS = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
NO_UPLOAD = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
CONDITION = "At least one of the pre-conditions you specified did not hold"
TOKEN = "The continuation token provided is incorrect"
UNSHARED = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
RESERVED = (
    'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. '
    'Remove "aws:" from your tag keys and try again.'
)
ID, ARN = "f" * 64, f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
BOX, OPEN, VAULT = {"Bucket": "box"}, {"Bucket": "open"}, {"Bucket": "vault"}
KEY = {"Bucket": "box", "Key": "k"}
UPLOAD = {**KEY, "UploadId": "$upload"}
COPY = {"Bucket": "box", "Key": "copy", "CopySource": "box/k"}
OWNER = {"ID": ID}


@pytest.fixture
def world(here: Here) -> Mapping[str, str]:
    """Buckets with something in them; what only they know, by the names that requests call it."""
    s3 = here.s3
    for name, more in (("box", {}), ("open", {"ObjectOwnership": "ObjectWriter"}), ("vault", {"ObjectLockEnabledForBucket": True})):
        s3.create_bucket(Bucket=name, **more)
    s3.put_object(**KEY, Body=b"hello")
    s3.put_object(Bucket="box", Key="cold", Body=b"x", StorageClass="GLACIER")
    s3.put_object(Bucket="box", Key="deep", Body=b"x", StorageClass="DEEP_ARCHIVE")
    s3.put_object(Bucket="open", Key="k", Body=b"x")
    s3.put_object(Bucket="vault", Key="k", Body=b"x")
    s3.put_object(Bucket="vault", Key="gone", Body=b"x")
    marker = s3.delete_object(Bucket="vault", Key="gone")["VersionId"]
    crc = s3.create_multipart_upload(Bucket="box", Key="crc", ChecksumAlgorithm="CRC32")["UploadId"]
    part = s3.upload_part(Bucket="box", Key="crc", UploadId=crc, PartNumber=1, Body=b"x")
    return {
        "$upload": s3.create_multipart_upload(**KEY)["UploadId"],
        "$crc": crc,
        "$crc-etag": part["ETag"],
        "$crc-sum": part["ChecksumCRC32"],
        "$etag": s3.head_object(**KEY)["ETag"],
        "$marker": f"vault/gone?versionId={marker}",
    }


def _filled(value: Any, world: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, world) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_filled(item, world) for item in cast("list[Any]", value)]
    return world.get(value, value) if isinstance(value, str) else value


def _acl(*grants: dict[str, Any], owner: Any = OWNER) -> dict[str, Any]:
    return {**OPEN, "AccessControlPolicy": {"Owner": owner, "Grants": list(grants)}}


def _grant(permission: str | None = "READ", **grantee: str) -> dict[str, Any]:
    return {"Grantee": grantee, "Permission": permission}


def _lifecycle(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**BOX, "LifecycleConfiguration": {"Rules": list(rules)}, **more}


RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}


def _cors(**rule: Any) -> dict[str, Any]:
    return {**BOX, "CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], **rule}]}}


def _website(**more: Any) -> dict[str, Any]:
    return {**BOX, "WebsiteConfiguration": {"IndexDocument": {"Suffix": "i"}, **more}}


def _queue(*rules: dict[str, Any]) -> dict[str, Any]:
    filled = [{"QueueArn": ARN, "Events": ["s3:ObjectCreated:*"], **rule} for rule in rules]
    return {**BOX, "NotificationConfiguration": {"QueueConfigurations": filled}}


def _policy(text: str) -> dict[str, Any]:
    return {**BOX, "Policy": text}


def _inventory(bucket: str, *fields: str) -> dict[str, Any]:
    wanted = {
        "Id": "i",
        "IsEnabled": True,
        "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": bucket, "Format": "CSV"}},
        "OptionalFields": list(fields),
    }
    return {**BOX, "Id": "i", "InventoryConfiguration": wanted}


def _complete(**more: Any) -> dict[str, Any]:
    parts = [{"PartNumber": 1, "ETag": "$crc-etag", "ChecksumCRC32": "$crc-sum"}]
    return {"Bucket": "box", "Key": "crc", "UploadId": "$crc", "MultipartUpload": {"Parts": parts}, **more}


def _key(arn: str) -> dict[str, Any]:
    return {**KEY, "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": arn}}}


OBJECTS: list[Case] = [
    ("put_object", {**KEY, "StorageClass": "WARM"}, "InvalidStorageClass", "The storage class you specified is not valid"),
    (
        "put_object",
        {**KEY, "Metadata": {"a": "x" * 2048}},
        "MetadataTooLarge",
        "Your metadata headers exceed the maximum allowed metadata size",
    ),
    ("put_object", {**KEY, "Tagging": "a=1&a=2"}, "InvalidArgument", TAGS),
    ("put_object", {**KEY, "Tagging": "&".join(f"k{n}=v" for n in range(11))}, "BadRequest", "Object tags cannot be greater than 10"),
    ("put_object", {**KEY, "Tagging": "aws:x=1"}, "InvalidTag", "Your TagKey cannot be prefixed with aws:"),
    ("put_object", {**KEY, "IfMatch": "x", "IfNoneMatch": "*"}, "NotImplemented", UNSUPPORTED),
    ("put_object", {**KEY, "IfMatch": "*"}, "NotImplemented", UNSUPPORTED),
    ("put_object", {**KEY, "IfNoneMatch": "x"}, "NotImplemented", UNSUPPORTED),
    ("put_object", {**KEY, "ChecksumAlgorithm": "MD4"}, "InvalidRequest", CHECKSUMS),
    ("put_object", {**KEY, "ChecksumXXHASH3": "x"}, "InvalidRequest", "Value for x-amz-checksum-xxhash3 header is invalid."),
    (
        "put_object",
        {**KEY, "ChecksumCRC32": "x", "ChecksumSHA1": "x"},
        "InvalidRequest",
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    ),
    (
        "put_object",
        {**KEY, "SSECustomerAlgorithm": "AES256", "ServerSideEncryption": "AES256"},
        "InvalidArgument",
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
    ),
    (
        "put_object",
        {**VAULT, "Key": "k", "ObjectLockLegalHoldStatus": "MAYBE"},
        "InvalidArgument",
        "Legal Hold must be either of 'ON' or 'OFF'",
    ),
    (
        "get_object",
        {**KEY, "SSECustomerAlgorithm": "AES256"},
        "InvalidRequest",
        "The encryption parameters are not applicable to this object.",
    ),
    (
        "get_object",
        {**KEY, "Range": "bytes=0-1", "PartNumber": 1},
        "InvalidRequest",
        "Cannot specify both Range header and partNumber query parameter",
    ),
    ("get_object", {**KEY, "PartNumber": 2}, "InvalidPartNumber", "The requested partnumber is not satisfiable"),
    (
        "get_object",
        {**KEY, "ResponseCacheControl": "über\u2713"},
        "InvalidArgument",
        "Header value cannot be represented using ISO-8859-1.",
    ),
    ("get_object_tagging", {**BOX, "Key": "none"}, "NoSuchKey", "The specified key does not exist."),
    ("get_object_tagging", {**KEY, "VersionId": "x"}, "InvalidArgument", "Invalid version id specified"),
    (
        "put_object_tagging",
        {**KEY, "Tagging": {"TagSet": [{"Key": "a;b", "Value": "1"}]}},
        "InvalidTag",
        "The TagKey you have provided is invalid",
    ),
    (
        "put_object_tagging",
        {**KEY, "Tagging": {"TagSet": [{"Key": "a", "Value": "v" * 257}]}},
        "InvalidTag",
        "The TagValue you have provided is invalid",
    ),
    ("put_object_tagging", {**KEY, "Tagging": {"TagSet": [{"Key": "a"}]}}, "MalformedXML", MALFORMED),
    (
        "delete_object",
        {**KEY, "BypassGovernanceRetention": True},
        "InvalidArgument",
        "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
    ),
    ("delete_object", {**KEY, "IfMatchSize": 5}, "NotImplemented", UNSUPPORTED),
    ("delete_object", {**KEY, "IfMatch": '"x"'}, "PreconditionFailed", CONDITION),
    ("delete_objects", {**BOX, "Delete": {"Objects": []}}, "MalformedXML", MALFORMED),
    (
        "restore_object",
        {**BOX, "Key": "cold", "RestoreRequest": {"Type": "SELECT"}},
        "NotImplemented",
        "windtunnel does not implement queries of archived objects.",
    ),
    ("restore_object", {**BOX, "Key": "cold", "RestoreRequest": {"Days": 0}}, "MalformedXML", MALFORMED),
    (
        "restore_object",
        {**BOX, "Key": "deep", "RestoreRequest": {"Days": 1, "Tier": "Expedited"}},
        "InvalidArgument",
        "Expedited retrieval is not available for this storage class",
    ),
    ("put_object_retention", {**VAULT, "Key": "k", "Retention": {"Mode": "GOVERNANCE"}}, "MalformedXML", MALFORMED),
    (
        "put_object_retention",
        {**KEY, "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": BEGIN + 9}},
        "InvalidRequest",
        "Bucket is missing Object Lock Configuration",
    ),
    (
        "get_object_retention",
        {**VAULT, "Key": "k"},
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    ),
    ("put_object_legal_hold", {**VAULT, "Key": "k", "LegalHold": {}}, "MalformedXML", MALFORMED),
    ("update_object_encryption", {**KEY, "ObjectEncryption": {}}, "InvalidRequest", encryption.NO_TYPE),
    ("update_object_encryption", _key("alias/mine"), "InvalidRequest", encryption.NO_ARN),
    ("update_object_encryption", _key("arn:aws:kms:us-east-1:999999999999:key/k"), "AccessDenied", encryption.OTHER_ACCOUNT),
]
COPIES: list[Case] = [
    ("copy_object", {**COPY, "CopySource": "box"}, "InvalidArgument", "Invalid copy source object key"),
    ("copy_object", {**COPY, "CopySource": "box/none"}, "NoSuchKey", "The specified key does not exist."),
    (
        "copy_object",
        {**COPY, "CopySource": "box/cold"},
        "ObjectNotInActiveTierError",
        "The source object of the COPY operation is not in the active tier and is only stored in Amazon Glacier.",
    ),
    (
        "copy_object",
        {**COPY, "CopySource": "$marker"},
        "InvalidRequest",
        "The source of a copy request may not specifically refer to a delete marker by version id.",
    ),
    *(
        ("copy_object", {**COPY, **condition}, "PreconditionFailed", CONDITION)
        for condition in (
            {"CopySourceIfMatch": "x"},
            {"CopySourceIfNoneMatch": "$etag"},
            {"CopySourceIfUnmodifiedSince": BEGIN - 1},
            {"CopySourceIfModifiedSince": BEGIN},
        )
    ),
    (
        "upload_part_copy",
        {**UPLOAD, "CopySource": "box/k", "PartNumber": 1, "CopySourceRange": "bytes=9-9"},
        "InvalidRequest",
        "The specified copy range is invalid for the source object size",
    ),
    (
        "upload_part_copy",
        {**UPLOAD, "CopySource": "box/k", "PartNumber": 1, "CopySourceRange": "bytes=0-9"},
        "InvalidArgument",
        "Range specified is not valid for source object of size: 5",
    ),
    ("upload_part_copy", {**UPLOAD, "CopySource": "box/k", "PartNumber": 1, "CopySourceRange": "0-1"}, "InvalidArgument", RANGE),
    ("upload_part", {**UPLOAD, "PartNumber": 10_001, "Body": b"x"}, "InvalidArgument", PART_NUMBER),
    ("upload_part", {**UPLOAD, "PartNumber": 0, "Body": b"x"}, "InvalidArgument", PART_NUMBER),
    (
        "upload_part",
        {"Bucket": "box", "Key": "crc", "UploadId": "$crc", "PartNumber": 1, "Body": b"x", "ChecksumSHA1": "x"},
        "InvalidRequest",
        "Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha1",
    ),
    ("complete_multipart_upload", {**UPLOAD, "MultipartUpload": {"Parts": []}}, "InvalidRequest", "You must specify at least one part"),
    ("complete_multipart_upload", {**UPLOAD, "UploadId": "none", "MultipartUpload": {"Parts": []}}, "NoSuchUpload", NO_UPLOAD),
    (
        "complete_multipart_upload",
        _complete(ChecksumType="FULL_OBJECT"),
        "InvalidRequest",
        "The upload was created using the COMPOSITE checksum mode. The complete request must use the same checksum mode.",
    ),
    (
        "complete_multipart_upload",
        _complete(ChecksumCRC32="AAAAAA=="),
        "BadDigest",
        "The crc32 you specified did not match the calculated checksum.",
    ),
    (
        "complete_multipart_upload",
        _complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "$crc-etag", "ChecksumSHA1": "x"}]}),
        "BadDigest",
        "The sha1 you specified for part 1 did not match what we received.",
    ),
    (
        "create_multipart_upload",
        {**KEY, "ChecksumType": "COMPOSITE"},
        "InvalidRequest",
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    ),
    ("list_multipart_uploads", {**BOX, "KeyMarker": "k", "UploadIdMarker": "none"}, "InvalidArgument", "Invalid uploadId marker"),
    ("list_objects", {**BOX, "MaxKeys": -1}, "InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647"),
    ("list_objects_v2", {**BOX, "ContinuationToken": "x"}, "InvalidArgument", TOKEN),
    ("list_objects_v2", {**BOX, "EncodingType": "base64"}, "InvalidArgument", "Invalid Encoding Method specified in Request"),
    ("list_object_versions", {**BOX, "KeyMarker": "k", "VersionIdMarker": "x"}, "InvalidArgument", "Invalid version id specified"),
    (
        "list_object_versions",
        {**BOX, "VersionIdMarker": "x"},
        "InvalidArgument",
        "A version-id marker cannot be specified without a key marker.",
    ),
    ("list_buckets", {"BucketRegion": "moon"}, "InvalidArgument", "Argument value moon is not a valid AWS Region"),
    ("list_buckets", {"ContinuationToken": "x"}, "InvalidArgument", TOKEN),
]
SETTINGS: list[Case] = [
    ("create_bucket", {"Bucket": "new", "ObjectOwnership": "Mine"}, "InvalidArgument", "Invalid x-amz-object-ownership header: Mine"),
    ("create_bucket", {"Bucket": "new", "ACL": "public-read"}, "InvalidBucketAclWithObjectOwnership", UNSHARED),
    ("create_bucket", {"Bucket": "new", "CreateBucketConfiguration": {"Tags": [{"Key": "aws:a", "Value": "1"}]}}, "InvalidTag", RESERVED),
    (
        "create_bucket",
        {"Bucket": "new", "CreateBucketConfiguration": {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}},
        "InternalError",
        "We encountered an internal error. Please try again.",
    ),
    ("put_bucket_tagging", {**BOX, "Tagging": {}}, "MalformedXML", MALFORMED),
    (
        "put_bucket_acl",
        {**OPEN, "ACL": "private", "GrantRead": f"id={ID}"},
        "InvalidRequest",
        "Specifying both Canned ACLs and Header Grants is not allowed",
    ),
    ("put_bucket_acl", {**OPEN, "GrantRead": "nobody"}, "InvalidArgument", "Argument format not recognized"),
    (
        "put_bucket_acl",
        {**OPEN, "GrantRead": "emailAddress=a@b.c"},
        "UnresolvableGrantByEmailAddress",
        "The e-mail address you provided does not match any account on record.",
    ),
    ("put_bucket_acl", {**OPEN, "GrantRead": "id=nobody"}, "InvalidArgument", "Invalid id"),
    ("put_bucket_acl", {**OPEN, "GrantRead": "uri=http://nobody"}, "InvalidArgument", "Invalid group uri"),
    ("put_bucket_acl", {**OPEN}, "MissingSecurityHeader", "Your request was missing a required header"),
    (
        "put_bucket_acl",
        {**_acl(_grant(Type="CanonicalUser", ID=ID)), "ACL": "private"},
        "UnexpectedContent",
        "This request does not support content",
    ),
    ("put_bucket_acl", _acl(owner={}), "MalformedACLError", MALFORMED),
    ("put_bucket_acl", _acl(_grant("EVERYTHING", Type="CanonicalUser", ID=ID)), "MalformedACLError", MALFORMED),
    ("put_bucket_acl", _acl(_grant(Type="Robot")), "MalformedACLError", MALFORMED),
    ("put_bucket_acl", _acl(_grant(Type="Group", URI="http://nobody")), "InvalidArgument", "Invalid group uri"),
    ("put_bucket_acl", _acl(_grant(Type="CanonicalUser", ID="x")), "InvalidArgument", "Invalid id"),
    (
        "put_bucket_cors",
        _cors(AllowedOrigins=["http://*.*"]),
        "InvalidRequest",
        'AllowedOrigin "http://*.*" can not have more than one wildcard.',
    ),
    ("put_bucket_cors", _cors(AllowedHeaders=["x-*-*"]), "InvalidRequest", 'AllowedHeader "x-*-*" can not have more than one wildcard.'),
    ("put_bucket_cors", {**BOX, "CORSConfiguration": {"CORSRules": []}}, "MalformedXML", MALFORMED),
    ("put_bucket_encryption", {**BOX, "ServerSideEncryptionConfiguration": {"Rules": []}}, "MalformedXML", MALFORMED),
    (
        "put_bucket_encryption",
        {**BOX, "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "ROT13"}}]}},
        "MalformedXML",
        MALFORMED,
    ),
    ("put_bucket_ownership_controls", {**BOX, "OwnershipControls": {"Rules": [{"ObjectOwnership": "Mine"}]}}, "MalformedXML", MALFORMED),
    ("put_bucket_request_payment", {**BOX, "RequestPaymentConfiguration": {"Payer": "Nobody"}}, "MalformedXML", MALFORMED),
    ("put_bucket_accelerate_configuration", {**BOX, "AccelerateConfiguration": {"Status": "Fast"}}, "MalformedXML", MALFORMED),
    (
        "put_bucket_lifecycle_configuration",
        _lifecycle(RULE, TransitionDefaultMinimumObjectSize="tiny"),
        "InvalidRequest",
        "Invalid TransitionDefaultMinimumObjectSize found: tiny",
    ),
    ("put_bucket_lifecycle_configuration", _lifecycle(), "MalformedXML", MALFORMED),
    (
        "put_bucket_lifecycle_configuration",
        _lifecycle(RULE, RULE),
        "InvalidArgument",
        "Rule ID must be unique. Found same ID for more than one rule",
    ),
    (
        "put_bucket_lifecycle_configuration",
        _lifecycle({**RULE, "Expiration": {"Days": 0}}),
        "InvalidArgument",
        "'Days' for Expiration action must be a positive integer",
    ),
    (
        "put_bucket_lifecycle_configuration",
        _lifecycle({**RULE, "Filter": {"Prefix": "a", "ObjectSizeLessThan": 1}}),
        "MalformedXML",
        MALFORMED,
    ),
    ("put_bucket_lifecycle_configuration", _lifecycle({**RULE, "Filter": {"And": {"Prefix": "a"}}}), "MalformedXML", MALFORMED),
    (
        "put_bucket_lifecycle_configuration",
        _lifecycle({**RULE, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": None}}),
        "MalformedXML",
        MALFORMED,
    ),
    (
        "put_bucket_notification_configuration",
        _queue({"Id": "a"}, {"Id": "a", "Events": ["s3:ObjectAcl:Put"]}),
        "InvalidArgument",
        "Same ID used for multiple configurations. IDs must be unique",
    ),
    ("put_bucket_notification_configuration", _queue({"QueueArn": f"{ARN}.fifo"}), "InvalidArgument", "FIFO SQS queues are not supported"),
    (
        "put_bucket_notification_configuration",
        _queue({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a"}] * 2}}}),
        "InvalidArgument",
        "Cannot specify more than one prefix rule in a filter.",
    ),
    ("put_bucket_policy", _policy("{" + " " * 20_480 + "}"), "MalformedPolicy", "Policy size exceeds maximum allowed size"),
    (
        "put_bucket_policy",
        _policy('{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}'),
        "MalformedPolicy",
        "Missing required field Resource",
    ),
    (
        "put_bucket_policy",
        _policy('{"Statement": [{"Effect": "Maybe", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::box"}]}'),
        "MalformedPolicy",
        "Invalid effect: Maybe",
    ),
    ("put_object_lock_configuration", {**VAULT, "ObjectLockConfiguration": {}}, "MalformedXML", MALFORMED),
    (
        "put_object_lock_configuration",
        {
            **VAULT,
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 0}}},
        },
        "InvalidArgument",
        "Default retention period must be a positive integer value.",
    ),
    ("put_bucket_website", _website(RoutingRules=[]), "MalformedXML", MALFORMED),
    (
        "put_bucket_website",
        _website(RoutingRules=[{"Redirect": {"Protocol": "gopher"}}]),
        "InvalidRequest",
        "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
    ),
    (
        "put_bucket_website",
        _website(RoutingRules=[{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}]),
        "InvalidRequest",
        "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
    ),
    (
        "put_bucket_website",
        _website(RoutingRules=[{"Condition": {}, "Redirect": {"HostName": "h"}}]),
        "InvalidRequest",
        "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    ),
    ("put_bucket_abac", {**BOX, "AbacStatus": {}}, "MalformedXML", MALFORMED),
    ("put_bucket_accelerate_configuration", {**BOX, "AccelerateConfiguration": {}}, "MalformedXML", MALFORMED),
    ("put_bucket_ownership_controls", {**BOX, "OwnershipControls": {"Rules": []}}, "MalformedXML", MALFORMED),
    ("put_bucket_replication", {**BOX, "ReplicationConfiguration": {"Role": "r", "Rules": []}}, "MalformedXML", MALFORMED),
    ("put_bucket_lifecycle_configuration", _lifecycle({**RULE, "Transitions": [{"StorageClass": "GLACIER"}]}), "MalformedXML", MALFORMED),
    ("put_bucket_inventory_configuration", _inventory("kept"), "InvalidS3DestinationBucket", "Invalid bucket ARN."),
    (
        "put_bucket_inventory_configuration",
        _inventory("arn:aws:s3:::kept", "ObjectAccessControlList"),
        "NotImplemented",
        "windtunnel does not write ObjectAccessControlList into inventories.",
    ),
    ("list_bucket_metrics_configurations", {**BOX, "ContinuationToken": "x"}, "InvalidArgument", TOKEN),
    ("get_bucket_inventory_configuration", {**BOX, "Id": "none"}, "NoSuchConfiguration", "The specified configuration does not exist."),
]


@pytest.mark.parametrize(
    ("operation", "request_", "code", "said"), [*OBJECTS, *COPIES, *SETTINGS], ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_request_that_s3_refuses_is_refused_in_its_words(
    here: Here, world: Mapping[str, str], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    call = getattr(here.s3, operation)
    assert refused(call, **_filled(request_, world))[:2] == (code, said)


def test_an_object_of_more_than_five_gigabytes_comes_in_parts(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "PUT_BYTES_MAX", 4)
    here.s3.create_bucket(Bucket="box")
    assert refused(here.s3.put_object, Bucket="box", Key="k", Body=b"12345") == (
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        {"ProposedSize": "5", "MaxSizeAllowed": "4"},
    )
