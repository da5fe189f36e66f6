"""The seam below the store: what keeps bytes, for one process or for several, and what it raises where it can't."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from windtunnel.kernel.store.overlay import Amount, Reader


class StoreFull(Exception):
    """The engine could not commit, most likely because the disk is full; nothing of the turn was kept."""


class StoreAway(StoreFull):
    """The engine is out of reach: nothing can be read either, and others may go on meanwhile."""


class Conflict(BaseException):
    """Another process changed what this transaction has read: it has to run again.

    Not an Exception, since it is nobody's bug: it passes through whatever catches those on its way to `transact`.
    """


class Engine(Reader, Protocol):
    """What keeps bytes: SQLite here, others behind the same seam."""

    def write(self, writes: dict[bytes, bytes | None], increments: dict[bytes, Amount]) -> None:
        """Applies writes to the open transaction, opening one where there is none. Reads see them at once."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def clear(self) -> None:
        """Removes everything, at once and for good."""
        ...

    def save(self, path: str) -> None: ...

    def load(self, path: str) -> None: ...

    def sync(self) -> None:
        """Makes safe from a power cut what was committed so far; may be called in a thread."""
        ...

    def close(self) -> None: ...


class SharedEngine(Reader, Protocol):
    """What keeps bytes for several processes. Between `begin` and `commit` reads are those of one moment, and may raise Conflict."""

    shard: int
    """Which of several parts of a counter this process adds to, where the engine keeps it in parts."""

    def begin(self, *, firmly: bool) -> None:
        """Opens a transaction. `firmly`: it was in conflict before, and may lock others out if the engine can."""
        ...

    def write(self, writes: Mapping[bytes, bytes | None], increments: Mapping[bytes, Amount]) -> None: ...

    def commit(self, *, ring: bool = False) -> None:
        """Raises Conflict or StoreFull; `rollback` has to follow then. `ring`: there is news for the other processes."""
        ...

    def rollback(self) -> None: ...

    def changed(self) -> bool:
        """Whether there may be news since the last time; cheap."""
        ...

    def clear(self) -> None:
        """Removes everything, within the open transaction."""
        ...

    def save(self, path: str) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...
