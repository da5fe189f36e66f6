"""Reading objects: whole, in ranges, by part, or only what is known of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.archive.restores import check_archived, restore_shown
from windtunnel.services.s3.archive.tiering import read
from windtunnel.services.s3.lifecycle.expiration import expiration_shown
from windtunnel.services.s3.listings.walk import check_number, most_of
from windtunnel.services.s3.locks.locks import lock_shown
from windtunnel.services.s3.objects.customer_keys import check_key_of
from windtunnel.services.s3.objects.digests import MEMBERS
from windtunnel.services.s3.objects.drafts import encryption_shown
from windtunnel.services.s3.objects.kms import open_data_key
from windtunnel.services.s3.objects.metadata import shown as shown_metadata
from windtunnel.services.s3.places import bucket_of, charge_shown, lookup, shown_id
from windtunnel.services.s3.rules import TIERED, check_read, range_of
from windtunnel.services.s3.state import OBJECT_PARTS, Bucket, ObjectPart, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

ATTRIBUTES = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})
OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


def get_object(tx: Tx, req: t.GetObjectRequest) -> t.GetObjectOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "GET")
    check_archived(version, tx.now)
    shown, offset, length = _shown(tx, bucket, req, at, version)
    if version.encryption.data_key:
        open_data_key(tx, req["Bucket"], req["Key"], version.encryption)
    if version.storage == TIERED:
        read(tx, req["Bucket"], req["Key"], at, version)
    if tx.scope.principal.kind != "AWSService":
        tx.meter("DataTransfer-Out-Bytes", length, req["Bucket"])
    if version.blob:
        shown["Body"] = tx.blobs.piece(version.blob, offset, length)
    else:
        shown["Body"] = version.inline if length == version.size else version.inline[offset : offset + length]
    return shown  # pyright: ignore[reportReturnType]


def head_object(tx: Tx, req: t.HeadObjectRequest) -> t.HeadObjectOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "HEAD")
    shown, _, _ = _shown(tx, bucket, req, at, version)
    return shown  # pyright: ignore[reportReturnType]


def _shown(tx: Tx, bucket: Bucket, req: Mapping[str, Any], at: int, version: Version) -> tuple[dict[str, Any], int, int]:
    """What a read answers besides the bytes, and which bytes those are."""
    check_key_of(req, version)
    if check_read(req, version.etag, version.modified, tx.now):
        modified = format_datetime(datetime.fromtimestamp(version.modified, UTC), usegmt=True)
        raise Fault("NotModified", "Not Modified", headers={"ETag": f'"{version.etag}"', "Last-Modified": modified})
    offset, length = 0, version.size
    shown: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": version.modified,
        "ETag": f'"{version.etag}"',
        "ContentType": version.content_type,
        "Metadata": shown_metadata(version.metadata),
        **version.headers,
        **encryption_shown(version.encryption),
        **lock_shown(version),
        **restore_shown(version, tx.now),
        **expiration_shown(tx, req["Bucket"], req["Key"], version),
        **shown_id(bucket, version),
        **charge_shown(tx, bucket),
    }
    if version.storage != "STANDARD":
        shown["StorageClass"] = version.storage
    if version.replication:
        shown["ReplicationStatus"] = version.replication
    if version.archive:
        shown["ArchiveStatus"] = version.archive
    if version.tags:
        shown["TagCount"] = len(version.tags)
    checked = (req.get("ChecksumMode") or "").upper() == "ENABLED"
    if (number := req.get("PartNumber")) is not None:
        offset, length = _part(tx, req, at, version, number, shown, checked=checked)
    elif (text := req.get("Range")) is not None and (part := range_of(text, version.size)) is not None:
        offset, length = part
        shown["ContentRange"] = f"bytes {offset}-{offset + length - 1}/{version.size}"
    elif checked and version.checksum:
        shown[MEMBERS[version.algorithm]] = version.checksum
        shown["ChecksumType"] = version.checksum_type
    shown["ContentLength"] = length
    _override(tx, req, shown)
    return shown, offset, length


def _part(
    tx: Tx, req: Mapping[str, Any], at: int, version: Version, number: int, shown: dict[str, Any], *, checked: bool
) -> tuple[int, int]:
    """One part of an object; one that was uploaded in one piece has itself as its only part."""
    if req.get("Range") is not None:
        raise Fault("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    if not 1 <= number <= (version.parts or 1):
        message = "The requested partnumber is not satisfiable"
        raise Fault("InvalidPartNumber", message, PartNumberRequested=str(number), ActualPartCount=str(version.parts or 1))
    offset, length, text = 0, version.size, version.checksum
    if version.parts:
        parts = _parts_of(tx, req, at)
        offset = sum(part.size for part in parts[: number - 1])
        length = parts[number - 1].size
        # Parts have checksums of their own only where the object's is made of them.
        text = parts[number - 1].checksum if version.checksum_type == "COMPOSITE" else ""
        shown["PartsCount"] = version.parts
    if length:
        shown["ContentRange"] = f"bytes {offset}-{offset + length - 1}/{version.size}"
    if checked and text:
        shown[MEMBERS[version.algorithm]] = text
        shown["ChecksumType"] = version.checksum_type
    return offset, length


def _parts_of(tx: Tx, req: Mapping[str, Any], at: int) -> tuple[ObjectPart, ...]:
    return tx.get(OBJECT_PARTS, req["Bucket"], req["Key"], at) or ()


def _override(tx: Tx, req: Mapping[str, Any], shown: dict[str, Any]) -> None:
    for member, header in OVERRIDES.items():
        value = req.get(member)
        if value is None:
            continue
        if tx.scope.principal.kind == "Anonymous":
            raise Fault("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
        if isinstance(value, str) and any(letter > "\xff" for letter in value):
            message = "Header value cannot be represented using ISO-8859-1."
            raise Fault("InvalidArgument", message, ArgumentName=_parameter(member), ArgumentValue=value)
        shown[header] = value if isinstance(value, str) else format_datetime(datetime.fromtimestamp(value, UTC), usegmt=True)


def _parameter(member: str) -> str:
    """ResponseCacheControl -> response-cache-control"""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", member).lower()


def get_object_attributes(tx: Tx, req: t.GetObjectAttributesRequest) -> t.GetObjectAttributesOutput:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html"""
    bucket = bucket_of(tx, req)
    wanted = set(req.get("ObjectAttributes") or ())
    if not wanted:
        message = "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"
        raise Fault("InvalidRequest", message)
    if not wanted <= ATTRIBUTES:
        raise Fault("InvalidArgument", "Invalid attribute name specified.", ArgumentName="x-amz-object-attributes")
    at, version = lookup(tx, bucket, req, "GET")
    check_key_of(req, version)
    result: Any = {"LastModified": version.modified, **shown_id(bucket, version), **charge_shown(tx, bucket)}
    if "ETag" in wanted:
        result["ETag"] = version.etag
    if "ObjectSize" in wanted:
        result["ObjectSize"] = version.size
    if "StorageClass" in wanted:
        result["StorageClass"] = version.storage
    if "Checksum" in wanted and version.checksum:
        text = version.checksum.partition("-")[0]
        result["Checksum"] = {MEMBERS[version.algorithm]: text, "ChecksumType": version.checksum_type}
    if "ObjectParts" in wanted and version.parts:
        result["ObjectParts"] = _object_parts(tx, req, at, version)
    return result


def _object_parts(tx: Tx, req: Mapping[str, Any], at: int, version: Version) -> t.GetObjectAttributesParts:
    """Parts are listed one by one only where each has a checksum of its own."""
    shown: t.GetObjectAttributesParts = {"TotalPartsCount": version.parts}
    if version.checksum_type != "COMPOSITE":
        return shown
    marker, most = int(req.get("PartNumberMarker") or 0), most_of(req.get("MaxParts"), "max-parts")
    check_number(marker, "part-number-marker")
    later = [part for part in _parts_of(tx, req, at) if part.number > marker]
    page = later[:most]
    member = MEMBERS[version.algorithm]
    shown["PartNumberMarker"] = marker
    shown["NextPartNumberMarker"] = page[-1].number if page else 0
    shown["MaxParts"] = most
    shown["IsTruncated"] = len(later) > len(page)
    shown["Parts"] = [{"PartNumber": part.number, "Size": part.size, member: part.checksum} for part in page]  # pyright: ignore[reportGeneralTypeIssues]
    return shown
