"""The store against a dictionary: whatever is put, deleted, kept, dropped, nested, committed and reopened, both hold the same."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from windtunnel.kernel.store import Key, Overlay, Store, Table, Transaction
from windtunnel.kernel.store.sqlite import SQLite


class Row(msgspec.Struct, frozen=True):
    colour: str
    size: int


ROWS = Table(
    "rows",
    Row,
    indexes={"colour": lambda key, row: (row.colour,), "large": lambda key, row: (row.size,) if row.size > 5 else None},
    counters={"colours": lambda key, row: (row.colour,)},
)
KEYS = st.tuples(st.sampled_from(["a", "a\0", "ab", "é", ""]), st.integers(-300, 300) | st.floats(-2, 2).map(float))
VALUES = st.builds(Row, st.sampled_from(["red", "blue"]), st.integers(0, 10))
Model = dict[Key, Row]


def in_order(model: Model) -> list[tuple[Key, Row]]:
    # Whole numbers sort before floats: parts of different types sort by type.
    return sorted(model.items(), key=lambda item: (item[0][0].encode(), isinstance(item[0][1], float), item[0][1]))  # type: ignore[union-attr]


class StoreMachine(RuleBasedStateMachine):
    """Layers of transactions over a file; `models` holds one dictionary a layer, the lowest being what was kept."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.db"
        self.durable: Model = {}
        self.models: list[Model] = [{}]
        self.open()

    def open(self) -> None:
        self.store = Store(SQLite(self.path), woken=lambda _: None)
        self.overlays: list[Overlay] = []

    @property
    def tx(self) -> Transaction:
        overlay = self.overlays[-1] if self.overlays else self.store.begin()
        return Transaction(overlay, "1", "here")

    @rule()
    @precondition(lambda self: len(self.overlays) < 3)
    def begin(self) -> None:
        self.overlays.append(Overlay(self.overlays[-1]) if self.overlays else self.store.begin())
        self.models.append(dict(self.models[-1]))

    @rule(key=KEYS, value=VALUES)
    @precondition(lambda self: bool(self.overlays))
    def put(self, key: Key, value: Row) -> None:
        self.tx.put(ROWS, *key, value=value)
        self.models[-1][key] = value

    @rule(key=KEYS)
    @precondition(lambda self: bool(self.overlays))
    def delete(self, key: Key) -> None:
        self.tx.delete(ROWS, *key)
        self.models[-1].pop(key, None)

    @rule()
    @precondition(lambda self: bool(self.overlays))
    def keep(self) -> None:
        overlay, model = self.overlays.pop(), self.models.pop()
        self.models[-1] = model
        if self.overlays:
            self.overlays[-1].merge(overlay)
        else:
            self.store.keep(overlay)

    @rule()
    @precondition(lambda self: bool(self.overlays))
    def drop(self) -> None:
        self.overlays.pop()
        self.models.pop()

    @rule()
    @precondition(lambda self: not self.overlays)
    def commit(self) -> None:
        self.store.flush()
        self.durable = dict(self.models[-1])

    @rule()
    def crash(self) -> None:
        """What was committed is there after a reopening, and nothing else."""
        self.store._engine.close()  # pyright: ignore[reportPrivateUsage]
        self.open()
        self.models = [dict(self.durable)]

    @invariant()
    def rows_are_equal(self) -> None:
        assert list(self.tx.scan(ROWS)) == in_order(self.models[-1])
        assert list(self.tx.scan(ROWS, reverse=True)) == in_order(self.models[-1])[::-1]

    @invariant()
    def pages_are_equal(self) -> None:
        expected = [item for item in in_order(self.models[-1]) if item[0][0] == "a"]
        assert list(self.tx.scan(ROWS, "a", limit=2)) == expected[:2]
        assert list(self.tx.scan(ROWS, "a", limit=2, reverse=True)) == expected[::-1][:2]
        assert self.tx.records(ROWS, "a", limit=2) == [row for _, row in expected[:2]]
        middle: Callable[[Key], bool] = lambda key: isinstance(key[1], int) and -10 <= key[1] < 200  # noqa: E731
        assert list(self.tx.scan(ROWS, "a", start=(-10,), end=(200,))) == [item for item in expected if middle(item[0])]
        assert self.tx.records(ROWS, "a", start=(-10,), end=(200,), limit=100) == [row for key, row in expected if middle(key)]

    @invariant()
    def derived_rows_are_equal(self) -> None:
        model: dict[Any, Row] = dict(self.models[-1])
        for colour in ("red", "blue"):
            expected = {key: row for key, row in model.items() if row.colour == colour}
            assert dict(self.tx.find(ROWS, "colour", colour)) == expected
            assert self.tx.count(ROWS, "colours", colour) == len(expected)
        sizes = [row.size for _, row in self.tx.find(ROWS, "large")]
        assert sizes == sorted(row.size for row in model.values() if row.size > 5)

    def teardown(self) -> None:
        self.store._engine.close()  # pyright: ignore[reportPrivateUsage]
        self.folder.cleanup()


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
