"""What happens to streams by themselves: what is older than the retention period, or left by a deleted stream, is swept away.

Reading never sees it: it begins at the horizon. A shard is looked at only while it holds something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Table, Tx
from windtunnel.services.kinesis.queues.state import CURSORS, FLIGHTS
from windtunnel.services.kinesis.rules import HOUR_SECONDS, MILLISECONDS
from windtunnel.services.kinesis.state import RECORDS, SHARDS, STORED, STREAMS, TAILS

OF_QUEUES: tuple[Table[Any], ...] = (CURSORS, FLIGHTS)
SLICE_ROWS = 256
"""So many rows one transaction removes, or others would wait for it."""
SPACING_SECONDS = 60.0
"""How often a shard is looked at, at most."""


def watch(tx: Tx, name: str, stream: int, shard: int, due: float) -> None:
    """Has a shard's records looked at, from `due` on for as long as there are any."""
    tx.timer(due, "expire", {"name": name, "id": stream, "shard": shard}, name=f"{stream}/{shard}")


def abandon(tx: Tx, stream: int) -> None:
    """Has the rows of a stream removed that is no more."""
    tx.timer(tx.now, "sweep", {"id": stream})


def expire(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes a slice of what is too old; a closed shard goes with the last of it."""
    name, number = payload["name"], payload["shard"]
    stream = tx.get(STREAMS, name)
    if stream is None or stream.id != payload["id"]:
        return
    keys = [key for key, _ in tx.scan(RECORDS, stream.id, number, end=(stream.horizon(tx.now),), limit=SLICE_ROWS)]
    for key in keys:
        tx.delete(RECORDS, *key)
    oldest = next((int(key[2] or 0) for key, _ in tx.scan(RECORDS, stream.id, number, limit=1)), None)
    shard, tail = tx.get(SHARDS, stream.id, number), tx.get(TAILS, stream.id, number)
    if oldest is not None:
        due = tx.now if len(keys) == SLICE_ROWS else max(oldest / MILLISECONDS + stream.retention * HOUR_SECONDS, tx.now + SPACING_SECONDS)
        watch(tx, name, stream.id, number, due)
    elif shard is not None and shard.closed:
        tx.delete(TAILS, stream.id, number)
        if shard.closed * MILLISECONDS < stream.horizon(tx.now):
            tx.delete(SHARDS, stream.id, number)
        else:
            watch(tx, name, stream.id, number, shard.closed + stream.retention * HOUR_SECONDS + 1)
    elif tail is not None:
        tx.put(TAILS, stream.id, number, value=msgspec.structs.replace(tail, watched=False))


def sweep_queue(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted queue left, a slice at a time."""
    _sweep(tx, payload, OF_QUEUES, "sweep_queue")


def sweep(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted stream left, a slice at a time."""
    _sweep(tx, payload, STORED, "sweep")


def _sweep(tx: Tx, payload: Mapping[str, Any], tables: tuple[Table[Any], ...], handler: str) -> None:
    for table in tables:
        keys = [key for key, _ in tx.scan(table, payload["id"], limit=SLICE_ROWS)]
        for key in keys:
            tx.delete(table, *key)
        if len(keys) == SLICE_ROWS:
            tx.timer(tx.now, handler, payload)
            return
