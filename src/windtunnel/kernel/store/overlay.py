"""Writes that are not in the engine yet, laid over what is: a transaction, and the group of transactions of one loop turn.

Layers stack: an operation's overlay lies on the group's, a nested attempt's on the operation's. Dropping a layer undoes it,
merging hands its writes to the layer below, so that atomicity costs a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

import msgspec

Item = tuple[bytes, bytes]
Amount = int | float
Channel = tuple[object, ...]


class Reader(Protocol):
    """What an overlay lies on: the engine or another overlay."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False, limit: int | None = None) -> Iterator[Item]:
        """Keys from `start` (inclusive) to `end` (exclusive) in order. `limit` is a hint of how many will be read."""
        ...

    def values(self, start: bytes, end: bytes, limit: int) -> list[bytes]:
        """The values of the first `limit` keys of a range, in order, in one go."""
        ...

    def amount(self, key: bytes) -> Amount:
        """What a counter stands at."""
        ...


class Overlay(msgspec.Struct, eq=False):
    """One layer of writes, counter increments and wake-ups over a reader."""

    below: Reader
    writes: dict[bytes, bytes | None] = {}
    increments: dict[bytes, Amount] = {}
    wakes: set[Channel] = set()

    @property
    def changes(self) -> bool:
        """Whether it holds anything."""
        return bool(self.writes or self.increments or self.wakes)

    def get(self, key: bytes) -> bytes | None:
        if key in self.writes:
            return self.writes[key]
        return self.below.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.writes[key] = value

    def delete(self, key: bytes) -> None:
        self.writes[key] = None

    def add(self, key: bytes, amount: Amount) -> None:
        """Adds to a counter. Counters are kept as increments, so that two transactions of a turn never collide on one."""
        self.increments[key] = self.increments.get(key, 0) + amount

    def amount(self, key: bytes) -> Amount:
        return self.below.amount(key) + self.increments.get(key, 0)

    def added(self, start: bytes, end: bytes) -> Amount:
        """What was added to the counters of a range and is not in the engine yet, so that a scan doesn't show it."""
        mine = sum(amount for key, amount in self.increments.items() if start <= key < end)
        return mine + self.below.added(start, end) if isinstance(self.below, Overlay) else mine

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False, limit: int | None = None) -> Iterator[Item]:
        mine = sorted((key for key in self.writes if start <= key < end), reverse=reverse) if self.writes else []
        if not mine:
            return self.below.scan(start, end, reverse=reverse, limit=limit)
        written = {key: self.writes[key] for key in mine}
        # What is hidden here has to be read past, so the hint grows by as many.
        below = self.below.scan(start, end, reverse=reverse, limit=None if limit is None else limit + len(mine))
        return _merge(written, below, reverse=reverse)

    def values(self, start: bytes, end: bytes, limit: int) -> list[bytes]:
        if any(start <= key < end for key in self.writes):
            return [value for _, value in islice(self.scan(start, end, limit=limit), limit)]
        return self.below.values(start, end, limit)

    def merge(self, layer: Overlay) -> None:
        """Takes over the writes of a layer that lay on this one."""
        self.writes.update(layer.writes)
        self.wakes.update(layer.wakes)
        increments = self.increments
        for key, amount in layer.increments.items():
            increments[key] = increments.get(key, 0) + amount

    def clear(self) -> None:
        self.writes.clear()
        self.increments.clear()
        self.wakes.clear()


def _merge(written: dict[bytes, bytes | None], below: Iterator[Item], *, reverse: bool) -> Iterator[Item]:
    """Two ordered runs as one; what is written hides what lies below it, and a deletion hides it altogether."""
    mine = list(written.items())
    at = 0
    for item in below:
        while at < len(mine) and (mine[at][0] > item[0] if reverse else mine[at][0] < item[0]):
            yield from _standing(*mine[at])
            at += 1
        if at < len(mine) and mine[at][0] == item[0]:
            yield from _standing(*mine[at])
            at += 1
        else:
            yield item
    for key, value in mine[at:]:
        yield from _standing(key, value)


def _standing(key: bytes, value: bytes | None) -> Iterator[Item]:
    if value is not None:
        yield key, value
