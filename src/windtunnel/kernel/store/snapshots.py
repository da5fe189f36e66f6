"""A region's rows as a file, the same for every engine: a SQLite database with one table of keys and values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import cast

import apsw

from windtunnel.kernel.store.overlay import Item

CREATE_ROWS = "CREATE TABLE IF NOT EXISTS rows (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID"


def rows_of(path: str, number: int) -> Iterator[dict[bytes, bytes | None]]:
    """What a file holds, so many rows at a time."""
    with closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as source:
        rows = cast(Iterator[Item], source.execute("SELECT k, v FROM rows ORDER BY k"))
        while chunk := dict(islice(rows, number)):
            yield {**chunk}


def write_rows(path: str, rows: Iterable[Item]) -> None:
    """Makes a file of rows."""
    with closing(apsw.Connection(path)) as target:
        target.execute("PRAGMA synchronous=OFF")
        target.execute(CREATE_ROWS)
        with target:
            target.executemany("INSERT INTO rows VALUES (?, ?)", rows)
