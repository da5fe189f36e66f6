"""A connection to a database that speaks PostgreSQL's protocol: prepared statements, several of them in one round trip.

libpq is used as it is, through psycopg's wrapper of it: a statement costs a tenth of what it costs through a cursor.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from psycopg import OperationalError, pq

from windtunnel.kernel.store.engine import Conflict, StoreAway, StoreFull

Command = tuple[bytes, Sequence[bytes | None]]
"""A prepared statement's name, and its parameters in binary form."""
CONNECT_SECONDS_MAX = 5
CONFLICTS = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock, and two inserts of one key, which a serializable transaction may meet as well:
https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html"""
BYTEA_OID, FLOAT8_OID = 17, 701
_INT8 = struct.Struct(">q")
_INT4 = struct.Struct(">i")
_FLOAT8 = struct.Struct(">d")
_ARRAY = struct.Struct(">iiIii")
_BINARY = pq.Format.BINARY
_GOOD = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})


class Wire:
    """One connection. Raises StoreAway where it is lost, StoreFull where the database refuses, Conflict where it is to be tried again."""

    def __init__(
        self, url: str, settings: Sequence[str], schema: Sequence[str], statements: Mapping[bytes, str], bells: Mapping[bytes, str]
    ) -> None:
        separator = "&" if "?" in url else "?"
        connected = pq.PGconn.connect(f"{url}{separator}connect_timeout={CONNECT_SECONDS_MAX}".encode())
        self._connection = connected
        if connected.status != pq.ConnStatus.OK:
            raise StoreAway(_message(connected.get_error_message()))
        for setting in settings:
            connected.exec_(f"SET {setting}".encode())  # what a server doesn't know it does without
        for text in schema:
            # Two servers that start at once may make the same table.
            _checked(connected.exec_(text.encode()), but={"23505", "42P07", "42710"})
        for name, text in statements.items():
            _checked(connected.prepare(name, text.encode()))
        # Tried rather than asked for: some servers know the statements and refuse them when they run.
        self.rings = all(connected.exec_(text.encode()).status in _GOOD for text in bells.values())
        """Whether the server tells its clients of what one of them notifies."""
        for name, text in bells.items() if self.rings else ():
            _checked(connected.prepare(name, text.encode()))
        connected.enter_pipeline_mode()

    @property
    def idle(self) -> bool:
        """Whether no transaction is open."""
        return self._connection.transaction_status == pq.TransactionStatus.IDLE

    def exchange(self, commands: Sequence[Command]) -> list[pq.abc.PGresult]:
        """The results of statements that are sent together; none after one that failed has any effect."""
        connection = self._connection
        results: list[pq.abc.PGresult] = []
        failed: pq.abc.PGresult | None = None
        try:
            for name, values in commands:
                connection.send_query_prepared(name, values, [_BINARY] * len(values), result_format=_BINARY)
            connection.pipeline_sync()
            for _ in commands:
                result = connection.get_result()
                if result is None:
                    raise StoreAway("the connection to the database was lost")
                results.append(result)
                if result.status not in _GOOD and failed is None:
                    failed = result
                connection.get_result()  # the end of this statement
            connection.get_result()  # the end of all
        except OperationalError as error:
            raise StoreAway(str(error)) from error
        if failed is not None:
            _checked(failed)
        return results

    def heard(self) -> bool:
        """Whether another client rang since the last time."""
        connection = self._connection
        connection.consume_input()
        heard = False
        while (told := connection.notifies()) is not None:
            heard = heard or told.be_pid != connection.backend_pid
        return heard

    def close(self) -> None:
        self._connection.finish()


def _checked(result: pq.abc.PGresult, but: frozenset[str] | set[str] = frozenset()) -> None:
    if result.status in _GOOD:
        return
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    if state in but:
        return
    if state in CONFLICTS:
        raise Conflict
    raise StoreFull(_message(result.get_error_message()))


def _message(text: str) -> str:
    return " ".join(text.split())


def number(value: int) -> bytes:
    return _INT8.pack(value)


def float_of(value: bytes) -> float:
    return _FLOAT8.unpack(value)[0]


def byte_strings(values: Sequence[bytes]) -> bytes:
    """An array of bytea in binary form."""
    return _ARRAY.pack(1, 0, BYTEA_OID, len(values), 1) + b"".join([_INT4.pack(len(value)) + value for value in values])


def floats(values: Sequence[float]) -> bytes:
    """An array of float8 in binary form."""
    return _ARRAY.pack(1, 0, FLOAT8_OID, len(values), 1) + b"".join([b"\0\0\0\x08" + _FLOAT8.pack(value) for value in values])
