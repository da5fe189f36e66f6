"""Objects in the archive: they are read only for a time, after somebody had them brought back, which takes hours.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.lifecycle.ageing import midnight_after
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import bucket_of, lookup, rewrite
from windtunnel.services.s3.rules import ARCHIVED, malformed, nested
from windtunnel.services.s3.state import Restore, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

HOURS: Mapping[str, Mapping[str, float]] = {
    "GLACIER": {"Expedited": 5 / 60, "Standard": 5, "Bulk": 12},
    "DEEP_ARCHIVE": {"Standard": 12, "Bulk": 48},
    "ARCHIVE_ACCESS": {"Expedited": 5 / 60, "Standard": 5, "Bulk": 12},
    "DEEP_ARCHIVE_ACCESS": {"Standard": 12, "Bulk": 48},
}
"""How long a restore takes at most. https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html"""


def restore_object(tx: Tx, req: t.RestoreObjectRequest) -> t.RestoreObjectOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "POST")
    wanted = nested(req, "RestoreRequest")
    days = wanted.get("Days")
    if wanted.get("Type") is not None:
        raise Fault("NotImplemented", "windtunnel does not implement queries of archived objects.", status=501)
    # What comes back from a tier stays; a copy of what lies in the archive stays for days.
    if days is None if not version.archive else days is not None:
        raise malformed()
    if days is not None and days < 1:
        raise malformed()
    if version.storage not in ARCHIVED and not version.archive:
        message = "Restore is not allowed for the object's current storage class"
        raise Fault("InvalidObjectState", message, StorageClass=version.storage)
    old = version.restore
    if old is not None and tx.now < old.ready:
        raise Fault("RestoreAlreadyInProgress", "Object restore is already in progress")
    if old is not None and tx.now < old.until:  # asked again, it stays for as long from now
        _keep(tx, req, at, version, Restore(old.ready, int(midnight_after(tx.now, days or 0))))
        return _again()
    tier = wanted.get("Tier") or nested(wanted, "GlacierJobParameters").get("Tier") or "Standard"
    hours = HOURS[version.archive or version.storage].get(tier)
    if hours is None:
        raise Fault("InvalidArgument", f"{tier} retrieval is not available for this storage class", ArgumentName="Tier", ArgumentValue=tier)
    ready = tx.now + hours * 3600
    version = _keep(tx, req, at, version, Restore(ready, int(midnight_after(ready, days or 0))))
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectRestore:Post", version)
    tx.timer(ready, "restored", _named(req, version))
    return {}


def _again() -> t.RestoreObjectOutput:
    """What is restored already is answered with 200, not 202."""
    return {"Restored": True}  # pyright: ignore[reportReturnType]


def _named(req: Mapping[str, Any], version: Version) -> dict[str, str]:
    return {"Bucket": req["Bucket"], "Key": req["Key"], "VersionId": version.id}


def _keep(tx: Tx, req: Mapping[str, Any], at: int, version: Version, restore: Restore) -> Version:
    version = msgspec.structs.replace(version, restore=restore)
    rewrite(tx, req["Bucket"], req["Key"], at, version)
    if not version.archive:
        tx.timer(restore.until, "let_go", _named(req, version), name=f"{req['Bucket']}/{version.id}/{req['Key']}")
    return version
