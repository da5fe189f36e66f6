"""Streams opened and closed. A stream has one shard, which ends with it; both are forgotten a day later.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.state import CHANGES, STREAMS, Shard, TableRow
from windtunnel.services.dynamodb.streams.journal import RETENTION_SECONDS, channel

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

SLICE_ROWS = 256


def check_stream(given: t.StreamSpecification | None) -> None:
    if given is None:
        return
    view = given.get("StreamViewType")
    if given["StreamEnabled"] and not view:
        raise invalid(f"{WRONG}Table is being created with a stream enabled, UpdateViewType is required")
    if not given["StreamEnabled"] and view:
        raise invalid(f"{WRONG}Table is being created with a stream disabled, UpdateViewType should not be specified")


def open_stream(tx: Tx, row: TableRow, view: str) -> TableRow:
    """The table with a new stream."""
    at = tx.now
    while tx.get(STREAMS, row.name, label := _label(at)) is not None:
        at += 0.001
    number = tx.serial()
    tx.put(STREAMS, row.name, label, value=Shard(number, row.name, label, view, list(row.keys), tx.now, number))
    _watch(tx, row.name, label, number, tx.now + RETENTION_SECONDS)
    return msgspec.structs.replace(row, stream=number, view=view, label=label)


def close_stream(tx: Tx, row: TableRow) -> TableRow:
    """The table without its stream, which can be read for another day."""
    shard = tx.get(STREAMS, row.name, row.label)
    if shard is not None:
        tx.put(STREAMS, row.name, row.label, value=msgspec.structs.replace(shard, last=tx.serial()))
        tx.wake(*channel(row.stream))
    return msgspec.structs.replace(row, stream=0)


def sweep_stream(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what is older than a day, and a stream that ended when nothing is left of it."""
    name, label, number = payload["name"], payload["label"], payload["number"]
    rows = list(tx.scan(CHANGES, number, limit=SLICE_ROWS))
    old = [key for key, change in rows if change.at <= tx.now - RETENTION_SECONDS]
    for key in old:
        tx.delete(CHANGES, *key)
    shard = tx.get(STREAMS, name, label)
    if old and shard is not None:
        shard = msgspec.structs.replace(shard, trimmed=int(old[-1][1] or 0))
        tx.put(STREAMS, name, label, value=shard)
    if len(old) == SLICE_ROWS:
        _watch(tx, name, label, number, tx.now)
        return
    left = rows[len(old)][1].at if len(old) < len(rows) else None
    if shard is not None and shard.last and left is None:
        tx.delete(STREAMS, name, label)
    elif shard is not None:
        _watch(tx, name, label, number, (tx.now if left is None else left) + RETENTION_SECONDS)


def _watch(tx: Tx, name: str, label: str, number: int, due: float) -> None:
    tx.timer(due, "sweep_stream", {"name": name, "label": label, "number": number}, name=str(number))


def _label(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
