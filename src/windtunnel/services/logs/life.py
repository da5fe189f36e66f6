"""What happens to logs by themselves: events outlive their retention, and what a deleted group or stream left is swept away."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from windtunnel.fabric import Table, Tx
from windtunnel.services.logs.events.state import TAILS
from windtunnel.services.logs.fields.state import INDEXED
from windtunnel.services.logs.filters.state import MATCHED, METRIC_FILTERS, SUBSCRIPTIONS
from windtunnel.services.logs.retention import all_holding, cutoff, days_of, retention
from windtunnel.services.logs.rules import DAY_MILLISECONDS, MILLISECONDS
from windtunnel.services.logs.state import (
    CHUNKS,
    GROUP_POLICIES,
    GROUP_RESOURCE_POLICIES,
    GROUPS,
    RECENT,
    SPAN_MILLISECONDS,
    STORED,
    STREAM_CHUNKS,
    STREAMS,
    Group,
    Stream,
)

SLICE_ROWS = 256
"""So many rows one transaction removes, or others would wait for it."""
BY_NAME: tuple[Table[Any], ...] = (METRIC_FILTERS, SUBSCRIPTIONS, GROUP_POLICIES, GROUP_RESOURCE_POLICIES)
BY_NUMBER: tuple[Table[Any], ...] = (STREAMS, RECENT, TAILS, INDEXED, MATCHED)
DAY_SECONDS = DAY_MILLISECONDS // MILLISECONDS


def watch(tx: Tx, name: str, group: Group, due: float) -> None:
    """Has the beginning of a group looked at, from `due` on for ever. Reading minds the retention by itself and is exact."""
    tx.timer(due, "expire", {"name": name, "id": group.id}, name=str(group.id))


def watch_no_more(tx: Tx, group: Group) -> None:
    tx.cancel_timer("expire", str(group.id))


def abandon_group(tx: Tx, name: str, group: Group) -> None:
    """Has the rows of a deleted group removed; the few that are under its name go at once."""
    watch_no_more(tx, group)
    for table in BY_NAME:
        for key, _ in tx.scan(table, name):
            tx.delete(table, *key)
    tx.timer(tx.now, "sweep_group", {"id": group.id})


def abandon_stream(tx: Tx, stream: Stream) -> None:
    tx.timer(tx.now, "sweep_stream", {"id": stream.id})


def expire(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes chunks that are older than the retention as a whole, a slice at a time; then waits for the next to be."""
    name = payload["name"]
    group = tx.get(GROUPS, name)
    if group is None or group.id != payload["id"]:
        return
    days, _ = retention(tx, name, group)
    if days == inf:
        return
    last = cutoff(tx, name, group) - SPAN_MILLISECONDS
    if _remove(tx, group.id, max(last, 0)) == SLICE_ROWS:
        watch(tx, name, group, tx.now)
        return
    oldest = next((int(key[1] or 0) for key, _ in tx.scan(CHUNKS, group.id, limit=1)), int(tx.now * MILLISECONDS))
    expires = (oldest + SPAN_MILLISECONDS) // MILLISECONDS + 1 + days * DAY_SECONDS
    watch(tx, name, group, max(expires, tx.now + DAY_SECONDS))


def hold(tx: Tx, due: float) -> None:
    """Has all groups looked at from `due` on, a slice at a time: what is too old by then goes."""
    tx.timer(due, "look_at_retention", {"after": ""})


def look_at_retention(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: watches over the groups that don't keep events for ever."""
    policies, after = all_holding(tx, tx.now), payload["after"]
    rows = list(tx.scan(GROUPS, start=(f"{after}\\0",) if after else None, limit=SLICE_ROWS))
    for key, group in rows:
        if days_of(str(key[0]), group, policies)[0] < inf:
            watch(tx, str(key[0]), group, tx.now)
    if len(rows) == SLICE_ROWS:
        tx.timer(tx.now, "look_at_retention", {"after": str(rows[-1][0][0])})


def sweep_group(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted group left, a slice at a time."""
    group = payload["id"]
    removed = _remove(tx, group, None)
    for table in BY_NUMBER:
        keys = [key for key, _ in tx.scan(table, group, limit=SLICE_ROWS)]
        for key in keys:
            tx.delete(table, *key)
        removed = max(removed, len(keys))
    if removed == SLICE_ROWS:
        tx.timer(tx.now, "sweep_group", payload)


def sweep_stream(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted stream left, a slice at a time."""
    rows = list(tx.scan(STREAM_CHUNKS, payload["id"], limit=SLICE_ROWS))
    for key, group in rows:
        chunk = tx.get(CHUNKS, group, key[1], key[2])
        if chunk is not None:
            tx.delete(CHUNKS, group, key[1], key[2])
            tx.add(STORED, group, amount=-chunk.size)
        tx.delete(STREAM_CHUNKS, *key)
    if len(rows) == SLICE_ROWS:
        tx.timer(tx.now, "sweep_stream", payload)


def _remove(tx: Tx, group: int, end: int | None) -> int:
    """Removes the first chunks of a group; tells how many."""
    rows = list(tx.scan(CHUNKS, group, end=None if end is None else (end,), limit=SLICE_ROWS))
    for key, chunk in rows:
        tx.delete(CHUNKS, *key)
        tx.delete(STREAM_CHUNKS, chunk.stream, key[1], key[2])
    if rows:
        tx.add(STORED, group, amount=-sum(chunk.size for _, chunk in rows))
    return len(rows)
