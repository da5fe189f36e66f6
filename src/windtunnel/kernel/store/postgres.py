"""The engine over a database that speaks PostgreSQL's protocol, so that many processes and machines serve one region.

One table holds it all. A row of plain bytes is part 0 of its key. A counter is kept in parts, one for each of several processes, so that
those who count at the same time don't meet; what it stands at is the sum. Transactions are SERIALIZABLE. Reads wait for the database: a
round trip of 0.1 ms and more holds up the process. Writes go in one round trip with the commit, and a transaction begins in that of
its first read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

import msgspec

from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store.engine import Conflict, StoreAway, StoreFull
from windtunnel.kernel.store.overlay import Amount, Item
from windtunnel.kernel.store.postgres_wire import Command, Wire, byte_strings, float_of, floats, number
from windtunnel.kernel.store.snapshots import write_rows

TABLE = "windtunnel_rows"
BELL = "windtunnel"
SCHEMA = (f"CREATE TABLE IF NOT EXISTS {TABLE} (k bytea NOT NULL, p int NOT NULL, v bytea, n float8, PRIMARY KEY (k, p))",)
# A table that has just been made looks empty to the planner, which would then read, and lock, all of it for one row.
# YugabyteDB spreads keys by their hash unless told otherwise, and then reads all of them for a range.
SETTINGS = (
    *("enable_seqscan = off", "enable_bitmapscan = off", "plan_cache_mode = force_generic_plan", "jit = off"),
    "yb_use_hash_splitting_by_default = off",
)
FAST = "synchronous_commit = off"
BEGIN: Command = (b"begin", ())
COMMIT: Command = (b"commit", ())
ROLLBACK: Command = (b"rollback", ())
RING: Command = (b"ring", ())
_SCAN = f"SELECT k, v, n FROM {TABLE} WHERE k >= $1::bytea AND k < $2::bytea"
STATEMENTS = {
    b"begin": "BEGIN ISOLATION LEVEL SERIALIZABLE",
    b"commit": "COMMIT",
    b"rollback": "ROLLBACK",
    b"get": f"SELECT k, v, n FROM {TABLE} WHERE k = $1::bytea",
    b"forward": f"{_SCAN} ORDER BY k, p LIMIT $3::bigint",
    b"reverse": f"{_SCAN} ORDER BY k DESC, p DESC LIMIT $3::bigint",
    b"put": f"INSERT INTO {TABLE} (k, p, v) SELECT u.k, 0, u.v FROM unnest($1::bytea[], $2::bytea[]) AS u(k, v)"
    " ON CONFLICT (k, p) DO UPDATE SET v = excluded.v",
    b"delete": f"DELETE FROM {TABLE} WHERE k = ANY ($1::bytea[])",
    b"add": f"INSERT INTO {TABLE} (k, p, v, n) SELECT u.k, $4::bigint::int, u.v, u.n"
    " FROM unnest($1::bytea[], $2::bytea[], $3::float8[]) AS u(k, v, n)"
    f" ON CONFLICT (k, p) DO UPDATE SET n = {TABLE}.n + excluded.n",
    b"tidy": f"DELETE FROM {TABLE} WHERE k IN (SELECT k FROM {TABLE} WHERE k = ANY ($1::bytea[])"
    " GROUP BY k HAVING min(p) > 0 AND sum(n) = 0)",
    b"clear": f"DELETE FROM {TABLE}",
}
BELLS = {b"listen": f"LISTEN {BELL}", b"ring": f"SELECT pg_notify('{BELL}', '')"}
"""Not every server has these: CockroachDB knows neither, YugabyteDB both since 2025.2."""
PARTS = 64
PAGE_ROWS_MIN, PAGE_ROWS_MAX = 32, 1024
ROWS_AT_ONCE_MAX = 2_000
TIDY_KEYS = 64
RECONNECT_SECONDS = 0.5
"""A database that is away is not asked for at every turn: each attempt holds up the process."""
LOOKS_PER_CHECK = 100
LOOKS_WITHOUT_BELL = 2
PLAIN_BYTES_MAX = 1_900
"""Longer keys are cut to so many bytes and end in the hash of their whole, which lies in the value: an index of PostgreSQL takes 2,704."""
HASHED_BYTES = PLAIN_BYTES_MAX + 32
_number = msgspec.msgpack.Decoder(int | float).decode
_long = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode
_bytes = msgspec.msgpack.Encoder().encode
Row = tuple[bytes, bytes | None, bytes | None]


class Postgres:
    """Shared engine over one connection, which is made anew when it is lost."""

    shard = 0

    def __init__(self, url: str, *, durable: bool = False) -> None:
        self._url = url
        self._settings = SETTINGS if durable else (*SETTINGS, FAST)
        self._wire: Wire | None = None
        self._owes_begin = False
        self._open = False
        self._puts: dict[bytes, bytes] = {}
        self._deletes: list[bytes] = []
        self._adds: dict[bytes, tuple[bytes, float]] = {}
        self._lowered: set[bytes] = set()
        """Counters that this process has lowered, so that their parts may cancel out."""
        self._looks = 0
        self._patient_until = 0.0
        self._connected()

    def get(self, key: bytes) -> bytes | None:
        found = self._rows(b"get", (_stored(key),))
        return next((value for _, value in _merged(found)), None)

    def amount(self, key: bytes) -> Amount:
        value = self.get(key)
        return 0 if value is None else _number(value)

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False, limit: int | None = None) -> Iterator[Item]:
        name = b"reverse" if reverse else b"forward"
        first, last = start[:PLAIN_BYTES_MAX], end if len(end) < HASHED_BYTES else end[:PLAIN_BYTES_MAX] + b"\xff"
        size = PAGE_ROWS_MIN if limit is None else min(limit, PAGE_ROWS_MAX)
        while True:
            rows = self._rows(name, (first, last, number(size + 1)))
            whole = len(rows) <= size
            if not whole:
                # More may follow at the last place, parts of the same key or long keys out of order: it is the next page's.
                held = rows[-1][0][:PLAIN_BYTES_MAX]
                rows = [row for row in rows if row[0][:PLAIN_BYTES_MAX] != held]
                first, last = (first, held + (b"\0" if len(held) < PLAIN_BYTES_MAX else b"\xff" * 33)) if reverse else (held, last)
            found = [item for item in _merged(rows) if start <= item[0] < end]
            if any(len(key) >= PLAIN_BYTES_MAX for key, _ in found):
                found.sort(reverse=reverse)
            yield from found
            if whole:
                return
            size = min(size * 4, PAGE_ROWS_MAX) if found else size * 4

    def values(self, start: bytes, end: bytes, limit: int) -> list[bytes]:
        return [value for _, value in islice(self.scan(start, end, limit=limit), limit)]

    def begin(self, *, firmly: bool) -> None:
        self._owes_begin = True

    def write(self, writes: Mapping[bytes, bytes | None], increments: Mapping[bytes, Amount]) -> None:
        for key, value in writes.items():
            if value is None:
                self._deletes.append(_stored(key))
            else:
                self._puts[_stored(key)] = value if len(key) < HASHED_BYTES else _bytes((key, value))
        for key, amount in increments.items():
            if amount:
                self._adds[_stored(key)] = (b"" if len(key) < HASHED_BYTES else key), float(amount)
        if len(self._puts) + len(self._deletes) > ROWS_AT_ONCE_MAX:
            self._ask(self._written())

    def commit(self, *, ring: bool = False) -> None:
        written = self._written()
        if self._open or written:
            rings = ring and self._connected().rings
            self._ask([*written, *([RING] if rings else ()), COMMIT])
        self._owes_begin = self._open = False

    def rollback(self) -> None:
        self._written()
        self._owes_begin = self._open = False
        if self._wire is not None and not self._wire.idle:
            try:
                self._wire.exchange([ROLLBACK])
            except StoreFull:
                self._disconnect()

    def changed(self) -> bool:
        self._looks += 1
        wire = self._connected()
        if len(self._lowered) >= TIDY_KEYS:
            self._tidy()
        if wire.rings:
            return wire.heard() or self._looks % LOOKS_PER_CHECK == 0
        return self._looks % LOOKS_WITHOUT_BELL == 0

    def clear(self) -> None:
        self._ask([(b"clear", ())])

    def save(self, path: str) -> None:
        self.begin(firmly=False)
        try:
            write_rows(path, self.scan(b"", b"\xff"))
        finally:
            self.rollback()

    def sync(self) -> None:
        """The database syncs what it commits, unless it is told not to."""

    def close(self) -> None:
        self._disconnect()

    def _connected(self) -> Wire:
        if self._wire is None:
            if stopwatch() < self._patient_until:
                raise StoreAway("the database can't be reached")
            self._patient_until = stopwatch() + RECONNECT_SECONDS
            self._wire = Wire(self._url, self._settings, SCHEMA, STATEMENTS, BELLS)
        return self._wire

    def _disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """Sends statements, within a transaction that is owed its beginning."""
        begins, self._owes_begin = self._owes_begin, False
        self._open = self._open or begins
        try:
            return self._connected().exchange([BEGIN, *commands] if begins else commands)
        except StoreFull:
            # Whatever it was, a fresh connection knows nothing of it.
            self._disconnect()
            raise

    def _rows(self, name: bytes, values: Sequence[bytes]) -> list[Row]:
        result = self._ask([(name, values)])[-1]
        get = result.get_value
        return [(get(row, 0), get(row, 1), get(row, 2)) for row in range(result.ntuples)]

    def _written(self) -> list[Command]:
        """The statements for what is to be written; keys in order, so that two transactions never wait for one another in a circle."""
        commands: list[Command] = []
        if self._deletes:
            commands.append((b"delete", (byte_strings(sorted(self._deletes)),)))
        if self._puts:
            keys = sorted(self._puts)
            commands.append((b"put", (byte_strings(keys), byte_strings([self._puts[key] for key in keys]))))
        if self._adds:
            keys = sorted(self._adds)
            wholes, amounts = [self._adds[key][0] for key in keys], [self._adds[key][1] for key in keys]
            commands.append((b"add", (byte_strings(keys), byte_strings(wholes), floats(amounts), number(self.shard % PARTS + 1))))
            self._lowered.update(key for key, amount in zip(keys, amounts, strict=True) if amount < 0)
        self._puts, self._deletes, self._adds = {}, [], {}
        return commands

    def _tidy(self) -> None:
        lowered, self._lowered = self._lowered, set()
        self.begin(firmly=False)
        try:
            self._ask([(b"tidy", (byte_strings(sorted(lowered)),)), COMMIT])
        except Conflict:
            self._lowered |= lowered
        finally:
            self.rollback()


def _stored(key: bytes) -> bytes:
    return key if len(key) < HASHED_BYTES else key[:PLAIN_BYTES_MAX] + hashlib.sha256(key).digest()


def _merged(rows: Sequence[Row]) -> Iterator[Item]:
    """The parts of each key as one value; counters that stand at 0 are not there."""
    for stored, parts in groupby(rows, key=lambda row: row[0]):
        key, value, total = stored, None, None
        for _, plain, amount in parts:
            if amount is None:
                value = plain
            else:
                total = (total or 0.0) + float_of(amount)
                key = plain or key
        if total is not None:
            total += 0 if value is None else _number(value)
            if total:
                yield key, _bytes(int(total) if total.is_integer() else total)
        elif value is not None:
            yield _long(value) if len(key) == HASHED_BYTES else (key, value)
