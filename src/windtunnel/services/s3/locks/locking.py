"""Object Lock, put and got: a bucket's default retention, a version's retention and its legal hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.locks.locks import check_change, check_event_hold, check_future, missing_lock
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import bucket_of, change, lookup
from windtunnel.services.s3.rules import malformed, nested
from windtunnel.services.s3.state import BUCKETS, Bucket, Lock, Retention, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


def put_object_lock_configuration(tx: Tx, req: t.PutObjectLockConfigurationRequest) -> t.PutObjectLockConfigurationOutput:
    """A bucket that locks once locks for ever; only its default retention may change."""
    bucket = bucket_of(tx, req)
    retention = _retention_of(req.get("ObjectLockConfiguration") or {})
    if bucket.versioning != "Enabled":
        raise Fault("InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, object_lock=True, retention=retention))
    return {}


def _retention_of(wanted: Mapping[str, Any]) -> Retention | None:
    if wanted.get("ObjectLockEnabled") != "Enabled":
        raise malformed()
    if wanted.get("Rule") is None:
        return None
    default = nested(nested(wanted, "Rule"), "DefaultRetention")
    check_event_hold(default, "DefaultEventHold")
    days, years = default.get("Days"), default.get("Years")
    if not default.get("Mode") or (days is None) == (years is None):
        raise malformed()
    if (days or years or 0) < 1:
        raise Fault("InvalidArgument", "Default retention period must be a positive integer value.")
    return Retention(default["Mode"], days or 0, years or 0)


def get_object_lock_configuration(tx: Tx, req: t.GetObjectLockConfigurationRequest) -> t.GetObjectLockConfigurationOutput:
    bucket = bucket_of(tx, req)
    if not bucket.object_lock:
        message = "Object Lock configuration does not exist for this bucket"
        raise Fault("ObjectLockConfigurationNotFoundError", message, BucketName=req["Bucket"])
    shown: t.ObjectLockConfiguration = {"ObjectLockEnabled": "Enabled"}
    kept = bucket.retention
    if kept is not None:
        default: t.DefaultRetention = {"Mode": kept.mode}
        if kept.days:
            default["Days"] = kept.days
        else:
            default["Years"] = kept.years
        shown["Rule"] = {"DefaultRetention": default}
    return {"ObjectLockConfiguration": shown}


def put_object_retention(tx: Tx, req: t.PutObjectRetentionRequest) -> t.PutObjectRetentionOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "PUT")
    wanted = nested(req, "Retention")
    check_event_hold(wanted, "EventHold", "EventHoldDuration")
    mode, until = wanted.get("Mode"), wanted.get("RetainUntilDate")
    if (mode is None) != (until is None):
        raise malformed()
    if not bucket.object_lock:
        raise missing_lock()
    if until is not None:
        check_future(until, tx.now, "RetainUntilDate")
    old = version.lock or Lock()
    check_change(old, mode or "", until or 0, tx.now, bypass=bool(req.get("BypassGovernanceRetention")))
    version = _relock(tx, bucket, req, at, version, Lock(mode or "", until or 0, old.hold))
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectRetention:Put", version)
    return {}


def get_object_retention(tx: Tx, req: t.GetObjectRetentionRequest) -> t.GetObjectRetentionOutput:
    version = _lockable(tx, req)
    lock = version.lock
    if lock is None or not lock.mode:
        raise _never_locked()
    return {"Retention": {"Mode": lock.mode, "RetainUntilDate": lock.until}}  # pyright: ignore[reportReturnType]


def put_object_legal_hold(tx: Tx, req: t.PutObjectLegalHoldRequest) -> t.PutObjectLegalHoldOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "PUT")
    status = nested(req, "LegalHold").get("Status")
    if status is None:
        raise malformed()
    if not bucket.object_lock:
        raise missing_lock()
    old = version.lock or Lock()
    _relock(tx, bucket, req, at, version, Lock(old.mode, old.until, status))
    return {}


def get_object_legal_hold(tx: Tx, req: t.GetObjectLegalHoldRequest) -> t.GetObjectLegalHoldOutput:
    version = _lockable(tx, req)
    lock = version.lock
    if lock is None or not lock.hold:
        raise _never_locked()
    return {"LegalHold": {"Status": lock.hold}}  # pyright: ignore[reportReturnType]


def _lockable(tx: Tx, req: Mapping[str, Any]) -> Version:
    bucket = bucket_of(tx, req)
    _, version = lookup(tx, bucket, req, "GET")
    if not bucket.object_lock:
        raise missing_lock()
    return version


def _never_locked() -> Fault:
    return Fault("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")


def _relock(tx: Tx, bucket: Bucket, req: Mapping[str, Any], at: int, version: Version, lock: Lock) -> Version:
    version = msgspec.structs.replace(version, lock=lock if lock != Lock() else None)
    change(tx, req["Bucket"], bucket, req["Key"], at, version)
    return version
