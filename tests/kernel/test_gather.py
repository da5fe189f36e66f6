"""Transactions of one turn over rows that others write as well: one commit, and only what read something that has changed runs again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from windtunnel.kernel.store import Overlay, StoreFull
from windtunnel.kernel.store.gathering import GATHERED_MAX
from windtunnel.kernel.store.shared import SharedStore
from windtunnel.kernel.store.sqlite_shared import SharedSQLite

Attempt = Callable[[Overlay], tuple[Any, bool]]


class Counting(SharedSQLite):
    """Counts what it commits, and can be full or die in the midst of it."""

    commits = 0
    full = dies = False

    def commit(self, *, ring: bool = False) -> None:
        if self.full:
            raise StoreFull("database or disk is full")
        self.commits += self._wrote
        super().commit(ring=ring)
        if self.dies:
            self._memory[0] -= 1  # the rows have been written, and nobody was told


class One:
    """One process's store."""

    def __init__(self, path: Path) -> None:
        self.engine = Counting(path)
        self.store = SharedStore(self.engine, woken=lambda _: None, missed=lambda: None, fraction=lambda: 0.0)

    def put(self, key: bytes, value: bytes) -> None:
        self.store.transact(lambda overlay: (overlay.put(key, value), True))

    def get(self, key: bytes) -> bytes | None:
        return self.store.read(lambda overlay: overlay.get(key))

    def gather(self, *attempts: Attempt) -> list[Any]:
        async def together() -> list[Any]:
            return await asyncio.gather(*map(self.store.gather, attempts), return_exceptions=True)

        return asyncio.run(together())


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[One, One]]:
    one, two = One(tmp_path / "db"), One(tmp_path / "db")
    yield one, two
    one.store.close()
    two.store.close()


def append(key: bytes, text: bytes, runs: list[bytes], meanwhile: Callable[[], None] = lambda: None) -> Attempt:
    """Adds to a row; `meanwhile` happens in its first run, after it has read."""

    def attempt(overlay: Overlay) -> tuple[bytes, bool]:
        value = (overlay.get(key) or b"") + text
        if text not in runs:
            meanwhile()
        runs.append(text)
        overlay.put(key, value)
        return value, True

    return attempt


def test_all_of_a_turn_are_one_commit_and_see_one_another(pair: tuple[One, One]) -> None:
    one, two = pair
    assert one.gather(*(append(b"k", text, []) for text in (b"a", b"b", b"c"))) == [b"a", b"ab", b"abc"]
    assert (one.engine.commits, two.get(b"k")) == (1, b"abc")


def test_more_than_go_together_go_in_several_commits(pair: tuple[One, One]) -> None:
    one, _ = pair
    assert one.gather(*(append(b"k", b"x", []) for _ in range(GATHERED_MAX + 1)))[-1] == b"x" * (GATHERED_MAX + 1)
    assert one.engine.commits == 2


def test_one_that_fails_is_undone_alone(pair: tuple[One, One]) -> None:
    one, two = pair

    def fail(overlay: Overlay) -> tuple[None, bool]:
        overlay.put(b"k", b"never")
        raise KeyError("a bug")

    first, second, third = one.gather(append(b"k", b"a", []), fail, append(b"k", b"b", []))
    assert (first, repr(second), third, two.get(b"k")) == (b"a", "KeyError('a bug')", b"ab", b"ab")


def test_those_that_only_read_lock_nobody_out(pair: tuple[One, One]) -> None:
    one, two = pair
    two.put(b"k", b"v")

    def look(overlay: Overlay) -> tuple[bytes | None, bool]:
        two.put(b"other", b"w")  # would wait for ever for its turn
        return overlay.get(b"k"), True

    assert (one.gather(look), one.engine.commits) == ([b"v"], 0)


def test_a_turn_runs_again_where_a_row_that_it_read_has_changed(pair: tuple[One, One]) -> None:
    one, two = pair
    runs: list[bytes] = []
    found = one.gather(append(b"k", b"a", runs), append(b"k", b"b", runs, lambda: two.put(b"k", b"before ")))
    assert (found, runs, two.get(b"k")) == ([b"before a", b"before ab"], [b"a", b"b", b"a", b"b"], b"before ab")


