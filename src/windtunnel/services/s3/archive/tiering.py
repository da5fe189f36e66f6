"""Intelligent-Tiering: what nobody reads gets into colder tiers, and comes back when somebody does.

Frequent, infrequent and instant archive access are told nobody by S3; only the two archive tiers show, and only where a bucket's
configuration turns them on. https://docs.aws.amazon.com/AmazonS3/latest/userguide/intelligent-tiering-overview.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.lifecycle.ageing import SMALL_BYTES, applies, midnight_after
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import rewrite
from windtunnel.services.s3.rules import DAY_SECONDS, TIERED, malformed
from windtunnel.services.s3.state import ACCESSES, Bucket, Version

TIERING = "IntelligentTieringConfiguration"
TIERS: Mapping[str, int] = {"ARCHIVE_ACCESS": 90, "DEEP_ARCHIVE_ACCESS": 180}
"""The archive tiers, the colder last, and after how many days S3 moves objects there at the earliest."""
DAYS_MAX = 730
INSTANT_TIERS: Mapping[str, int] = {"ARCHIVE_INSTANT": 90, "INFREQUENT": 30, "FREQUENT": 0}
"""The others, by the days that nobody has read an object."""


def tier_name(tx: Tx, name: str, key: str, at: int, version: Version) -> str:
    """The access tier that a version in INTELLIGENT_TIERING is in, as inventories call it; "" for all others."""
    if version.storage != TIERED:
        return ""
    if version.archive or version.size < SMALL_BYTES:
        return version.archive.removesuffix("_ACCESS") or "FREQUENT"
    idle = (tx.now - (tx.get(ACCESSES, name, key, at) or version.modified)) // DAY_SECONDS
    return next(tier for tier, days in INSTANT_TIERS.items() if idle >= days)


def check_tiering(wanted: Mapping[str, Any]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tiering.html"""
    tiers = [tier["AccessTier"] for tier in wanted["Tierings"]]
    if not tiers or len(set(tiers)) != len(tiers) or any(tier not in TIERS for tier in tiers):
        raise malformed()
    for tier in wanted["Tierings"]:
        least = TIERS[tier["AccessTier"]]
        if not least <= tier["Days"] <= DAYS_MAX:
            message = f"'Days' for {tier['AccessTier']} must be between {least} and {DAYS_MAX}"
            raise Fault("InvalidArgument", message, ArgumentName="Days", ArgumentValue=str(tier["Days"]))


def read(tx: Tx, name: str, key: str, at: int, version: Version) -> None:
    """Remembers that a version was read, once a day at the most."""
    if version.storage != TIERED or version.size < SMALL_BYTES:
        return
    last = tx.get(ACCESSES, name, key, at) or version.modified
    if last // DAY_SECONDS != tx.now // DAY_SECONDS:
        tx.put(ACCESSES, name, key, at, value=tx.now)


def archive(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version, tierings: Sequence[Mapping[str, Any]]) -> float:
    """Moves a version to the archive tier it is due for; returns when it is due for the next, infinity where for none."""
    soonest = float("inf")
    if version.size < SMALL_BYTES or version.restore is not None:
        return soonest
    last, tiers = tx.get(ACCESSES, name, key, at) or version.modified, list(TIERS)
    becomes = version.archive
    for tiering in tierings:
        for tier in tiering["Tierings"] if applies(tiering, key, version) else ():
            when = midnight_after(last, tier["Days"])
            if when > tx.now:
                soonest = min(soonest, when)
            elif not becomes or tiers.index(tier["AccessTier"]) > tiers.index(becomes):
                becomes = tier["AccessTier"]
    if becomes != version.archive:
        moved = msgspec.structs.replace(version, archive=becomes)
        rewrite(tx, name, key, at, moved)
        tell(tx, name, bucket, key, "IntelligentTiering", moved)
    return soonest
