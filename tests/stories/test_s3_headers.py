"""What S3 refuses of headers, query parameters and documents that are wrong, or not whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.refusals import filled
from tests.stories.s3_kit import refused

KEY = {"Bucket": "box", "Key": "k"}
HEADER = "A header you provided implies functionality that is not implemented"
EMPTY = "Version id cannot be the empty string"
ALGORITHM = "The encryption method specified is not supported"
KMS = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
REDIRECT = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
ATTRIBUTES = "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"
SELECT = "The SelectRequest entity is missing a required parameter. Check the service documentation and try again."
NO_ID = "The request is missing the id of a configuration."
HOLDS = "windtunnel does not implement event holds of objects."
NOTHING: list[str] = []
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
CORS = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
NUMBER = "must be an integer between 0 and 2147483647"


def _website(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"Bucket": "box", "WebsiteConfiguration": {"IndexDocument": {"Suffix": "i"}, "RoutingRules": list(rules)}}


def _descent(*moves: tuple[str, int], noncurrent: bool = False) -> dict[str, Any]:
    name, unit = ("NoncurrentVersionTransitions", "NoncurrentDays") if noncurrent else ("Transitions", "Days")
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, name: [{"StorageClass": to, unit: days} for to, days in moves]}
    return {"Bucket": "box", "LifecycleConfiguration": {"Rules": [rule]}}


def _too_early(unit: str, action: str, warm: str, cold: str, days: int) -> str:
    least = f"for filter '(prefix=)' must be {days} days more than 'filter '(prefix=)'' in the '{action}' action"
    return f"'{unit}' in the '{action}' action for StorageClass '{cold}' {least} for StorageClass '{warm}'"


SELECTED: dict[str, Any] = {
    "Expression": "SELECT * FROM S3Object",
    "ExpressionType": "SQL",
    "InputSerialization": {"CSV": {}},
    "OutputSerialization": {"CSV": {}},
}
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    *((f"{verb}_object", {**KEY, "VersionId": ""}, "InvalidArgument", EMPTY) for verb in ("get", "head", "delete")),
    ("copy_object", {**KEY, "CopySource": "box/k?versionId="}, "InvalidArgument", EMPTY),
    *(
        ("copy_object", {**KEY, "CopySource": "box/k", f"{kind}Directive": "ADD"}, "InvalidArgument", f"Unknown {kind.lower()} directive.")
        for kind in ("Metadata", "Tagging", "Annotation")
    ),
    ("put_object", {**KEY, "WriteOffsetBytes": 5}, "NotImplemented", HEADER),
    *(
        (f"{verb}", {**KEY, "WebsiteRedirectLocation": "there"}, "InvalidRedirectLocation", REDIRECT)
        for verb in ("put_object", "create_multipart_upload")
    ),
    (
        "put_object",
        {**KEY, "WebsiteRedirectLocation": "/" * 2049},
        "InvalidRedirectLocation",
        "The length of website redirect location cannot exceed 2,048 characters.",
    ),
    *(("put_object", {**KEY, "ServerSideEncryption": name}, "InvalidArgument", ALGORITHM) for name in ("", "AES128", "aws:fsx")),
    ("put_object", {**KEY, "ServerSideEncryption": "AES256", "SSEKMSKeyId": "k"}, "InvalidArgument", KMS),
    ("create_multipart_upload", {**KEY, "SSEKMSKeyId": "k"}, "InvalidArgument", KMS),
    *(
        ("put_object", {**KEY, f"ObjectLockEventHold{name}": value}, "NotImplemented", HOLDS)
        for name, value in (("", "ON"), ("DurationDays", 1), ("DurationYears", 1))
    ),
    ("put_object_retention", {**KEY, "Retention": {"EventHold": "ON", "EventHoldDuration": {"Days": 1}}}, "NotImplemented", HOLDS),
    (
        "put_object_lock_configuration",
        {
            "Bucket": "box",
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"DefaultEventHold": {"Days": 1}}}},
        },
        "NotImplemented",
        HOLDS,
    ),
    *(("get_object_attributes", {**KEY, **more}, "InvalidRequest", ATTRIBUTES) for more in ({}, {"ObjectAttributes": NOTHING})),
    ("get_object_attributes", {**KEY, "ObjectAttributes": ["Colour"]}, "InvalidArgument", "Invalid attribute name specified."),
    *(
        ("list_buckets", {"MaxBuckets": most}, "InvalidArgument", "Argument max-buckets must be an integer between 1 and 10000")
        for most in (-1, 0, 10_001)
    ),
    *(
        (operation, {"Bucket": "box", name: value}, "InvalidArgument", f"Argument {word} {NUMBER}")
        for operation, name, word in (
            ("list_objects", "MaxKeys", "maxKeys"),
            ("list_objects_v2", "MaxKeys", "maxKeys"),
            ("list_object_versions", "MaxKeys", "maxKeys"),
            ("list_multipart_uploads", "MaxUploads", "max-uploads"),
        )
        for value in (-1, 2**31)
    ),
    *(
        (operation, {"Bucket": "box", "OptionalObjectAttributes": ["Colour"]}, "InvalidArgument", "Invalid attribute name specified.")
        for operation in ("list_objects", "list_objects_v2", "list_object_versions")
    ),
    *(
        (operation, {**request, name: -1}, "InvalidArgument", f"Argument {word} {NUMBER}")
        for name, word in (("PartNumberMarker", "part-number-marker"), ("MaxParts", "max-parts"))
        for operation, request in (
            ("list_parts", {**KEY, "UploadId": "$upload"}),
            ("get_object_attributes", {"Bucket": "box", "Key": "parts", "ObjectAttributes": ["ObjectParts"]}),
        )
    ),
    (
        "put_bucket_cors",
        {
            "Bucket": "box",
            "CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]}]},
        },
        "InvalidRequest",
        'ExposeHeader "x-*" contains wildcard. We currently do not support wildcard for ExposeHeader.',
    ),
    *(
        (
            "put_bucket_website",
            _website({"Redirect": {"HostName": "h", "HttpRedirectCode": code}}),
            "InvalidRequest",
            f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300.",
        )
        for code in ("200", "300", "3011")
    ),
    (
        "put_bucket_website",
        _website({"Condition": {"HttpErrorCodeReturnedEquals": "304"}, "Redirect": {"HostName": "h"}}),
        "InvalidRequest",
        "The provided HTTP error code (304) is not valid. Valid codes are 4XX or 5XX.",
    ),
    (
        "put_bucket_website",
        _website(*[{"Redirect": {"HostName": "h"}}] * 51),
        "InvalidRequest",
        "51 routing rules provided, the number of routing rules in a website configuration is limited to 50.",
    ),
    (
        "put_bucket_lifecycle_configuration",
        _descent(("DEEP_ARCHIVE", 119), ("GLACIER", 30)),
        "InvalidArgument",
        _too_early("Days", "Transition", "GLACIER", "DEEP_ARCHIVE", 90),
    ),
    (
        "put_bucket_lifecycle_configuration",
        _descent(("GLACIER", 30), ("STANDARD_IA", 40)),
        "InvalidArgument",
        _too_early("Days", "Transition", "STANDARD_IA", "GLACIER", 30),
    ),
    (
        "put_bucket_lifecycle_configuration",
        _descent(("ONEZONE_IA", 30), ("GLACIER_IR", 59), noncurrent=True),
        "InvalidArgument",
        _too_early("NoncurrentDays", "NoncurrentVersionTransition", "ONEZONE_IA", "GLACIER_IR", 30),
    ),
    ("delete_objects", {"Bucket": "box", "Delete": {"Objects": [{"Key": ""}]}}, "MalformedXML", MALFORMED),
    ("complete_multipart_upload", KEY, "MethodNotAllowed", "The specified method is not allowed against this resource."),
    ("upload_part", {**KEY, "UploadId": "u"}, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"),
    *(
        (
            "select_object_content",
            {**KEY, **{name: value for name, value in SELECTED.items() if name != left}},
            "MissingRequiredParameter",
            SELECT,
        )
        for left in SELECTED
    ),
    *(
        (f"{verb}_bucket_{kind}_configuration", {"Bucket": "box"}, "InvalidArgument", NO_ID)
        for verb in ("get", "delete")
        for kind in ("metrics", "analytics", "inventory", "intelligent_tiering")
    ),
    ("put_bucket_metrics_configuration", {"Bucket": "box", "MetricsConfiguration": {"Id": "m"}}, "InvalidArgument", NO_ID),
]


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_header_or_parameter_that_is_wrong_is_refused(here: Here, operation: str, request_: dict[str, Any], code: str, said: str) -> None:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(**KEY, Body=b"hello")
    parts = {"Bucket": "box", "Key": "parts"}
    upload = here.s3.create_multipart_upload(**parts, ChecksumAlgorithm="SHA1")["UploadId"]
    part = here.s3.upload_part(**parts, UploadId=upload, PartNumber=1, Body=b"x")
    named = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA1": part["ChecksumSHA1"]}
    here.s3.complete_multipart_upload(**parts, UploadId=upload, MultipartUpload={"Parts": [named]})
    world = {"$upload": here.s3.create_multipart_upload(**KEY)["UploadId"]}
    assert refused(getattr(here.s3, operation), **filled(request_, world))[:2] == (code, said)
