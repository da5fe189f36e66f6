"""Inventories: lists of what is in a bucket, put into another on schedule, with a manifest that says what the list is.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
"""

from __future__ import annotations

import csv
import hashlib
import io
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.archive.tiering import tier_name
from windtunnel.services.s3.lifecycle.ageing import midnight_after
from windtunnel.services.s3.objects.digests import Received, receive
from windtunnel.services.s3.places import versions
from windtunnel.services.s3.reports.deliveries import put
from windtunnel.services.s3.rules import DAY_SECONDS, KMS, nested
from windtunnel.services.s3.state import BUCKETS, CONFIGURATIONS, Bucket, Version

HANDLER = "take_inventory"
KIND = "InventoryConfiguration"
PAGE_ROWS = 1000
WEEK_DAYS = 7
FIRST_SUNDAY = 3
"""1970-01-04 was one: weekly inventories are taken on Sundays."""
FIELDS = (
    "Size", "LastModifiedDate", "ETag", "StorageClass", "IsMultipartUploaded", "ReplicationStatus", "EncryptionStatus",
    "ObjectLockRetainUntilDate", "ObjectLockMode", "ObjectLockLegalHoldStatus", "IntelligentTieringAccessTier", "BucketKeyStatus",
    "ChecksumAlgorithm", "ObjectOwner",
)  # fmt: skip
"""The optional fields, in the order of their columns."""


def check_inventory(wanted: Mapping[str, Any]) -> None:
    """Refuse an inventory that S3 would, or that can't be written here."""
    target = nested(nested(wanted, "Destination"), "S3BucketDestination")
    parts = str(target.get("Bucket") or "").split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "s3" or not parts[5]:
        raise Fault("InvalidS3DestinationBucket", "Invalid bucket ARN.")
    if target.get("Format") in ("ORC", "Parquet"):
        raise Fault("NotImplemented", f"windtunnel does not write inventories as {target['Format']}.", status=501)
    unknown = set(wanted.get("OptionalFields") or ()) - set(FIELDS)
    if unknown:
        raise Fault("NotImplemented", f"windtunnel does not write {', '.join(sorted(unknown))} into inventories.", status=501)