def test_another_row_that_changed_makes_nothing_run_again(pair: tuple[One, One]) -> None:
    one, two = pair
    runs: list[bytes] = []
    assert one.gather(append(b"k", b"a", runs, lambda: two.put(b"other", b"v"))) == [b"a"]
    assert (runs, one.get(b"other"), two.get(b"k")) == ([b"a"], b"v", b"a")


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize(("key", "runs"), [(b"r2", 2), (b"r", 1), (b"s", 1), (b"r4", 2), (b"r1", 2)])
def test_a_range_has_changed_where_a_row_in_it_has(pair: tuple[One, One], page: bool, key: bytes, runs: int) -> None:
    one, two = pair
    for row in (b"r1", b"r3"):
        two.put(row, b"v")
    seen: list[int] = []

    def count(overlay: Overlay) -> tuple[int, bool]:
        found = overlay.values(b"r0", b"r9", 9) if page else [value for _, value in overlay.scan(b"r0", b"r9")]
        if not seen:
            two.put(key, b"new")
        seen.append(len(found))
        overlay.put(b"count", str(len(found)).encode())
        return len(found), True

    assert one.gather(count) == [2 + (key in (b"r2", b"r4") and runs == 2)]
    assert len(seen) == runs


def test_of_a_range_only_what_was_read_counts(pair: tuple[One, One]) -> None:
    one, two = pair
    two.put(b"r1", b"v")
    runs: list[None] = []

    def first(overlay: Overlay) -> tuple[bytes, bool]:
        key, _ = next(overlay.scan(b"r0", b"r9"))
        if not runs:
            two.put(b"r2", b"behind it")
        runs.append(None)
        overlay.put(b"first", key)
        return key, True

    assert (one.gather(first), len(runs)) == ([b"r1"], 1)


def test_each_is_told_when_nothing_can_be_written(pair: tuple[One, One]) -> None:
    one, two = pair
    one.engine.full = True
    assert [type(found) for found in one.gather(append(b"k", b"a", []), append(b"k", b"b", []))] == [StoreFull, StoreFull]
    one.engine.full = False
    two.put(b"k", b"v")  # nobody holds the turn
    assert one.get(b"k") == b"v"


def test_what_stands_is_not_told_as_lost_where_what_was_put_off_finds_no_room(pair: tuple[One, One]) -> None:
    one, two = pair
    record = one.store.begin()
    record.put(b"record", b"1")

    async def send() -> None:
        one.put(b"k", b"v")
        one.store.keep(record, owed=False)
        one.engine.full = True
        one.store.when_committed(told.append)
        one.store.flush()

    told = list[Any]()
    asyncio.run(send())
    assert (told, two.get(b"k"), two.get(b"record")) == ([None], b"v", None)


def test_who_found_nothing_is_woken_by_what_comes_in_the_same_turn(pair: tuple[One, One]) -> None:
    one, _ = pair
    waiting = list[asyncio.Future[None]]()

    def woken(_: object) -> None:
        for future in waiting:
            future.set_result(None)
        waiting.clear()

    def send(overlay: Overlay) -> tuple[None, bool]:
        overlay.put(b"k", b"1")
        overlay.wakes.add(("k",))
        return None, True

    async def receive() -> bytes | None:
        while (found := await one.store.gather(lambda overlay: (overlay.get(b"k"), False))) is None:
            waiting.append(asyncio.get_running_loop().create_future())
            await waiting[-1]
        return found

    async def together() -> bytes | None:
        async with asyncio.timeout(5):
            found, _ = await asyncio.gather(receive(), one.store.gather(send))
            return found

    one.store._woken = woken  # pyright: ignore[reportPrivateUsage]
    assert asyncio.run(together()) == b"1"


def test_who_is_cancelled_meanwhile_goes_on_to_its_next_wait(pair: tuple[One, One]) -> None:
    one, two = pair
    seen: list[Any] = []

    async def story() -> None:
        async def call() -> None:
            seen.append(await one.store.gather(append(b"k", b"a", [])))
            await asyncio.sleep(0)
            seen.append("beyond it")

        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert (seen, two.get(b"k")) == ([b"a"], b"a")


def test_what_is_remembered_is_forgotten_when_another_has_written(pair: tuple[One, One]) -> None:
    one, two = pair
    two.put(b"k", b"1")
    assert [one.get(b"k"), one.engine.get(b"k")] == [b"1", b"1"]
    two.put(b"k", b"2")
    assert [one.engine.get(b"k"), one.get(b"k")] == [b"2", b"2"]


def test_nothing_is_remembered_after_somebody_died_in_a_commit(pair: tuple[One, One]) -> None:
    one, two = pair
    two.put(b"k", b"1")
    assert one.get(b"k") == b"1"
    two.engine.dies = True
    two.put(b"k", b"2")
    assert [one.engine.changed(), one.engine.changed()] == [True, True]
    assert [one.engine.get(b"k"), one.get(b"k")] == [b"2", b"2"]
    one.put(b"k", b"3")
    two.engine.dies = False
    assert [one.engine.changed(), two.get(b"k")] == [False, b"3"]
    two.put(b"k", b"4")
    assert [one.engine.changed(), one.engine.changed(), one.get(b"k")] == [True, False, b"4"]
