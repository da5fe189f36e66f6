"""SQLite for several processes of one machine: readers see one moment each, and one writer has its turn at a time.

A transaction begins as a reader's. Where it writes it takes its turn, a lock that the kernel hands on without anybody's polling and takes
from the dead. If another process has written meanwhile, what the transaction has read is read once more: where it is still so the
transaction stands, and else it runs again, this time within its turn. So only writing takes a turn, and only what changed collides.

With the lock comes the number of commits, in memory that the processes share: who finds the number that it saw before knows without asking
SQLite that the rows it remembers are still so. The number is odd while a commit is under way, or where somebody died in one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from mmap import mmap
from pathlib import Path
from typing import Any

import apsw

from windtunnel.kernel.store.engine import Conflict, StoreFull
from windtunnel.kernel.store.overlay import Amount, Item
from windtunnel.kernel.store.sqlite import UNWRITABLE, SQLite, fsync

NUMBER_BYTES = 8


class SharedSQLite(SQLite):
    """Shared engine over one SQLite file."""

    shard = 0

    def __init__(self, path: Path, *, durable: bool = False, vfs: str | None = None, fsync: Callable[[Path], None] = fsync) -> None:
        super().__init__(path, shared=True, durable=durable, vfs=vfs, fsync=fsync)
        self._turn = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._mine = self._wrote = False
        self._gets: dict[bytes, bytes | None] = {}
        self._ranges: list[tuple[Callable[[], Iterable[object]], list[Any]]] = []
        """What the open transaction has read while it has no turn: rows, and how to read ranges again with what came (None: no more)."""
        self._take_turn()
        if os.fstat(self._turn).st_size < NUMBER_BYTES:
            os.pwrite(self._turn, bytes(NUMBER_BYTES), 0)
        self._end_turn()
        self._memory = memoryview(mmap(self._turn, NUMBER_BYTES)).cast("Q")
        self._remembered = self._heard = self._memory[0]
        """The number of commits when the rows that are remembered were read, and when news were looked for."""

    def get(self, key: bytes) -> bytes | None:
        if not self._open:
            self._forget_old()
        value = super().get(key)
        if self._open and not self._mine:
            self._gets[key] = value
        return value

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False, limit: int | None = None) -> Iterator[Item]:
        read = partial(super().scan, start, end, reverse=reverse, limit=limit)
        return read() if self._mine or not self._open else self._noted(read)

    def values(self, start: bytes, end: bytes, limit: int) -> list[bytes]:
        found = super().values(start, end, limit)
        if self._open and not self._mine:
            self._ranges.append((partial(super().values, start, end, limit), [*found, None]))
        return found

    def begin(self, *, firmly: bool) -> None:
        self._gets.clear()
        self._ranges.clear()
        if firmly:
            self._take_turn()
            self._run("BEGIN IMMEDIATE")
            self._forget_old()
        else:
            self._forget_old()
            self._run("BEGIN")
            self._run("SELECT 1 FROM rows LIMIT 0")  # the moment that the transaction sees
            if self._remembered != self._memory[0]:
                self._recent.clear()
        self._open = True

    def write(self, writes: Mapping[bytes, bytes | None], increments: Mapping[bytes, Amount]) -> None:
        self._begin_to_write()
        try:
            super().write(writes, increments)
        except apsw.BusyError as error:
            raise Conflict from error

    def commit(self, *, ring: bool = False) -> None:
        if not self._wrote:
            super().commit()
        else:
            before = self._memory[0]
            self._memory[0] = before | 1
            super().commit()
            self._memory[0] = after = (before | 1) + 1
            if self._remembered == before:
                self._remembered = after
            if self._heard == before:
                self._heard = after
        self._end_turn()

    def rollback(self) -> None:
        super().rollback()
        self._end_turn()

    def changed(self) -> bool:
        before, self._heard = self._heard, self._memory[0]
        return before != self._heard or self._heard % 2 == 1

    def clear(self) -> None:
        self._begin_to_write()
        self._recent.clear()
        self._run("DELETE FROM rows")

    def close(self) -> None:
        super().close()
        self._end_turn()
        os.close(self._turn)

    def _run(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except apsw.BusyError as error:
            raise Conflict from error
        except UNWRITABLE as error:
            raise StoreFull(str(error)) from error

    def _begin_to_write(self) -> None:
        """Sees to it that the open transaction has its turn, and that what it has read is so now."""
        self._wrote = True
        if self._mine:
            return
        self._take_turn()
        if self._remembered != self._memory[0] or self._remembered % 2:
            self._run("COMMIT")
            self._run("BEGIN IMMEDIATE")
            self._forget_old()
            if not self._stands():
                raise Conflict

    def _stands(self) -> bool:
        """Whether what was read is so now."""
        if any(self.get(key) != value for key, value in self._gets.items()):
            return False
        again = [(iter(read()), seen) for read, seen in self._ranges]
        return all(next(found, None) == item for found, seen in again for item in seen)

    def _noted(self, read: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        seen: list[Item | None] = []
        self._ranges.append((read, seen))
        for item in read():
            seen.append(item)
            yield item
        seen.append(None)

    def _forget_old(self) -> None:
        number = self._memory[0]
        if number != self._remembered or number % 2:
            self._remembered = number
            self._recent.clear()

    def _take_turn(self) -> None:
        if not self._mine:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            self._mine = True

    def _end_turn(self) -> None:
        self._wrote = False
        if self._mine:
            self._mine = False
            fcntl.flock(self._turn, fcntl.LOCK_UN)
