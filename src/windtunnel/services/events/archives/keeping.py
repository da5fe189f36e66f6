"""Events go into archives, and leave them when their days are over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.services.events.event import Coming, seconds
from windtunnel.services.events.state import ARCHIVE_SIZES, ARCHIVED, ARCHIVES, Archived

ARCHIVER = ":"
"""The resource of the ARN that is the target of archives' rules: `arn:aws:events:REGION:::`."""
DAY_SECONDS = 86_400
SLICE_ROWS = 500


def keep(tx: Tx, name: str, coming: Coming) -> None:
    """Puts an event into an archive."""
    archive = tx.get(ARCHIVES, name)
    assert archive is not None, f"the rule of archive {name} is there without it"
    text = coming.body()
    tx.put(ARCHIVED, archive.number, seconds(coming.event["time"]), tx.serial(), value=Archived(coming.ingested, text))
    count(tx, archive.number, 1, len(text.encode()))


def count(tx: Tx, number: int, events: int, size: int) -> None:
    tx.add(ARCHIVE_SIZES, number, "events", amount=events)
    tx.add(ARCHIVE_SIZES, number, "bytes", amount=size)


def plan_sweep(tx: Tx, name: str, days: int) -> None:
    """Looks at an archive once a day, if its events have an end."""
    tx.cancel_timer("sweep", name)
    if days:
        tx.timer(tx.now + DAY_SECONDS, "sweep", {"archive": name}, name=name)


def sweep(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes from an archive what is older than its days, a slice at a time."""
    name = payload["archive"]
    archive = tx.get(ARCHIVES, name)
    if archive is None or not archive.days:
        return
    oldest = tx.now - archive.days * DAY_SECONDS
    if _remove(tx, archive.number, list(tx.find(ARCHIVED, "age", archive.number, end=(oldest,), limit=SLICE_ROWS))):
        tx.timer(tx.now, "sweep", payload, name=name)
    else:
        plan_sweep(tx, name, archive.days)


def clear(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted archive left."""
    number = payload["number"]
    if _remove(tx, number, list(tx.scan(ARCHIVED, number, limit=SLICE_ROWS))):
        tx.timer(tx.now, "clear", payload)


def _remove(tx: Tx, number: int, rows: list[Any]) -> bool:
    """Removes rows of an archive; whether there may be more."""
    for key, _ in rows:
        tx.delete(ARCHIVED, *key)
    if rows:
        count(tx, number, -len(rows), -sum(len(event.text.encode()) for _, event in rows))
    return len(rows) == SLICE_ROWS
