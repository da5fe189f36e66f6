"""What happens by itself: what a deleted table or index left is removed, and new indexes take in what was there before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Table, Tx
from windtunnel.fabric.tags import remove_all_tags
from windtunnel.kernel.store import Key
from windtunnel.services.dynamodb.items import expiry
from windtunnel.services.dynamodb.items.writing import is_indexed, write, write_indexed
from windtunnel.services.dynamodb.state import EXPIRING, INDEXED, ITEMS, NUMBERS, POLICIES, TABLES, TableRow, arn_of, stream_arn
from windtunnel.services.dynamodb.streams import shards

PRINCIPAL = "dynamodb.amazonaws.com"
SLICE_ROWS = 256
"""So many rows one transaction touches, or others would wait for it."""
OF_TABLE: tuple[Table[Any], ...] = (ITEMS, INDEXED, EXPIRING, NUMBERS)


def remove_table(tx: Tx, row: TableRow) -> None:
    """Takes a table away, out of the sight of its replicas too, and has its rows removed."""
    if row.stream:
        shards.close_stream(tx, row)
    arn = arn_of(tx.region, tx.account, row.name)
    remove_all_tags(tx, arn)
    tx.delete(POLICIES, arn)
    if row.label:
        tx.delete(POLICIES, stream_arn(tx.region, tx.account, row.name, row.label))
    expiry.forget(tx, row)
    tx.delete(TABLES, row.name)
    tx.timer(tx.now, "sweep_table", {"table": row.number})
    for region in row.replicas:
        other = tx.at(region=region)
        replica = other.get(TABLES, row.name)
        if replica is not None:
            left = [member for member in replica.replicas if member != tx.region]
            other.put(TABLES, row.name, value=msgspec.structs.replace(replica, replicas=left))


def abandon_index(tx: Tx, table: int, index: int) -> None:
    tx.timer(tx.now, "sweep_index", {"table": table, "index": index})


def fill(tx: Tx, row: TableRow, index: str) -> None:
    """Has the items of a table taken into a new index."""
    tx.timer(tx.now, "fill_index", {"name": row.name, "table": row.number, "index": index, "after": []})


def fill_expiring(tx: Tx, row: TableRow) -> None:
    """Has the items of a table looked at for when they expire."""
    tx.timer(tx.now, "note_expiring", {"name": row.name, "table": row.number, "after": []})


def abandon_expiring(tx: Tx, row: TableRow) -> None:
    """Has the list of what expires removed."""
    tx.timer(tx.now, "sweep_expiring", {"name": row.name, "table": row.number})


def expire(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes items whose time is over, a slice at a time, and waits for the next."""
    row = _row(tx, payload)
    if row is None or not row.ttl:
        return
    start = (max(int(tx.now) - expiry.AGE_SECONDS_MAX, 0),)
    for key, _ in list(tx.scan(EXPIRING, row.number, start=start, end=(int(tx.now) + 1,), limit=SLICE_ROWS)):
        place: Any = key[2:]
        item = tx.get(ITEMS, row.number, *place)
        if item is None or expiry.due(row, item) != key[1]:
            tx.delete(EXPIRING, *key)  # left from another time of expiry
        else:
            write(tx, row, place, item, None, by=PRINCIPAL)
    following = next((key[1] for key, _ in tx.scan(EXPIRING, row.number, start=start, limit=1)), None)
    if following is not None:
        expiry.watch(tx, row, float(following))


def note_expiring(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: notes when items expire that were there before their table minded it, a slice at a time."""
    row = _row(tx, payload)
    if row is None or not row.ttl:
        return
    rows = _slice(tx, row, payload)
    for key, item in rows:
        place: Any = key[1:]
        expiry.note(tx, row, place, None, item)
    if len(rows) == SLICE_ROWS:
        tx.timer(tx.now, "note_expiring", {**payload, "after": list(rows[-1][0][1:])})


def sweep_expiring(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes the list of what expires of a table that minds it no more, a slice at a time."""
    row = _row(tx, payload)
    if row is not None and not row.ttl and _remove(tx, EXPIRING, row.number) == SLICE_ROWS:
        tx.timer(tx.now, "sweep_expiring", payload)


def sweep_table(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted table left, a slice at a time."""
    removed = [_remove(tx, table, payload["table"]) for table in OF_TABLE]
    if SLICE_ROWS in removed:
        tx.timer(tx.now, "sweep_table", payload)


def sweep_index(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted index left, a slice at a time."""
    place = (payload["table"], payload["index"])
    if _remove(tx, INDEXED, *place) == SLICE_ROWS:
        tx.timer(tx.now, "sweep_index", payload)
    else:
        _remove(tx, NUMBERS, *place)


def fill_index(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: takes items into a new index, a slice at a time. Writes meanwhile keep what they write in it by themselves."""
    row = _row(tx, payload)
    index = None if row is None else row.index(payload["index"])
    if row is None or index is None or not index.filling:
        return
    rows = _slice(tx, row, payload)
    for key, item in rows:
        place: Any = key[1:]
        if not is_indexed(tx, row, index, item):
            write_indexed(tx, row, index, place, None, item)
    if len(rows) == SLICE_ROWS:
        tx.timer(tx.now, "fill_index", {**payload, "after": list(rows[-1][0][1:])})
        return
    full = msgspec.structs.replace(index, filling=False)
    indexes = [full if one.name == index.name else one for one in row.indexes]
    tx.put(TABLES, row.name, value=msgspec.structs.replace(row, indexes=indexes))


def _row(tx: Tx, payload: Mapping[str, Any]) -> TableRow | None:
    """The table that a timer was set for, if it is still the same."""
    row = tx.get(TABLES, payload["name"])
    return row if row is not None and row.number == payload["table"] else None


def _slice(tx: Tx, row: TableRow, payload: Mapping[str, Any]) -> list[tuple[Key, Item]]:
    """The items behind those that a timer has seen."""
    after = payload["after"]
    return list(tx.scan(ITEMS, row.number, start=(*after, True) if after else None, limit=SLICE_ROWS))


def _remove(tx: Tx, table: Table[Any], *prefix: int) -> int:
    keys = [key for key, _ in tx.scan(table, *prefix, limit=SLICE_ROWS)]
    for key in keys:
        tx.delete(table, *key)
    return len(keys)
