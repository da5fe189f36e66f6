"""`--durability=fsync`: whenever power is lost, all that was acknowledged is there afterwards, and nothing by halves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.kernel.disks import NAME, Disk
from windtunnel.kernel.store import Store, Table, Transaction, sqlite
from windtunnel.kernel.store.shared import SharedStore
from windtunnel.kernel.store.sqlite import SQLite
from windtunnel.kernel.store.sqlite_shared import SharedSQLite

LEFT = Table("left", str)
RIGHT = Table("right", str)
TRANSACTIONS = 60
SEEDS = 3


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    monkeypatch.setattr(sqlite, "WAL_PAGES", 12)  # so that checkpoints come often
    disk = Disk()
    yield disk
    disk.unregister()


def worked(disk: Disk, store: Store) -> dict[int, int]:
    """Does some work; returns how many events there had been when each transaction was acknowledged."""
    acknowledged: dict[int, int] = {}
    random = Random(1)
    for number in range(TRANSACTIONS):
        overlay = store.begin()
        tx = Transaction(overlay, "1", "here")
        for table in (LEFT, RIGHT):
            tx.put(table, number % 20, value=f"{number} {'x' * random.choice((10, 3_000, 20_000))}")
        store.keep(overlay)
        store.when_committed(lambda failure, number=number: acknowledged.setdefault(number, len(disk.events)))
        if random.random() < 0.6:
            store.flush()
    store.flush()
    return acknowledged


def audit(disk: Disk, acknowledged: dict[int, int], moment: int, folder: Path, random: Random | None) -> None:
    """What a start finds after power was lost at a moment."""
    folder.mkdir()
    disk.after(moment, folder, random)
    store = Store(SQLite(folder / "db"), woken=lambda _: None)
    tx = Transaction(store.begin(), "1", "here")
    found = {table.name: {key: row.partition(" ")[0] for key, row in tx.scan(table)} for table in (LEFT, RIGHT)}
    assert found["left"] == found["right"], f"half a transaction after {moment} events"
    last = max((number for number, at in acknowledged.items() if at <= moment), default=-1)
    for number in range(max(0, last - 19), last + 1):
        assert int(found["left"].get((number % 20,), -1)) >= number, f"transaction {number} is lost after {moment} events"
    store.close()


@pytest.mark.parametrize("shared", [False, True])
def test_what_was_acknowledged_survives_a_power_cut_at_every_sync(disk: Disk, tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "db"
    if shared:
        engine = SharedSQLite(path, durable=True, vfs=NAME, fsync=disk.fsync)
        store: Store = SharedStore(engine, woken=lambda _: None, missed=lambda: None, fraction=lambda: 0.0, synced=True)
    else:
        store = Store(SQLite(path, durable=True, vfs=NAME, fsync=disk.fsync), woken=lambda _: None, synced=True)
    acknowledged = worked(disk, store)
    moments = sorted(set(disk.syncs()))
    assert len(acknowledged) == TRANSACTIONS
    assert sum(event.syncs and event.file == "db" for event in disk.events) >= 3, "there were too few checkpoints"
    for moment in moments:
        audit(disk, acknowledged, moment, tmp_path / f"after-{moment}", None)
    for seed in range(SEEDS):
        for moment in range(moments[0], len(disk.events), 29):
            audit(disk, acknowledged, moment, tmp_path / f"{seed}-after-{moment}", Random(f"{seed}/{moment}"))
    store.close()


def test_without_it_a_power_cut_may_lose_what_was_acknowledged(disk: Disk, tmp_path: Path) -> None:
    store = Store(SQLite(tmp_path / "db", vfs=NAME), woken=lambda _: None)
    acknowledged = worked(disk, store)
    store.close()
    with pytest.raises(AssertionError, match="lost"):
        audit(disk, acknowledged, len(disk.events), tmp_path / "after", None)
