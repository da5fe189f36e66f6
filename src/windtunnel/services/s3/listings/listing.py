"""Listings of a bucket's objects and versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from windtunnel.aws import pages
from windtunnel.aws.records import Records
from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.archive.restores import restore_listed
from windtunnel.services.s3.listings.walk import Page, most_of, show_folders, start_of, stays, walk, writer_of
from windtunnel.services.s3.places import bucket_of, charge_shown, current, order
from windtunnel.services.s3.rules import ARCHIVED, NULL, TIERED, order_of, owner_of
from windtunnel.services.s3.state import LISTED, NULL_ORDER, NULLS, VERSIONS, Bucket, Listed, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

Key = tuple[Any, ...]
RESTORED = (*ARCHIVED, TIERED)
"""The classes of what may be brought back from an archive."""


def list_objects_v2(tx: Tx, req: t.ListObjectsV2Request) -> t.ListObjectsV2Output:
    bucket = bucket_of(tx, req)
    write = writer_of(req)
    after, token = req.get("StartAfter", ""), req.get("ContinuationToken")
    if token is not None:
        after = _after_of(token)
    page, most = _objects(tx, req, after)
    result: t.ListObjectsV2Output = {
        "IsTruncated": page.truncated,
        "Name": req["Bucket"],
        "Prefix": write(req.get("Prefix") or ""),
        "MaxKeys": most,
        "KeyCount": len(page.items) + len(page.prefixes),
    }
    _tell_region(result, tx, bucket)
    _show(result, tx, req, bucket, page, write, owner=bool(req.get("FetchOwner")))
    if token is not None:
        result["ContinuationToken"] = token
    elif after:
        result["StartAfter"] = write(after)
    if page.truncated:
        result["NextContinuationToken"] = pages.encode((page.marker,))
    return result


def _tell_region(result: Any, tx: Tx, bucket: Bucket) -> None:
    """A header of the answer that the model doesn't have, and who pays."""
    result |= {"BucketRegion": bucket.region, **charge_shown(tx, bucket)}


def _after_of(token: str) -> str:
    try:
        return pages.decode(token)[0]
    except ValueError:
        message = "The continuation token provided is incorrect"
        raise Fault("InvalidArgument", message, ArgumentName="continuation-token") from None


def list_objects(tx: Tx, req: t.ListObjectsRequest) -> t.ListObjectsOutput:
    bucket = bucket_of(tx, req)
    write = writer_of(req)
    marker = req.get("Marker") or ""
    page, most = _objects(tx, req, marker)
    result: t.ListObjectsOutput = {
        "IsTruncated": page.truncated,
        "Marker": write(marker),
        "Name": req["Bucket"],
        "Prefix": write(req.get("Prefix") or ""),
        "MaxKeys": most,
    }
    _tell_region(result, tx, bucket)
    _show(result, tx, req, bucket, page, write, owner=True)
    # Without a delimiter the last key is the marker of the next page, and S3 leaves it to the client to see that.
    if page.truncated and req.get("Delimiter"):
        result["NextMarker"] = write(page.marker)
    return result


def _objects(tx: Tx, req: Mapping[str, Any], after: str) -> tuple[Page[Listed], int]:
    bucket, prefix, delimiter = req["Bucket"], req.get("Prefix") or "", req.get("Delimiter") or ""
    most = most_of(req.get("MaxKeys"), "maxKeys")

    def scan(start: Key | None, end: Key | None, limit: int) -> list[Listed]:
        return tx.records(LISTED, bucket, start=start, end=end, limit=limit)

    start = start_of(prefix, delimiter, after)
    return walk(scan, prefix, delimiter, start, most, name=attrgetter("Key"), follow=lambda row: (row.Key + "\0",)), most


def _restores_asked(req: Mapping[str, Any]) -> bool:
    wanted: list[str] = req.get("OptionalObjectAttributes") or []
    if any(name != "RestoreStatus" for name in wanted):
        message = "Invalid attribute name specified."
        raise Fault("InvalidArgument", message, ArgumentName="x-amz-optional-object-attributes")
    return bool(wanted)


