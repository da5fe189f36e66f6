"""What a copy is made of: the object that x-amz-copy-source names."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.annotations.rules import Named, annotations_of
from windtunnel.services.s3.archive.restores import is_archived
from windtunnel.services.s3.objects.customer_keys import SOURCE, check_key_of
from windtunnel.services.s3.objects.drafts import Request
from windtunnel.services.s3.places import bucket_of, lookup
from windtunnel.services.s3.rules import NULL, check_source
from windtunnel.services.s3.state import Version

_ADDRESS = re.compile(r"https?://[^/]*/")


class Source(msgspec.Struct, frozen=True):
    """What a copy is made of."""

    bucket: str
    key: str
    version: Version
    shown_id: str | None
    annotations: list[Named]


def source_of(tx: Tx, req: Request) -> Source:
    """The object that x-amz-copy-source names, if the conditions on it hold. It may lie in another region."""
    text: str = req["CopySource"]
    path, versioned, query = text.partition("?versionId=")
    # Some clients write spaces as forms do, and some the whole address.
    name, slash, key = unquote_plus(_ADDRESS.sub("", path).removeprefix("/")).partition("/")
    if not slash or not name or not key:
        message = "Invalid copy source object key"
        raise Fault("InvalidArgument", message, ArgumentName="x-amz-copy-source", ArgumentValue="x-amz-copy-source")
    asked = {
        "Bucket": name,
        "Key": key,
        "ExpectedBucketOwner": req.get("ExpectedSourceBucketOwner"),
        "RequestPayer": req.get("RequestPayer"),
    }
    bucket = bucket_of(tx, asked, anywhere=True)
    try:
        at, version = lookup(tx, bucket, {**asked, **({"VersionId": unquote(query)} if versioned else {})}, "GET")
    except Fault as fault:
        if fault.code == "MethodNotAllowed":
            message = "The source of a copy request may not specifically refer to a delete marker by version id."
            raise Fault("InvalidRequest", message) from None
        raise
    if is_archived(version, tx.now):
        message = "The source object of the COPY operation is not in the active tier and is only stored in Amazon Glacier."
        raise Fault("ObjectNotInActiveTierError", message)
    check_key_of(req, version, SOURCE)
    check_source(req, version.etag, version.modified, tx.now)
    annotations = annotations_of(tx, name, key, at) if version.annotations else []
    return Source(name, key, version, version.id if bucket.versioning and version.id != NULL else None, annotations)
