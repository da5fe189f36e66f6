"""A store that several processes share: a transaction runs again where another process was quicker.

Nothing above the store knows: a result is final when `transact` returns. Who can wait asks `gather` instead, which runs and commits
all transactions of a turn of the event loop as one.
"""

from __future__ import annotations

from asyncio import TimerHandle, get_running_loop
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from windtunnel.kernel.clock import pause
from windtunnel.kernel.store.engine import Conflict, SharedEngine, StoreAway, StoreFull
from windtunnel.kernel.store.gathering import Attempt, Gathering
from windtunnel.kernel.store.news import News, forget_old
from windtunnel.kernel.store.overlay import Channel, Overlay
from windtunnel.kernel.store.snapshots import rows_of
from windtunnel.kernel.store.store import Store
from windtunnel.kernel.store.syncer import Told

Result = TypeVar("Result")
Again = type[BaseException] | tuple[type[BaseException], ...]
TRIES_MAX = 24
PATIENT_TRIES = 4
"""After so many tries a transaction waits a little before the next, longer each time and by chance."""
PAUSE_SECONDS = 0.0005
PAUSE_SECONDS_MAX = 0.02
LOOK_SECONDS = 0.01
LATER_SECONDS = 0.05
"""Records of calls that changed nothing are written together, this much later or with the next commit."""
LOAD_ROWS = 1_000


class StoreBusy(StoreFull):
    """A transaction met others at each of its tries; nothing of it was kept."""