def _show(
    result: Any, tx: Tx, req: Mapping[str, Any], bucket: Bucket, page: Page[Listed], write: Callable[[str], str], *, owner: bool
) -> None:
    """The members that both listings share, absent where they are empty."""
    restores, items = _restores_asked(req), page.items
    if not stays(write, (item.Key for item in items)):
        items = [replace(item, Key=write(item.Key)) for item in items]
    shared = {"Owner": owner_of(bucket.account)} if owner else {}
    contents: Sequence[Any] = Records(items, lambda common: {**_members_of(common), **shared})
    if restores:
        contents = [
            {**shown, **_restore(tx, req["Bucket"], bucket, item.Key)} if shown["StorageClass"] in RESTORED else shown
            for item, shown in zip(page.items, contents, strict=True)
        ]
    if items:
        result["Contents"] = contents
    show_folders(result, req, page, write)


def _members_of(common: str) -> dict[str, Any]:
    """What `Listed.Common` says."""
    storage, *checksum = common.split()
    return {"StorageClass": storage} | ({"ChecksumAlgorithm": checksum[:1], "ChecksumType": checksum[1]} if checksum else {})


def _restore(tx: Tx, name: str, bucket: Bucket, key: str) -> dict[str, Any]:
    """How a restore stands, looked up where it is asked for, as it changes by itself."""
    found = current(tx, name, bucket, key)
    status = None if found is None else restore_listed(found[1], tx.now)
    return {} if status is None else {"RestoreStatus": status}


def list_object_versions(tx: Tx, req: t.ListObjectVersionsRequest) -> t.ListObjectVersionsOutput:
    """Keys in order, each with its newest version first; delete markers stand in a list of their own."""
    bucket_of(tx, req)
    restores, write = _restores_asked(req), writer_of(req)
    name, prefix, delimiter = req["Bucket"], req.get("Prefix") or "", req.get("Delimiter") or ""
    most = most_of(req.get("MaxKeys"), "maxKeys")
    after, after_version = req.get("KeyMarker") or "", req.get("VersionIdMarker") or ""
    start, newest = _start_of_versions(tx, name, prefix, delimiter, after, after_version)

    def scan(start: Key | None, end: Key | None, limit: int) -> list[tuple[Key, Version]]:
        return list(tx.scan(VERSIONS, name, start=start, end=end, limit=limit))

    page = walk(scan, prefix, delimiter, start, most, name=lambda row: row[0][1], follow=lambda row: (row[0][1], row[0][2] + 1))
    result: t.ListObjectVersionsOutput = {
        "IsTruncated": page.truncated,
        "KeyMarker": write(after),
        "VersionIdMarker": after_version,
        "Name": name,
        "Prefix": write(prefix),
        "MaxKeys": most,
    }
    versions: list[Any] = []
    markers: list[Any] = []
    for (_, key, _), version in page.items:
        shown: dict[str, Any] = {
            "Key": write(key),
            "VersionId": version.id,
            "IsLatest": key != newest,
            "LastModified": version.modified,
            "Owner": owner_of(version.owner),
        }
        newest = key
        if version.marker:
            markers.append(shown)
            continue
        shown |= {"ETag": f'"{version.etag}"', "Size": version.size, "StorageClass": version.storage}
        if version.algorithm:
            shown |= {"ChecksumAlgorithm": [version.algorithm], "ChecksumType": version.checksum_type}
        if restores and (status := restore_listed(version, tx.now)) is not None:
            shown["RestoreStatus"] = status
        versions.append(shown)
    if versions:
        result["Versions"] = versions
    if markers:
        result["DeleteMarkers"] = markers
    if page.truncated:
        result["NextKeyMarker"] = write(page.marker)
        if page.last is not None:
            result["NextVersionIdMarker"] = page.last[1].id
    show_folders(result, req, page, write)
    return result


def _start_of_versions(tx: Tx, name: str, prefix: str, delimiter: str, after: str, after_version: str) -> tuple[Key | None, str]:
    """Where a listing of versions begins, and the key whose newest version was on the page before, if it was."""
    if not after_version:
        return start_of(prefix, delimiter, after), ""
    if not after:
        raise Fault(
            "InvalidArgument",
            "A version-id marker cannot be specified without a key marker.",
            ArgumentName="version-id-marker",
            ArgumentValue=after_version,
        )
    # The version need not be there any more: its id tells its place all the same.
    at = (tx.get(NULLS, name, after) or NULL_ORDER) if after_version == NULL else order_of(after_version)
    if at is None:
        message = "Invalid version id specified"
        raise Fault("InvalidArgument", message, ArgumentName="version-id-marker", ArgumentValue=after_version)
    first = next((order(key) for key, _ in tx.scan(VERSIONS, name, after, limit=1)), at + 1)
    return (after, at + 1), after if first <= at else ""
