"""Two stores over the same rows against a dictionary: transactions that meet one another end as if one had come after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import Server
from windtunnel.app.boot import Storage
from windtunnel.kernel.store import Overlay, Table, Transaction
from windtunnel.kernel.store.shared import SharedStore


class Row(msgspec.Struct, frozen=True):
    size: int


ROWS = Table(
    "rows", Row, indexes={"size": lambda key, row: (row.size,)}, counters={"even": lambda key, row: () if row.size % 2 == 0 else None}
)
AMOUNTS = Table("amounts", int)
LONG = "é" * 1_500
"""Longer than an index of PostgreSQL takes."""
KEYS = st.sampled_from(["a", "a\0", "b", "é", "", LONG, f"{LONG}1"])
OPERATIONS = st.lists(st.tuples(st.sampled_from(["bump", "delete", "measure", "add", "take"]), KEYS), min_size=1, max_size=4)
STEPS = st.lists(st.tuples(st.integers(0, 1), OPERATIONS, st.none() | OPERATIONS), max_size=12)


class Model:
    """What both stores are to hold."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.amounts: dict[str, int] = {}

    def do(self, kind: str, key: str) -> None:
        if kind == "bump":
            self.rows[key] = self.rows.get(key, 0) + 1
        elif kind == "delete":
            self.rows.pop(key, None)
        elif kind == "measure":
            self.rows[key] = 10 + len(self.rows)
        else:
            self.amounts[key] = self.amounts.get(key, 0) + (2 if kind == "add" else -1)


def do(tx: Transaction, kind: str, key: str) -> None:
    if kind == "bump":
        row = tx.get(ROWS, key)
        tx.put(ROWS, key, value=Row(1 if row is None else row.size + 1))
    elif kind == "delete":
        tx.delete(ROWS, key)
    elif kind == "measure":
        tx.put(ROWS, key, value=Row(10 + len(list(tx.scan(ROWS)))))
    else:
        tx.add(AMOUNTS, key, amount=2 if kind == "add" else -1)


def transact(store: Any, operations: list[tuple[str, str]], other: Any = None, meanwhile: list[tuple[str, str]] | None = None) -> None:
    """Runs operations as one transaction; `other` commits something between the reads and the end of its first run."""
    runs: list[int] = []

    def attempt(overlay: Overlay) -> tuple[None, bool]:
        runs.append(1)
        tx = Transaction(overlay, "1", "here")
        tx.get(ROWS, "a")
        if meanwhile and len(runs) == 1:
            transact(other, meanwhile)
        for kind, key in operations:
            do(tx, kind, key)
        return None, True

    store.transact(attempt)


@contextmanager
def opened(storage: Storage, folder: Path) -> Generator[list[SharedStore]]:
    stores: list[Any] = []
    for number in (1, 2):
        engine: Any = storage.open(folder)
        stores.append(SharedStore(engine, woken=lambda _: None, missed=lambda: None, fraction=lambda: 0.0))
        stores[-1].join(number)
    try:
        yield stores
    finally:
        for store in stores:
            store.close()


def checked(store: SharedStore, model: Model) -> None:
    def look(overlay: Overlay) -> None:
        tx = Transaction(overlay, "1", "here")
        expected = sorted(model.rows.items(), key=lambda item: item[0].encode())
        assert [(key[0], row.size) for key, row in tx.scan(ROWS)] == expected
        assert [(key[0], row.size) for key, row in tx.scan(ROWS, limit=1)] == expected[:1]
        assert [(key[0], row.size) for key, row in tx.scan(ROWS, reverse=True)] == expected[::-1]
        long = [item for item in expected if item[0] >= LONG]
        assert [(key[0], row.size) for key, row in tx.scan(ROWS, start=(LONG,), reverse=True, limit=1)] == long[::-1][:1]
        assert [(key[0], row.size) for key, row in tx.scan(ROWS, "a", limit=1)] == [item for item in expected if item[0] == "a"]
        assert tx.count(ROWS, "even") == sum(size % 2 == 0 for size in model.rows.values())
        assert [row.size for _, row in tx.find(ROWS, "size")] == sorted(model.rows.values())
        for key in ("a", "b", LONG):
            assert tx.amount(AMOUNTS, key) == model.amounts.get(key, 0)
        assert {key[0]: amount for key, amount in tx.scan(AMOUNTS)} == {key: amount for key, amount in model.amounts.items() if amount}

    store.read(look)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@pytest.mark.parametrize("kind", ["shared", "postgres"])
def test_transactions_that_meet_end_as_if_one_came_after_the_other(request: pytest.FixtureRequest, kind: str, steps: list[Any]) -> None:
    storage = Storage(shared=True)
    if kind == "postgres":
        server: Server = request.getfixturevalue("postgres")
        server.empty()
        storage = Storage(url=server.url)
    with tempfile.TemporaryDirectory() as folder, opened(storage, Path(folder)) as stores:
        model = Model()
        for which, operations, meanwhile in steps:
            transact(stores[which], operations, stores[1 - which], meanwhile)
            for one in [*(meanwhile or ()), *operations]:
                model.do(*one)
            for store in stores:
                checked(store, model)
