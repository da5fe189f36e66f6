"""The embedded engine: one ordered table of bytes in SQLite's write-ahead log.

With `synchronous=OFF` a commit has left the process when it returns, so that kill -9 loses nothing of it; a power cut may. An engine
that is `durable` leaves it to SQLite to sync the log before a checkpoint and the file after it (`synchronous=NORMAL`), and syncs the log
after commits itself: once for many of them, in a thread. That is the order of `synchronous=FULL`: https://sqlite.org/wal.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

import apsw
import msgspec

from windtunnel.kernel.store.engine import StoreFull
from windtunnel.kernel.store.overlay import Amount, Item
from windtunnel.kernel.store.snapshots import CREATE_ROWS

if sys.platform == "darwin":
    import fcntl

PAGE_ROWS_MIN, PAGE_ROWS_MAX = 32, 1024
CACHE_KIB = 16_384
WAL_PAGES = 4_000
RECENT_ROWS_MAX = 4_096
RECENT_BYTES_MAX = 4_096
UNWRITABLE = (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.CorruptError, apsw.ConnectionClosedError)
"""Why a commit fails that nobody is to blame for: whoever waits for it must be told, or would wait for ever."""

_FORWARD = "SELECT k, v FROM rows WHERE k >= ? AND k < ? ORDER BY k LIMIT ?"
_REVERSE = "SELECT k, v FROM rows WHERE k >= ? AND k < ? ORDER BY k DESC LIMIT ?"
_VALUES = "SELECT v FROM rows WHERE k >= ? AND k < ? ORDER BY k LIMIT ?"
_number = msgspec.msgpack.Decoder(int | float).decode
_bytes = msgspec.msgpack.Encoder().encode


def fsync(path: Path) -> None:
    """Sends what was written to a file on to the disk, whoever wrote it."""
    file = os.open(path, os.O_RDWR)
    try:
        if sys.platform == "darwin":
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        else:
            os.fsync(file)
    finally:
        os.close(file)


class SQLite:
    """Engine over one SQLite file, or over memory where `path` is None."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        shared: bool = False,
        durable: bool = False,
        vfs: str | None = None,
        fsync: Callable[[Path], None] = fsync,
    ) -> None:
        self._connection = apsw.Connection(str(path) if path else ":memory:", vfs=vfs)
        self._read = self._connection.cursor().execute
        """For what is fetched at once: a cursor of its own for each read would cost as much as three rows."""
        self._path = path
        self._fsync = fsync
        self._open = False
        self._recent: dict[bytes, bytes | None] = {}
        """Rows as they were last read or written, so that what every call looks at (a queue, a key) is not fetched anew."""
        run = self._connection.execute
        # Statements are planned once; else SQLite would plan one anew for each value of its LIMIT, which costs more than to run it.
        self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        self._connection.set_busy_timeout(5_000)
        if not shared:
            # One process alone needs no lock per statement, and a second one is refused at its start.
            run("PRAGMA locking_mode=EXCLUSIVE")
        if not durable:
            # Said first, or a new file would wait for the disk four times.
            run("PRAGMA synchronous=OFF")
        run("PRAGMA journal_mode=WAL")
        if durable:
            run("PRAGMA synchronous=NORMAL")
        run(f"PRAGMA cache_size=-{CACHE_KIB}")
        run(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        run(CREATE_ROWS)

    def get(self, key: bytes) -> bytes | None:
        if key in self._recent:
            return self._recent[key]
        value = cast(bytes | None, self._read("SELECT v FROM rows WHERE k = ?", (key,)).get)
        if value is None or len(value) <= RECENT_BYTES_MAX:
            if len(self._recent) >= RECENT_ROWS_MAX:
                self._recent.clear()
            self._recent[key] = value
        return value

    def amount(self, key: bytes) -> Amount:
        value = self.get(key)
        return 0 if value is None else _number(value)

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False, limit: int | None = None) -> Iterator[Item]:
        # Page by page, so that no statement stays open across a commit or a caller's pause.
        sql = _REVERSE if reverse else _FORWARD
        size = PAGE_ROWS_MIN if limit is None else min(limit, PAGE_ROWS_MAX)
        while True:
            page = cast(list[Item], self._read(sql, (start, end, size)).fetchall())
            yield from page
            if len(page) < size:
                return
            if reverse:
                end = page[-1][0]
            else:
                start = page[-1][0] + b"\0"
            size = min(size * 4, PAGE_ROWS_MAX)

    def values(self, start: bytes, end: bytes, limit: int) -> list[bytes]:
        found: list[bytes] | bytes | None = self._read(_VALUES, (start, end, limit)).get  # rows of one column without tuples around them
        return found if isinstance(found, list) else [] if found is None else [found]

    def write(self, writes: Mapping[bytes, bytes | None], increments: Mapping[bytes, Amount]) -> None:
        recent = self._recent
        puts: list[tuple[bytes, bytes]] = []
        deletes: list[tuple[bytes]] = []
        for key, value in writes.items():
            if value is None:
                deletes.append((key,))
            else:
                puts.append((key, value))
            if key in recent:
                recent[key] = value
        for key, amount in increments.items():
            total = self.amount(key) + amount
            value = _bytes(total) if total else None
            if value is None:
                deletes.append((key,))
            else:
                puts.append((key, value))
            recent[key] = value
        try:
            if not self._open:
                self._connection.execute("BEGIN IMMEDIATE")
                self._open = True
            if puts:
                self._connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", puts)
            if deletes:
                self._connection.executemany("DELETE FROM rows WHERE k = ?", deletes)
        except UNWRITABLE as error:
            raise StoreFull(str(error)) from error

    def commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except UNWRITABLE as error:
            raise StoreFull(str(error)) from error
        self._open = False

    def rollback(self) -> None:
        self._recent.clear()
        with suppress(apsw.ConnectionClosedError):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self._open = False

    def clear(self) -> None:
        self._recent.clear()
        # A dropped table gives back its pages in one step, where deleting would visit each row.
        try:
            self._connection.execute("BEGIN IMMEDIATE; DROP TABLE rows")
            self._connection.execute(f"{CREATE_ROWS}; COMMIT")
        except UNWRITABLE as error:
            self.rollback()
            raise StoreFull(str(error)) from error

    def save(self, path: str) -> None:
        with apsw.Connection(path) as target, target.backup("main", self._connection, "main") as backup:
            while not backup.done:
                backup.step(4_096)

    def load(self, path: str) -> None:
        self._recent.clear()
        with apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY) as source, self._connection.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(4_096)

    def sync(self) -> None:
        if self._path is not None:
            self._fsync(self._path.with_name(self._path.name + "-wal"))

    def close(self) -> None:
        self._connection.close()
