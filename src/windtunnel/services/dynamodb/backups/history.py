"""How the items of a table were at a moment, where point-in-time recovery is on.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import groupby, islice
from typing import Any

from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.backups.state import HISTORY, Replaced
from windtunnel.services.dynamodb.keys import Place
from windtunnel.services.dynamodb.state import ITEMS, TABLES, TableRow

DAY_SECONDS = 86_400
SLICE_ROWS = 256


def note(tx: Tx, row: TableRow, place: Place, old: Item | None) -> None:
    """Keeps what a write replaces."""
    tx.put(HISTORY, row.number, *place, tx.now, tx.serial(), value=Replaced(old))


def watch(tx: Tx, row: TableRow) -> None:
    """Has what is too old forgotten, from now on daily."""
    tx.timer(tx.now + DAY_SECONDS, "forget_history", {"name": row.name, "table": row.number}, name=str(row.number))


def earliest(tx: Tx, row: TableRow) -> float:
    """The first moment that the table can be had of."""
    return max(row.recovery, tx.now - row.recovery_days * DAY_SECONDS)


def states(tx: Tx, row: TableRow, at: float, after: Place | None, limit: int) -> list[tuple[Place, Item | None]]:
    """The next places at or behind `after` (exclusive), each with the item that lay there at a moment; None where none did."""
    places = (place for place, _ in groupby(merge(_places(tx, row, after), _past(tx, row, after))))
    return [(place, state(tx, row, place, at)) for place in islice(places, limit)]


def forget_history(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: forgets what was replaced before the time that can be restored, a slice at a time."""
    row = tx.get(TABLES, payload["name"])
    if row is None or row.number != payload["table"] or not row.recovery:
        _forget(tx, payload["table"], None, payload)
    else:
        _forget(tx, row.number, earliest(tx, row), payload, row)


def _forget(tx: Tx, table: int, end: float | None, payload: Mapping[str, Any], row: TableRow | None = None) -> None:
    found = list(tx.find(HISTORY, "at", table, end=None if end is None else (end,), limit=SLICE_ROWS))
    for key, _ in found:
        tx.delete(HISTORY, *key)
    if len(found) == SLICE_ROWS:
        tx.timer(tx.now, "forget_history", payload, name=str(table))
    elif row is not None:
        watch(tx, row)


def state(tx: Tx, row: TableRow, place: Place, at: float) -> Item | None:
    """The item that lay at a place at a moment."""
    replaced = next(tx.scan(HISTORY, row.number, *place, start=(at, True), limit=1), None)
    return tx.get(ITEMS, row.number, *place) if replaced is None else replaced[1].item


def _places(tx: Tx, row: TableRow, after: Place | None) -> Iterator[Any]:
    for key, _ in tx.scan(ITEMS, row.number, start=None if after is None else (*after, True)):
        yield key[1:]


def _past(tx: Tx, row: TableRow, after: Place | None) -> Iterator[Any]:
    """The places that have a history; a slice of them is read, so that no iteration is longer than it is asked for."""
    for key, _ in tx.scan(HISTORY, row.number, start=None if after is None else (*after, True)):
        yield key[1:-2]
