"""What S3 refuses of headers and query parameters that are wrong, or missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import Here
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
    assert refused(getattr(here.s3, operation), **request_)[:2] == (code, said)
