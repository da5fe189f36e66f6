"""SQLite for several processes of one machine: readers see one moment each, and one writer has its turn at a time.

A transaction begins as a reader's. Where it writes it takes its turn, a lock that the kernel hands on without anybody's polling and takes
from the dead; if another process has written meanwhile, SQLite says so and the transaction runs again, this time within its turn.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import apsw

from windtunnel.kernel.store.overlay import Amount
from windtunnel.kernel.store.shared import Conflict
from windtunnel.kernel.store.sqlite import UNWRITABLE, SQLite, fsync
from windtunnel.kernel.store.syncer import StoreFull

FIRM_AFTER_CONFLICT = 32
"""So many transactions after a conflict take their turn at once: where others write as much, running twice costs more than waiting."""


class SharedSQLite(SQLite):
    """Shared engine over one SQLite file."""

    shard = 0

    def __init__(self, path: Path, *, durable: bool = False, vfs: str | None = None, fsync: Callable[[Path], None] = fsync) -> None:
        super().__init__(path, shared=True, durable=durable, vfs=vfs, fsync=fsync)
        self._turn = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._mine = False
        self._firmly = 0
        self._version = self._data_version()

    def begin(self, *, firmly: bool) -> None:
        if firmly:
            self._firmly = FIRM_AFTER_CONFLICT
        if self._firmly:
            self._firmly -= 1
            self._take_turn()
            self._run("BEGIN IMMEDIATE")
        else:
            self._run("BEGIN")
        self._open = True

    def write(self, writes: Mapping[bytes, bytes | None], increments: Mapping[bytes, Amount]) -> None:
        self._take_turn()
        try:
            super().write(writes, increments)
        except apsw.BusyError as error:
            raise Conflict from error

    def commit(self, *, ring: bool = False) -> None:
        super().commit()
        self._end_turn()

    def rollback(self) -> None:
        super().rollback()
        self._end_turn()

    def changed(self) -> bool:
        version, self._version = self._version, self._data_version()
        return version != self._version

    def clear(self) -> None:
        self._run("DELETE FROM rows")

    def close(self) -> None:
        super().close()
        os.close(self._turn)

    def _run(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except apsw.BusyError as error:
            raise Conflict from error
        except UNWRITABLE as error:
            raise StoreFull(str(error)) from error

    def _take_turn(self) -> None:
        if not self._mine:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            self._mine = True

    def _end_turn(self) -> None:
        if self._mine:
            self._mine = False
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _data_version(self) -> int:
        return cast(int, self._connection.pragma("data_version"))
