"""Whether archived objects can be read yet, and what is told when they can."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import find, rewrite
from windtunnel.services.s3.rules import ARCHIVED
from windtunnel.services.s3.state import ACCESSES, BUCKETS, Version


def is_archived(version: Version, now: float) -> bool:
    """Whether a version lies in the archive, and no copy of it outside."""
    if version.archive:
        return True
    if version.storage not in ARCHIVED:
        return False
    return version.restore is None or not version.restore.ready <= now < version.restore.until


def check_archived(version: Version, now: float) -> None:
    """Refuse to read a version that lies in the archive."""
    if is_archived(version, now):
        tier: dict[str, Any] = {"AccessTier": version.archive} if version.archive else {}
        message = f"The operation is not valid for the object's {'access tier' if tier else 'storage class'}"
        raise Fault("InvalidObjectState", message, StorageClass=version.storage, **tier)


def restore_shown(version: Version, now: float) -> dict[str, str]:
    """The Restore member of a read's answer."""
    restore = version.restore
    if restore is None or now >= restore.until:
        return {}
    if now < restore.ready:
        return {"Restore": 'ongoing-request="true"'}
    date = format_datetime(datetime.fromtimestamp(restore.until, UTC), usegmt=True)
    return {"Restore": f'ongoing-request="false", expiry-date="{date}"'}


def restore_listed(version: Version, now: float) -> dict[str, Any] | None:
    """The RestoreStatus of a listing; None where no restore was asked for, or its copy is gone."""
    restore = version.restore
    if restore is None or now >= restore.until:
        return None
    return {"IsRestoreInProgress": True} if now < restore.ready else {"IsRestoreInProgress": False, "RestoreExpiryDate": restore.until}


def restored(tx: Tx, payload: Mapping[str, str]) -> None:
    """A restore is over: those who listen are told. What lay in a tier of Intelligent-Tiering is back for good, as if just read."""
    name, key = payload["Bucket"], payload["Key"]
    bucket, found = tx.get(BUCKETS, name), find(tx, name, key, payload["VersionId"])
    restore = found[1].restore if found is not None else None
    if bucket is None or found is None or restore is None or restore.ready > tx.now:
        return
    at, version = found
    tell(tx, name, bucket, key, "ObjectRestore:Completed", version)
    if version.archive:
        tx.put(ACCESSES, name, key, at, value=tx.now)
        rewrite(tx, name, key, at, msgspec.structs.replace(version, archive="", restore=None))


def let_go(tx: Tx, payload: Mapping[str, str]) -> None:
    """The copy of an archived version goes, as its days are over."""
    name, key = payload["Bucket"], payload["Key"]
    bucket, found = tx.get(BUCKETS, name), find(tx, name, key, payload["VersionId"])
    restore = found[1].restore if found is not None else None
    if bucket is not None and found is not None and restore is not None and restore.until <= tx.now:
        at, version = found
        rewrite(tx, name, key, at, msgspec.structs.replace(version, restore=None))
        tell(tx, name, bucket, key, "ObjectRestore:Delete", version)
