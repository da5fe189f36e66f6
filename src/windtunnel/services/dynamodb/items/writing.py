"""One item made into another, with all that hangs on it: sizes, indexes, expiry, the stream. Every write of an item goes through here."""

from __future__ import annotations

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import Item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.backups import history
from windtunnel.services.dynamodb.items import expiry
from windtunnel.services.dynamodb.items.capacity import projected
from windtunnel.services.dynamodb.keys import Place, indexed_place
from windtunnel.services.dynamodb.state import INDEXED, ITEMS, NUMBERS, TABLES, Index, TableRow
from windtunnel.services.dynamodb.streams import journal

ITEM_BYTES_MAX = 400 * 1_024
TOO_LARGE = "Item size has exceeded the maximum allowed size"
TOO_LARGE_AFTERWARDS = "Item size to update has exceeded the maximum allowed size"


def check_size(item: Item, message: str = TOO_LARGE) -> int:
    """The size of an item, which may not be too large."""
    size = size_of(item)
    if size > ITEM_BYTES_MAX:
        raise invalid(message)
    return size


def write(
    tx: Tx,
    row: TableRow,
    place: Place,
    old: Item | None,
    new: Item | None,
    *,
    size: int | None = None,
    by: str = "",
    replicated: bool = False,
) -> int:
    """Makes `old`, which lies there now, into `new`; None is no item. Tells the size of the larger.

    `size`: of the new one, where it is known. `by`: the service that does so by itself. `replicated`: it was written in another region,
    and reaches the others from there.
    """
    if new is None:
        tx.delete(ITEMS, row.number, *place)
    else:
        tx.put(ITEMS, row.number, *place, value=new)
    before = 0 if old is None else size_of(old)
    after = 0 if new is None else size_of(new) if size is None else size
    _count(tx, row.number, 0, (new is not None) - (old is not None), after - before)
    for index in row.indexes:
        write_indexed(tx, row, index, place, old, new)
    if row.recovery:
        history.note(tx, row, place, old)
    if row.ttl:
        expiry.note(tx, row, place, old, new)
    if (row.stream or row.destinations) and old != new:
        journal.note(tx, row, old, new, by)
    for region in () if replicated else row.replicas:
        _replicate(tx.at(region=region), row.name, place, new)
    return max(before, after)


def _replicate(tx: Tx, name: str, place: Place, new: Item | None) -> None:
    row = tx.get(TABLES, name)
    if row is not None:
        old = tx.get(ITEMS, row.number, *place)
        if old != new:
            write(tx, row, place, old, new, replicated=True)


def write_indexed(tx: Tx, row: TableRow, index: Index, place: Place, old: Item | None, new: Item | None) -> None:
    """Keeps one index with an item."""
    if index.filling and old is not None and not is_indexed(tx, row, index, old):
        old = None
    before = None if old is None else indexed_place(row, index, old)
    after = None if new is None else indexed_place(row, index, new)
    if before != after:
        if before is not None:
            tx.delete(INDEXED, row.number, index.number, *before)
        if after is not None:
            tx.put(INDEXED, row.number, index.number, *after, value=list(place))
    was = projected(row, index, old) if before is not None and old is not None else None
    becomes = projected(row, index, new) if after is not None and new is not None else None
    size = (0 if becomes is None else size_of(becomes)) - (0 if was is None else size_of(was))
    _count(tx, row.number, index.number, (becomes is not None) - (was is not None), size)


def is_indexed(tx: Tx, row: TableRow, index: Index, item: Item) -> bool:
    """Whether an item is in an index already, which may still be filling."""
    place = indexed_place(row, index, item)
    return place is not None and tx.get(INDEXED, row.number, index.number, *place) is not None


def _count(tx: Tx, table: int, index: int, items: int, size: int) -> None:
    if items:
        tx.add(NUMBERS, table, index, "items", amount=items)
    if size:
        tx.add(NUMBERS, table, index, "bytes", amount=size)
