"""The rules of Object Lock: until when a version may not go, and who may shorten that.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import DAY_SECONDS
from windtunnel.services.s3.state import Bucket, Lock, Retention, Version

MODES = ("GOVERNANCE", "COMPLIANCE")
HOLDS = ("ON", "OFF")
MODE_HEADER, UNTIL_HEADER = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
_S3_TIME = "America/Los_Angeles"
"""S3 prints a date that it refuses as its own machines see it."""


def missing_lock() -> Fault:
    return Fault("InvalidRequest", "Bucket is missing Object Lock Configuration")


def protected() -> Fault:
    return Fault("AccessDenied", "Access Denied because object protected by object lock.")


def asked_lock(bucket: Bucket, req: Mapping[str, Any], now: float) -> Lock | None:
    """The lock that a new object's headers ask for."""
    check_event_hold(req, "ObjectLockEventHold", "ObjectLockEventHoldDurationDays", "ObjectLockEventHoldDurationYears")
    mode, until, hold = req.get("ObjectLockMode"), req.get("ObjectLockRetainUntilDate"), req.get("ObjectLockLegalHoldStatus")
    if mode is None and until is None and hold is None:
        return None
    if not bucket.object_lock:
        raise missing_lock()
    if (mode is None) != (until is None):
        message = f"{UNTIL_HEADER} and {MODE_HEADER} must both be supplied"
        raise Fault("InvalidArgument", message, ArgumentName=MODE_HEADER if mode is None else UNTIL_HEADER)
    if mode is not None and mode not in MODES:
        raise Fault("InvalidArgument", "Unknown wormMode directive.", ArgumentName=MODE_HEADER, ArgumentValue=mode)
    if until is not None:
        check_future(until, now, UNTIL_HEADER)
    if hold is not None and hold not in HOLDS:
        message = "Legal Hold must be either of 'ON' or 'OFF'"
        raise Fault("InvalidArgument", message, ArgumentName="x-amz-object-lock-legal-hold", ArgumentValue=hold)
    return Lock(mode or "", until or 0, hold or "")


def check_event_hold(asked: Mapping[str, Any], *members: str) -> None:
    """Refuses what would keep an object until some event and a while longer."""
    if any(asked.get(member) is not None for member in members):
        raise Fault("NotImplemented", "windtunnel does not implement event holds of objects.", status=501)


def check_future(until: float, now: float, argument: str) -> None:
    if until <= now:
        shown = datetime.fromtimestamp(until, ZoneInfo(_S3_TIME)).strftime("%a %b %d %H:%M:%S %Z %Y")
        message = "The retain until date must be in the future!"
        raise Fault("InvalidArgument", message, ArgumentName=argument, ArgumentValue=shown)


def with_default(bucket: Bucket, version: Version) -> Version:
    """A new version with the retention that its bucket gives to all that have none of their own."""
    rule = bucket.retention
    if rule is None or version.marker or (version.lock is not None and version.lock.mode):
        return version
    hold = version.lock.hold if version.lock is not None else ""
    return msgspec.structs.replace(version, lock=Lock(rule.mode, _later(version.modified, rule), hold))


def _later(begin: float, rule: Retention) -> float:
    if rule.days:
        return begin + rule.days * DAY_SECONDS
    moment = datetime.fromtimestamp(begin, UTC)
    leap_day = (moment.month, moment.day) == (2, 29)
    return (moment.replace(day=28) if leap_day else moment).replace(year=moment.year + rule.years).timestamp()


def is_retained(lock: Lock, now: float) -> bool:
    return bool(lock.mode) and lock.until > now


def may_go(version: Version, now: float, *, bypass: bool) -> bool:
    """Whether a version may go for good."""
    lock = version.lock
    return lock is None or not (lock.hold == "ON" or (is_retained(lock, now) and not (bypass and lock.mode == "GOVERNANCE")))


def check_change(old: Lock, mode: str, until: float, now: float, *, bypass: bool) -> None:
    """A retention may become longer or stricter; governance becomes weaker for whoever may bypass it, compliance for nobody."""
    if not is_retained(old, now) or (bypass and old.mode == "GOVERNANCE"):
        return
    weaker = not mode or until < old.until or (old.mode == "COMPLIANCE" and mode != "COMPLIANCE")
    if weaker:
        raise protected()


def lock_shown(version: Version) -> dict[str, Any]:
    """What a read says of a version's lock."""
    lock = version.lock
    if lock is None:
        return {}
    shown: dict[str, Any] = {"ObjectLockMode": lock.mode, "ObjectLockRetainUntilDate": lock.until} if lock.mode else {}
    return {**shown, "ObjectLockLegalHoldStatus": lock.hold} if lock.hold else shown
