"""What lifecycle rules and Intelligent-Tiering do to a bucket as time passes: a look at its versions, in slices, at midnight.

A bucket without rules costs nothing; one with rules is looked through again when something can be due, and not before.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.s3.archive.tiering import TIERING, archive
from windtunnel.services.s3.lifecycle.ageing import COLDNESS, MINIMUM_SIZE, Place, fates, midnight_after, next_look, upload_end
from windtunnel.services.s3.locks.locks import may_go
from windtunnel.services.s3.multipart.uploads import discard
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import add, move, remove, versions
from windtunnel.services.s3.rules import NULL, TIERED, several
from windtunnel.services.s3.state import BUCKETS, CONFIGURATIONS, DOCUMENTS, UPLOADS, VERSIONS, Bucket, Version

HANDLER = "sweep"
SLICE_ROWS = 250
"""How many versions one transaction looks at."""
NEVER = float("inf")


class Walk(msgspec.Struct):
    """How far a look has come."""

    bucket: str
    soonest: float
    """When something that was seen, or may come to be, is due."""
    key: str | None = None
    order: int = 0
    since: float = 0
    """When the last version that was seen was written: the next one of its key was superseded then."""
    newer: int = 0
    versions_done: bool = False
    upload: str = ""


def schedule(tx: Tx, name: str, bucket: Bucket) -> None:
    """Has a bucket looked at anew, after its rules have changed: not before the next midnight."""
    place = tx.at(account=bucket.account, region=bucket.region)
    if _rules_of(tx, name) or _tierings_of(tx, name):
        place.timer(midnight_after(tx.now, 0), HANDLER, {"bucket": name, "soonest": NEVER}, name=name)
    else:
        place.cancel_timer(HANDLER, name)


def _rules_of(tx: Tx, name: str) -> list[dict[str, Any]]:
    return several(tx.get(DOCUMENTS, name, "lifecycle") or {}, "Rules")


def _tierings_of(tx: Tx, name: str) -> list[dict[str, Any]]:
    return [kept for _, kept in tx.scan(CONFIGURATIONS, name, TIERING) if kept["Status"] == "Enabled"]


def sweep(tx: Tx, payload: Mapping[str, Any]) -> None:
    """One slice of a look; it names the next."""
    walk = msgspec.convert(payload, Walk)
    name = walk.bucket
    bucket, rules, tierings = tx.get(BUCKETS, name), _rules_of(tx, name), _tierings_of(tx, name)
    if bucket is None or not (rules or tierings):
        return
    if walk.key is None:
        # What is written while the look goes on is due no sooner than what is written right after its beginning.
        walk.soonest = min(next_look(rules, tx.now), *(midnight_after(tx.now, _days(kept)) for kept in tierings), NEVER)
    if not walk.versions_done:
        walk.versions_done = _look_at_versions(tx, bucket, walk, rules, tierings)
        ended = False
    else:
        ended = _look_at_uploads(tx, name, walk, rules)
    if not ended:
        tx.timer(tx.now, HANDLER, msgspec.to_builtins(walk), name=name)
    elif walk.soonest < NEVER:
        tx.timer(walk.soonest, HANDLER, {"bucket": name, "soonest": NEVER}, name=name)


def _days(tiering: Mapping[str, Any]) -> int:
    return min(tier["Days"] for tier in tiering["Tierings"])


def _look_at_versions(tx: Tx, bucket: Bucket, walk: Walk, rules: Sequence[Any], tierings: Sequence[Any]) -> bool:
    """Looks at a slice of the versions; True where these were the last."""
    name = walk.bucket
    minimum = (tx.get(DOCUMENTS, name, "lifecycle") or {}).get("TransitionDefaultMinimumObjectSize") or MINIMUM_SIZE
    rows = versions(tx, name, None if walk.key is None else (walk.key, walk.order), SLICE_ROWS)
    for key, at, version in rows:
        newest = key != walk.key
        walk.newer = 0 if newest else walk.newer + 1
        alone = version.marker and newest and next(tx.scan(VERSIONS, name, key, start=(at + 1,), limit=1), None) is None
        place = Place(newest, walk.since, walk.newer - 1, alone)
        walk.key, walk.order, walk.since = key, at, version.modified
        wanted = list(fates(rules, minimum, key, version, place))
        walk.soonest = min([walk.soonest, *(fate.when for fate in wanted if fate.when > tx.now)])
        due = {fate.storage for fate in wanted if fate.when <= tx.now}
        if due:
            _act(tx, name, bucket, key, at, version, due, newest=newest)
            if not newest:  # the delete marker over it may be alone then
                walk.soonest = midnight_after(tx.now, 0)
        elif version.storage == TIERED and tierings:
            walk.soonest = min(walk.soonest, archive(tx, name, bucket, key, at, version, tierings))
    return len(rows) < SLICE_ROWS


def _act(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version, due: set[str], *, newest: bool) -> None:
    """Moves a version to the coldest class it is due for. One that has to go goes for good, unless a lock keeps it, or is hidden by a
    delete marker, as DeleteObject would have it."""
    hidden = newest and bool(bucket.versioning) and not version.marker
    if due != {""} and (hidden or "" not in due):
        moved = move(tx, name, bucket, key, at, version, max(due - {""}, key=COLDNESS.__getitem__))
        tell(tx, name, bucket, key, "LifecycleTransition", moved)
    if "" not in due:
        return
    if hidden:
        _, marker = add(tx, name, bucket, key, Version(id=NULL, modified=int(tx.now), owner=bucket.account, marker=True))
        tell(tx, name, bucket, key, "LifecycleExpiration:DeleteMarkerCreated", marker)
    elif may_go(version, tx.now, bypass=False):
        remove(tx, name, bucket, key, at, version)
        tell(tx, name, bucket, key, "LifecycleExpiration:Delete", version)


def _look_at_uploads(tx: Tx, name: str, walk: Walk, rules: Sequence[Any]) -> bool:
    """Gives up uploads whose time is over; True where none are left to look at."""
    if not any(rule.get("AbortIncompleteMultipartUpload") for rule in rules):
        return True
    start = (walk.key, walk.upload + "\0") if walk.upload else None
    rows: list[Any] = list(tx.scan(UPLOADS, name, start=start, limit=SLICE_ROWS))
    for (_, key, upload_id), upload in rows:
        ends = [end for rule in rules if (end := upload_end(rule, key, upload.initiated)) is not None]
        walk.key, walk.upload = key, upload_id
        if not ends:
            continue
        if min(ends) <= tx.now:
            discard(tx, {"Bucket": name, "Key": key, "UploadId": upload_id})
        else:
            walk.soonest = min(walk.soonest, *ends)
    return len(rows) < SLICE_ROWS