class SharedStore(Store):
    """As Store, over an engine that others write to as well. `missed` is told when news may have been missed: anything may have changed.

    `returned` is told when the engine can be reached again, after it could not: whatever was under way here may have failed meanwhile.
    `found` is told when something could be written after something could not.
    """

    shared = True

    def __init__(
        self,
        engine: SharedEngine,
        *,
        woken: Callable[[set[Channel]], None],
        missed: Callable[[], None],
        returned: Callable[[], None] = lambda: None,
        found: Callable[[], None] = lambda: None,
        fraction: Callable[[], float],
        synced: bool = False,
    ) -> None:
        super().__init__(engine, woken=woken, found=found, synced=synced)  # pyright: ignore[reportArgumentType]
        self._shared = engine
        self._missed = missed
        self._returned = returned
        self._away = False
        self._fraction = fraction
        self._news = News(engine)
        self._wakes: set[Channel] = set()
        self._aside: list[Overlay] | None = None
        """What is kept apart while a transaction runs: it stays where that is undone, and goes where it is run again."""
        self._wrote = False
        self._looking: TimerHandle | None = None
        self._flushing: TimerHandle | None = None
        self._gathering = Gathering(self._once, self.transact, self._end_turn)

    def join(self, number: int) -> None:
        """Says which of the region's processes this one is."""
        self._shared.shard = number
        self._news.join(number)

    def start(self) -> None:
        """Begins to look for news, in the running event loop."""
        if self._looking is None:
            self._news.skip()
            self._looking = get_running_loop().call_later(LOOK_SECONDS, self._look)

    def transact(self, attempt: Attempt[Result]) -> Result:
        """The result of `attempt`, run over a fresh transaction until its writes are committed.

        What it raises undoes it. Raises StoreBusy where it is in conflict again and again.
        """
        for number in range(1, TRIES_MAX + 1):
            try:
                return self._try(attempt, firmly=number > 1)
            except Conflict:
                if number >= PATIENT_TRIES:
                    pause(min(PAUSE_SECONDS * 2 ** (number - PATIENT_TRIES), PAUSE_SECONDS_MAX) * self._fraction())
        raise StoreBusy("too many transactions at once want to change the same rows")

    def read(self, function: Callable[[Overlay], Result]) -> Result:
        """What a function makes of rows as they are at one moment; what it writes is forgotten."""
        return self.transact(lambda overlay: (function(Overlay(overlay)), False))

    def gather(self, attempt: Attempt[Result]) -> Coroutine[Any, Any, Result]:
        """As `transact`, in one commit with all that are asked for in this turn of the loop; returns when that stands."""
        return self._gathering.run(attempt)

    def keep(self, overlay: Overlay, *, owed: bool = True) -> None:
        """Takes what was written without being read: commits it where it is owed, or with the next commit."""
        if owed:
            self.transact(lambda fresh: (fresh.merge(overlay), True))
        elif self._aside is not None:
            self._aside.append(overlay)
        else:
            self._put_off(overlay)

    def flush(self) -> None:
        """Commits what was gathered and what was put off, and tells those who wait what is durable by now."""
        self._gathering.commit()
        if self._group.changes:
            late = self._late()
            self._group.clear()
            with suppress(StoreFull):  # nobody waits for what was put off
                self.keep(late)
        self._end_turn()

    def clear(self, kept: Mapping[bytes, bytes] | None = None, wakes: set[Channel] | None = None) -> None:
        """Forgets everything but the rows `kept`, in one transaction."""
        self._replace("", kept or {}, wakes or set())

    def load(self, path: str, kept: Mapping[bytes, bytes] | None = None, wakes: set[Channel] | None = None) -> None:
        """Replaces everything by a snapshot and the rows `kept`, in one transaction."""
        self._replace(path, kept or {}, wakes or set())

    def close(self) -> None:
        for timer in (self._looking, self._flushing):
            if timer is not None:
                timer.cancel()
        self._looking = None
        super().close()

    def forget_news(self) -> None:
        """Removes the news of processes that have long been gone."""
        self.transact(forget_old)

    def _replace(self, path: str, kept: Mapping[bytes, bytes], wakes: set[Channel]) -> None:
        self._group.clear()

        def replace(overlay: Overlay) -> tuple[None, bool]:
            self._shared.clear()
            if path:
                for rows in rows_of(path, LOAD_ROWS):
                    self._shared.write(rows, {})
            overlay.writes.update(kept)
            overlay.wakes.update(wakes)
            return None, True

        self.transact(replace)

    def _try(self, attempt: Attempt[Result], *, firmly: bool, again: Again = Conflict) -> Result:
        """Runs `attempt` once over a fresh transaction and commits that.

        What is kept aside meanwhile stays where the attempt is undone, and goes where it fails with what makes it run `again`.
        """
        aside = self._aside = list[Overlay]()
        try:
            self._shared.begin(firmly=firmly)
            overlay = Overlay(self._group)
            result, owed = attempt(overlay)
            for apart in aside:
                overlay.merge(apart)
            if owed and overlay.changes:
                self._commit(overlay)
            else:
                self._shared.commit()
                self._put_off(overlay)
            return result
        except again:
            self._shared.rollback()
            raise
        except BaseException as error:
            self._shared.rollback()
            self._away |= isinstance(error, StoreAway)
            self._failing |= isinstance(error, StoreFull)
            self._put_off(*aside)
            raise
        finally:
            self._aside = None

    def _once(self, attempt: Attempt[None], firmly: bool) -> None:
        self._try(attempt, firmly=firmly, again=(Conflict, StoreFull))

    def _late(self) -> Overlay:
        """What was put off, as a layer of its own: it stays until that is committed."""
        late = Overlay(self._shared)
        late.merge(self._group)
        return late

    def _commit(self, overlay: Overlay) -> None:
        """Ends the open transaction with its writes and with what was put off."""
        whole = self._late()
        whole.merge(overlay)
        edition = self._news.tell(whole)
        self._shared.write(whole.writes, whole.increments)
        self._shared.commit(ring=edition is not None)
        if edition is not None:
            self._news.told(edition)
        self._group.clear()
        self._wakes |= whole.wakes
        self._wrote = self._owed = True
        self._schedule()
        if self._failing:
            self._failing = False
            with suppress(RuntimeError):
                get_running_loop().call_soon(self._found)

    def _put_off(self, *overlays: Overlay) -> None:
        for overlay in overlays:
            if not overlay.changes:
                continue
            self._group.merge(overlay)
            if self._flushing is None:
                with suppress(RuntimeError):  # no loop: a command, which flushes itself
                    self._flushing = get_running_loop().call_later(LATER_SECONDS, self._flush_put_off)

    def _flush_put_off(self) -> None:
        self._flushing = None
        self.flush()

    def _flush_scheduled(self) -> None:
        if self._scheduled:
            self._end_turn()

    def _end_turn(self) -> None:
        self._scheduled = self._owed = False
        waiting, self._waiting = self._waiting, []
        wakes, self._wakes = self._wakes, set()
        wrote, self._wrote = self._wrote, False
        if self._syncer is None or not wrote:
            self._tell(waiting, wakes, None)
        else:
            self._syncer.after(lambda failure: self._tell(waiting, wakes, failure))

    def _tell(self, waiting: list[Told], wakes: set[Channel], failure: StoreFull | None) -> None:
        super()._tell(waiting, wakes, failure)
        if self._gathering.found_nothing and wakes and failure is None:
            # It would wait for good for what it is told of before it waits.
            with suppress(RuntimeError):
                get_running_loop().call_soon(self._woken, wakes)

    def _look(self) -> None:
        self._looking = get_running_loop().call_later(LOOK_SECONDS, self._look)
        try:
            if self._shared.changed() or self._away:
                self._hear()
        except StoreFull:
            self._away = True
            return
        if self._away:
            self._away = False
            self._returned()

    def _hear(self) -> None:
        wakes = self._news.hear()
        if wakes is None:
            self._missed()
        elif wakes:
            self._woken(wakes)