def schedule(tx: Tx, name: str, bucket: Bucket, wanted: Mapping[str, Any]) -> None:
    """Has the next report taken: at midnight, of every day or of Sundays."""
    place, timer = tx.at(account=bucket.account, region=bucket.region), f"{name}/{wanted['Id']}"
    if not wanted["IsEnabled"]:
        place.cancel_timer(HANDLER, timer)
        return
    due = midnight_after(tx.now, 0)
    if wanted["Schedule"]["Frequency"] == "Weekly":
        due += (FIRST_SUNDAY - due // DAY_SECONDS) % WEEK_DAYS * DAY_SECONDS
    place.timer(due, HANDLER, {"Bucket": name, "Id": wanted["Id"]}, name=timer)


async def take_inventory(call: Call, payload: Mapping[str, Any]) -> None:
    """Writes one report: the list, then the manifest and its checksum, all there at once or not at all."""
    name, wanted = payload["Bucket"], call.read(_wanted, payload)
    if wanted is None:
        return
    target, moment = nested(wanted["Destination"], "S3BucketDestination"), datetime.fromtimestamp(call.now(), UTC)
    folder = "/".join(part for part in (target.get("Prefix"), name, wanted["Id"]) if part)
    data = f"{folder}/data/{call.ids.uuid()}.csv.gz"
    columns = _columns(wanted)
    listed = await receive(call, {"Body": _packed(call, name, wanted, columns)})
    manifest = {
        "sourceBucket": name,
        "destinationBucket": target["Bucket"],
        "version": "2016-11-30",
        "creationTimestamp": str(int(call.now() * 1000)),
        "fileFormat": "CSV",
        "fileSchema": ", ".join(columns),
        "files": [{"key": data, "size": listed.size, "MD5checksum": listed.etag}],
    }
    text = orjson.dumps(manifest)
    to = str(target["Bucket"]).rpartition(":")[2]
    dated = f"{folder}/{moment:%Y-%m-%dT%H-%MZ}"
    objects = [
        (data, listed, "application/x-gzip"),
        (
            f"{folder}/hive/dt={moment:%Y-%m-%d-%H-%M}/symlink.txt",
            await receive(call, {"Body": f"s3://{to}/{data}".encode()}),
            "text/plain",
        ),
        (f"{dated}/manifest.json", await receive(call, {"Body": text}), "application/json"),
        (f"{dated}/manifest.checksum", await receive(call, {"Body": _md5(text).encode()}), "text/plain"),
    ]
    used = False
    try:
        used = await call.transact(_settle, payload, to, objects)
    finally:
        for _, received, _ in () if used else objects:
            if received.blob:
                call.blobs.delete(received.blob)


def _md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _wanted(tx: Tx, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted = tx.get(CONFIGURATIONS, payload["Bucket"], KIND, payload["Id"])
    return wanted if wanted is not None and wanted["IsEnabled"] else None


def _settle(tx: Tx, payload: Mapping[str, Any], to: str, objects: Sequence[tuple[str, Received, str]]) -> bool:
    bucket, wanted = tx.get(BUCKETS, payload["Bucket"]), _wanted(tx, payload)
    if bucket is None or wanted is None:
        return False
    schedule(tx, payload["Bucket"], bucket, wanted)
    return all(put(tx, to, key, received, content_type) for key, received, content_type in objects)


def _columns(wanted: Mapping[str, Any]) -> list[str]:
    asked = wanted.get("OptionalFields") or ()
    of_versions = ["VersionId", "IsLatest", "IsDeleteMarker"] if wanted["IncludedObjectVersions"] == "All" else []
    return ["Bucket", "Key", *of_versions, *(field for field in FIELDS if field in asked)]


async def _packed(call: Call, name: str, wanted: Mapping[str, Any], columns: Sequence[str]) -> AsyncIterator[bytes]:
    """The list as a gzip file, page by page."""
    gzip = zlib.compressobj(wbits=31)
    prefix, every = nested(wanted, "Filter").get("Prefix") or "", wanted["IncludedObjectVersions"] == "All"
    after: tuple[str, int] | None = None
    newest = ""
    while True:
        page = call.read(_page, name, after)
        lines = io.StringIO()
        writer = csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for key, _, version, tier in page:
            latest, newest = key != newest, key
            if key.startswith(prefix) and (every or (latest and not version.marker)):
                shown = _shown(name, key, version, tier, latest=latest)
                writer.writerow([shown[column] for column in columns])
        if packed := gzip.compress(lines.getvalue().encode()):
            yield packed
        if len(page) < PAGE_ROWS:
            break
        after = (page[-1][0], page[-1][1])
    yield gzip.flush()


def _page(tx: Tx, name: str, after: tuple[str, int] | None) -> list[tuple[str, int, Version, str]]:
    """A page of the bucket's versions, with their access tiers."""
    return [(key, at, version, tier_name(tx, name, key, at, version)) for key, at, version in versions(tx, name, after, PAGE_ROWS)]


def _shown(name: str, key: str, version: Version, tier: str, *, latest: bool) -> dict[str, str]:
    encryption, lock = version.encryption, version.lock
    kinds = {KMS[0]: "SSE-KMS", KMS[1]: "DSSE-KMS"}
    return {
        "Bucket": name,
        "Key": quote(key, safe="/", errors="surrogatepass"),
        "VersionId": "" if version.id == "null" else version.id,
        "IsLatest": str(latest).lower(),
        "IsDeleteMarker": str(version.marker).lower(),
        "Size": "" if version.marker else str(version.size),
        "LastModifiedDate": _iso(version.modified),
        "ETag": version.etag,
        "StorageClass": "" if version.marker else version.storage,
        "IsMultipartUploaded": str(bool(version.parts)).lower(),
        "ReplicationStatus": version.replication,
        "EncryptionStatus": "SSE-C" if encryption.customer else kinds.get(encryption.algorithm, "SSE-S3"),
        "ObjectLockRetainUntilDate": _iso(lock.until) if lock is not None and lock.until else "",
        "ObjectLockMode": lock.mode if lock is not None else "",
        "ObjectLockLegalHoldStatus": lock.hold if lock is not None else "",
        "IntelligentTieringAccessTier": tier,
        "BucketKeyStatus": "ENABLED" if encryption.bucket_key else "DISABLED",
        "ChecksumAlgorithm": version.algorithm,
        "ObjectOwner": version.owner,
    }


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
