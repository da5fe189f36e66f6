"""Objects in the archive: they are read only for a time, after somebody had them brought back, which takes hours.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.events import tell
from windtunnel.services.s3.places import bucket_of, lookup, rewrite
from windtunnel.services.s3.rules import ARCHIVED, malformed, nested
from windtunnel.services.s3.state import Restore, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

DAY_SECONDS = 86_400
HOURS: Mapping[str, Mapping[str, float]] = {
    "GLACIER": {"Expedited": 5 / 60, "Standard": 5, "Bulk": 12},
    "DEEP_ARCHIVE": {"Standard": 12, "Bulk": 48},
}
"""How long a restore takes at most. https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html"""


def restore_object(tx: Tx, req: t.RestoreObjectRequest) -> t.RestoreObjectOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "POST")
    wanted = nested(req, "RestoreRequest")
    days = wanted.get("Days")
    if wanted.get("Type") is not None:
        raise Fault("NotImplemented", "windtunnel does not implement queries of archived objects.", status=501)
    if days is None or days < 1:
        raise malformed()
    if version.storage not in ARCHIVED:
        message = "Restore is not allowed for the object's current storage class"
        raise Fault("InvalidObjectState", message, StorageClass=version.storage)
    old = version.restore
    if old is not None and tx.now < old.ready:
        raise Fault("RestoreAlreadyInProgress", "Object restore is already in progress")
    if old is not None and tx.now < old.until:  # asked again, it stays for as long from now
        _keep(tx, req, at, version, Restore(old.ready, _end(tx.now, days)))
        return {}
    tier = wanted.get("Tier") or nested(wanted, "GlacierJobParameters").get("Tier") or "Standard"
    hours = HOURS[version.storage].get(tier)
    if hours is None:
        raise Fault("InvalidArgument", f"{tier} retrieval is not available for this storage class", ArgumentName="Tier", ArgumentValue=tier)
    ready = tx.now + hours * 3600
    version = _keep(tx, req, at, version, Restore(ready, _end(ready, days)))
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectRestore:Post", version)
    tx.timer(ready, "restored", {"Bucket": req["Bucket"], "Key": req["Key"], "VersionId": version.id})
    return {}


def _end(begin: float, days: int) -> int:
    """Copies go at the midnight after their last day."""
    return (int(begin) // DAY_SECONDS + days + 1) * DAY_SECONDS


def _keep(tx: Tx, req: Mapping[str, Any], at: int, version: Version, restore: Restore) -> Version:
    version = msgspec.structs.replace(version, restore=restore)
    rewrite(tx, req["Bucket"], req["Key"], at, version)
    return version
