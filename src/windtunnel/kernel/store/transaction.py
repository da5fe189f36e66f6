"""Typed rows over an overlay: what operations read and write, with indexes and counters kept on the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Self, TypeVar

from windtunnel.kernel.store.keys import AFTER, Key, pack, unpack
from windtunnel.kernel.store.overlay import Amount, Overlay
from windtunnel.kernel.store.table import Table

Record = TypeVar("Record")


class Transaction:
    """Reads and writes of one account and region. `at` looks at another place within the same transaction."""

    def __init__(self, overlay: Overlay, account: str, region: str) -> None:
        self.overlay = overlay
        self.account = account
        self.region = region

    def at(self, *, account: str | None = None, region: str | None = None) -> Self:
        """The same transaction, seen from another account or region."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.account = account or self.account
        other.region = region or self.region
        return other

    def get(self, table: Table[Record], *key: Any) -> Record | None:
        value = self.overlay.get((table.known_row if table.hot else table.row)(self.account, self.region, *key))
        return None if value is None else table.decode(value)

    def put(self, table: Table[Record], *key: Any, value: Record) -> None:
        packed = pack(key)
        row = table.prefix(self.account, self.region) + packed
        if table.derived:
            old = self.overlay.get(row)
            self._derive(table, key, packed, None if old is None else table.decode(old), value)
        self.overlay.put(row, table.encode(value))

    def delete(self, table: Table[Record], *key: Any) -> None:
        """Removes a row; that there is none is fine."""
        packed = pack(key)
        row = table.prefix(self.account, self.region) + packed
        if table.derived:
            old = self.overlay.get(row)
            if old is None:
                return
            self._derive(table, key, packed, table.decode(old), None)
        self.overlay.delete(row)

    def scan(
        self,
        table: Table[Record],
        *prefix: Any,
        start: Key | None = None,
        end: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[Key, Record]]:
        """Rows whose keys begin with `prefix`, in key order, as (whole key, record).

        `start` (inclusive) and `end` (exclusive) are what follows the prefix. The rows are those of the moment the iteration
        begins: rows may be written and deleted while it runs.
        """
        base = table.prefix(self.account, self.region)
        decode = table.decode
        size = len(base) + len(pack(prefix))
        for row, value in self._range(base, prefix, start, end, limit, reverse):
            yield (*prefix, *unpack(row, size)), decode(value)

    def records(self, table: Table[Record], *prefix: Any, start: Key | None = None, end: Key | None = None, limit: int) -> list[Record]:
        """The first `limit` records that `scan` would give, at once and without their keys: for records that say their key themselves.

        Keys are neither fetched nor unpacked then, and no row passes through a generator, which halves what a long page costs.
        """
        first, last = self._bounds(table.prefix(self.account, self.region), prefix, start, end)
        return table.decode_all(self.overlay.values(first, last, limit))

    def find(
        self,
        table: Table[Record],
        index: str,
        *prefix: Any,
        start: Key | None = None,
        end: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[Key, Record]]:
        """As `scan`, in the order of an index and by its key; yields (primary key, record)."""
        assert index in table.indexes, f"{table} has no index {index!r}"
        base = table.prefix(self.account, self.region, index)
        rows = table.prefix(self.account, self.region)
        for _, primary in self._range(base, prefix, start, end, limit, reverse):
            value = self.overlay.get(rows + primary)
            assert value is not None, f"index {index!r} of {table} names a row that isn't there"
            yield unpack(primary), table.decode(value)

    def count(self, table: Table[Any], counter: str, *key: Any) -> int:
        """How many rows a counter of the table counts under a key; costs one read."""
        assert counter in table.counters, f"{table} has no counter {counter!r}"
        return int(self.overlay.amount(table.prefix(self.account, self.region, counter) + pack(key)))

    def add(self, table: Table[Any], *key: Any, amount: Amount) -> None:
        """Adds to a number of a table of numbers, without reading it: transactions that add never collide."""
        self.overlay.add((table.known_row if table.hot else table.row)(self.account, self.region, *key), amount)

    def amount(self, table: Table[Any], *key: Any) -> Amount:
        """What a number of a table of numbers stands at; 0 where nothing was added."""
        return self.overlay.amount((table.known_row if table.hot else table.row)(self.account, self.region, *key))

    def total(self, table: Table[Any], *prefix: Any, start: Key | None = None) -> Amount:
        """The sum of the numbers that `scan` would give, with what was added to them in this turn, which a scan doesn't see."""
        first, last = self._bounds(table.prefix(self.account, self.region), prefix, start, None)
        return sum(table.decode(value) for _, value in self.overlay.scan(first, last)) + self.overlay.added(first, last)

    def wake(self, *channel: object) -> None:
        """Ends the waits on a channel once this transaction is durable."""
        self.overlay.wakes.add(channel)

    def _range(
        self, base: bytes, prefix: Key, start: Key | None, end: Key | None, limit: int | None, reverse: bool
    ) -> Iterator[tuple[bytes, bytes]]:
        first, last = self._bounds(base, prefix, start, end)
        found = self.overlay.scan(first, last, reverse=reverse, limit=limit)
        return found if limit is None else islice(found, limit)

    @staticmethod
    def _bounds(base: bytes, prefix: Key, start: Key | None, end: Key | None) -> tuple[bytes, bytes]:
        base += pack(prefix)
        return base if start is None else base + pack(start), base + AFTER if end is None else base + pack(end)

    def _derive(self, table: Table[Record], key: Key, packed: bytes, old: Record | None, new: Record | None) -> None:
        for name, derive in table.indexes.items():
            was = None if old is None else derive(key, old)
            becomes = None if new is None else derive(key, new)
            if was != becomes:
                base = table.prefix(self.account, self.region, name)
                if was is not None:
                    self.overlay.delete(base + pack(was) + packed)
                if becomes is not None:
                    self.overlay.put(base + pack(becomes) + packed, packed)
        for name, derive in table.counters.items():
            was = None if old is None else derive(key, old)
            becomes = None if new is None else derive(key, new)
            if was != becomes:
                base = table.prefix(self.account, self.region, name)
                if was is not None:
                    self.overlay.add(base + pack(was), -1)
                if becomes is not None:
                    self.overlay.add(base + pack(becomes), 1)
