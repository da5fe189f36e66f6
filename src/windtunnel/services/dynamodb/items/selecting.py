"""Pages of items out of a table or an index, for Query, Scan and PartiQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from windtunnel.aws.dynamodb.conditions import holds
from windtunnel.aws.dynamodb.key_conditions import Asked
from windtunnel.aws.dynamodb.trees import Node
from windtunnel.aws.dynamodb.values import Item, Value, key_part, size_of
from windtunnel.fabric import Tx
from windtunnel.kernel.store import Key
from windtunnel.kernel.store.keys import pack
from windtunnel.services.dynamodb.items.capacity import Units, projected, read_units
from windtunnel.services.dynamodb.keys import SLOTS, indexed_place, partition, place_of
from windtunnel.services.dynamodb.state import INDEXED, ITEMS, Index, TableRow

PAGE_BYTES_MAX = 1 << 20
LAST_CHARACTER = "\U0010ffff"


class Span(msgspec.Struct, frozen=True):
    """A range of keys: what they begin with, and what follows it, from `start` (inclusive) to `end` (exclusive)."""

    prefix: Key = ()
    start: Key | None = None
    end: Key | None = None
    reverse: bool = False


class Page(msgspec.Struct, frozen=True):
    """What was read: the items that passed the filter, how many were looked at, and the last of them where there may be more."""

    items: list[Item]
    scanned: int
    last: Item | None
    units: Units


def query_span(asked: Asked, *, reverse: bool) -> Span:
    """The keys of a Query."""
    prefix = partition(asked.hash)
    if asked.range is None:
        return Span(prefix, reverse=reverse)
    sign, values = asked.range
    part = key_part(values[0])
    match sign:
        case "=":
            return Span((*prefix, part), reverse=reverse)
        case "<":
            return Span(prefix, end=(part,), reverse=reverse)
        case "<=":
            return Span(prefix, end=(part, True), reverse=reverse)
        case ">":
            return Span(prefix, start=(part, True), reverse=reverse)
        case ">=":
            return Span(prefix, start=(part,), reverse=reverse)
        case "between":
            return Span(prefix, start=(part,), end=(key_part(values[1]), True), reverse=reverse)
        case _:
            return Span(prefix, start=(part,), end=_after_prefix(part), reverse=reverse)


def segment_span(segment: int, segments: int) -> Span:
    """The keys of one segment of a parallel scan."""
    bounds = [-(-SLOTS * at // segments) for at in (segment, segment + 1)]
    return Span(start=(bounds[0],), end=(bounds[1],))


def after(span: Span, row: TableRow, index: Index | None, key: Mapping[str, Value]) -> Span:
    """The rest of a span behind the item that has a key."""
    place = place_of(row, key) if index is None else indexed_place(row, index, key)
    assert place is not None, "a starting key has all of the index's keys"
    rest = place[len(span.prefix) :]
    if span.reverse:
        return msgspec.structs.replace(span, end=rest)
    return msgspec.structs.replace(span, start=(*rest, True))


def within(span: Span, row: TableRow, index: Index | None, key: Mapping[str, Value]) -> bool:
    """Whether a span holds the item of a key, or would."""
    place = place_of(row, key) if index is None else indexed_place(row, index, key)
    if place is None or place[: len(span.prefix)] != span.prefix:
        return False
    rest = pack(place[len(span.prefix) :])
    return (span.start is None or pack(span.start) <= rest) and (span.end is None or rest < pack(span.end))


def read(
    tx: Tx, row: TableRow, index: Index | None, span: Span, *, limit: int | None, condition: Node | None, whole: bool, consistent: bool
) -> Page:
    """A page: at most `limit` items looked at, and so many as fit in a megabyte. `whole`: an index's items with all that they have."""
    items: list[Item] = []
    scanned = size = fetched = 0
    last: Item | None = None
    for item in _rows(tx, row, index, span, limit):
        seen = item if index is None else projected(row, index, item)
        bytes_ = size_of(seen)
        if size and size + bytes_ > PAGE_BYTES_MAX:
            break
        size += bytes_
        if whole and seen is not item:
            fetched += size_of(item)
            seen = item
        scanned += 1
        last = item
        if condition is None or holds(condition, seen):
            items.append(seen)
        if scanned == limit:
            break
    else:
        last = None
    return Page(items, scanned, last, _units(index, size, fetched, consistent=consistent))


def _rows(tx: Tx, row: TableRow, index: Index | None, span: Span, limit: int | None) -> Iterator[Item]:
    if index is None:
        for _, item in tx.scan(ITEMS, row.number, *span.prefix, start=span.start, end=span.end, limit=limit, reverse=span.reverse):
            yield item
        return
    prefix = (row.number, index.number, *span.prefix)
    for _, place in tx.scan(INDEXED, *prefix, start=span.start, end=span.end, limit=limit, reverse=span.reverse):
        item = tx.get(ITEMS, row.number, *place)
        assert item is not None, f"the index {index.name} names an item that isn't there"
        yield item


def _units(index: Index | None, size: int, fetched: int, *, consistent: bool) -> Units:
    units = read_units(size, consistent=consistent)
    if index is None:
        return {"": units}
    return {"": read_units(fetched, consistent=consistent) if fetched else 0, index.name: units}


def _after_prefix(part: str | bytes) -> tuple[str | bytes] | None:
    """What follows everything that begins with a text or with bytes."""
    if isinstance(part, str):
        return (part + LAST_CHARACTER,)
    kept = part.rstrip(b"\xff")
    return (kept[:-1] + bytes((kept[-1] + 1,)),) if kept else None


def start_key(row: TableRow, index: Index | None, item: Item) -> Item:
    """The key from which the next page goes on: the item's own, and an index's."""
    names = [*row.keys, *([] if index is None else [name for name in (index.hash, index.range) if name])]
    return {name: item[name] for name in names}
