"""What happens by itself: what a deleted table or index left is removed, and new indexes take in what was there before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Table, Tx
from windtunnel.services.dynamodb.items.writing import is_indexed, write_indexed
from windtunnel.services.dynamodb.state import EXPIRING, INDEXED, ITEMS, NUMBERS, TABLES, TableRow

SLICE_ROWS = 256
"""So many rows one transaction touches, or others would wait for it."""
OF_TABLE: tuple[Table[Any], ...] = (ITEMS, INDEXED, EXPIRING, NUMBERS)


def abandon(tx: Tx, table: int) -> None:
    """Has the rows of a deleted table removed."""
    tx.timer(tx.now, "sweep_table", {"table": table})


def abandon_index(tx: Tx, table: int, index: int) -> None:
    tx.timer(tx.now, "sweep_index", {"table": table, "index": index})


def fill(tx: Tx, row: TableRow, index: str) -> None:
    """Has the items of a table taken into a new index."""
    tx.timer(tx.now, "fill_index", {"name": row.name, "table": row.number, "index": index, "after": []})


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
    row = tx.get(TABLES, payload["name"])
    index = None if row is None or row.number != payload["table"] else row.index(payload["index"])
    if row is None or index is None or not index.filling:
        return
    after = payload["after"]
    rows = list(tx.scan(ITEMS, row.number, start=(*after, True) if after else None, limit=SLICE_ROWS))
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


def _remove(tx: Tx, table: Table[Any], *prefix: int) -> int:
    keys = [key for key, _ in tx.scan(table, *prefix, limit=SLICE_ROWS)]
    for key in keys:
        tx.delete(table, *key)
    return len(keys)
