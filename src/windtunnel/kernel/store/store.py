"""The store: transactions of one turn of the event loop become one commit, and replies wait for it."""

from __future__ import annotations

from asyncio import CancelledError, Future, current_task, get_running_loop
from collections.abc import Callable
from contextlib import suppress

from windtunnel.kernel.store.engine import Engine, StoreFull
from windtunnel.kernel.store.overlay import Channel, Overlay
from windtunnel.kernel.store.syncer import Syncer, Told

SPILL_WRITES_MAX = 256
"""Beyond so many writes the group goes to the engine early (still uncommitted): scans pass over what a group holds."""
GROUP_TRANSACTIONS_MAX = 64
"""A group is committed at the latest when it has so many transactions."""


async def heard(ask: Callable[[Told], None]) -> StoreFull | None:
    """What is told to the function that `ask` is given. Cancelled meanwhile, the task goes on to its next wait all the same."""
    outcome: list[StoreFull | None] = []
    waker: Future[None] = get_running_loop().create_future()

    def told(failure: StoreFull | None) -> None:
        outcome.append(failure)
        if not waker.done():
            waker.set_result(None)

    ask(told)
    interrupted = False
    while not outcome:
        try:
            await waker
        except CancelledError:
            interrupted = True
            waker = get_running_loop().create_future()
    if interrupted and (task := current_task()) is not None:
        task.cancel()
    return outcome[0]


class Store:
    """Overlay transactions over an engine, with one group commit a loop turn.

    `woken` is told the channels that a commit wakes, `lost` that one failed, `found` that one succeeded after that. `synced`: what is
    committed counts as durable once the
    engine has synced it, in a thread. Without a running loop (a command that opens a store), call `flush`.
    """

    shared = False
    """Whether other processes use the same rows at the same time."""

    def __init__(
        self,
        engine: Engine,
        *,
        woken: Callable[[set[Channel]], None],
        lost: Callable[[], None] = lambda: None,
        found: Callable[[], None] = lambda: None,
        synced: bool = False,
    ) -> None:
        self._engine = engine
        self._syncer = Syncer(engine.sync) if synced else None
        self._woken = woken
        self._lost = lost
        self._found = found
        self._failing = False
        self._group = Overlay(engine)
        self._scheduled = False
        self._owed = False
        self._kept = 0
        self._kept_before = 0
        self._spilled = False
        self._spill_failure: StoreFull | None = None
        self._waiting: list[Told] = []

    def begin(self) -> Overlay:
        """A fresh transaction. Hand it to `keep` to make its writes stand; forget it to undo them."""
        return Overlay(self._group)

    def keep(self, overlay: Overlay, *, owed: bool = True) -> None:
        """Takes a transaction into the turn's group: later transactions see it, `committed` says when it is durable.

        What is not `owed` to anyone (a record of a call that only read) is committed with the rest, and nobody waits for it, so that
        a full disk refuses writes alone.
        """
        if not (overlay.writes or overlay.increments or overlay.wakes):
            return
        group = self._group
        group.merge(overlay)
        self._kept += 1
        self._owed = self._owed or owed
        if len(group.writes) > SPILL_WRITES_MAX:
            self._spill()
        self._schedule()

    @property
    def pending(self) -> bool:
        """Whether anything kept is not durable yet, of what is owed to somebody."""
        return self._owed or (self._syncer is not None and self._syncer.busy)

    def when_committed(self, told: Told) -> None:
        """Calls `told` once all that was kept so far is durable, with what went wrong if it isn't; at once if nothing is open."""
        if self._owed:
            self._waiting.append(told)
        elif self._syncer is not None and self._syncer.busy:
            self._syncer.along(told)
        else:
            told(None)

    async def committed(self) -> None:
        """Returns once all that was kept so far is durable. Raises StoreFull where it could not be.

        A task that is cancelled here goes on to its next wait: what it kept stands by now, and it must not take it for undone.
        """
        if self.pending and (failure := await heard(self.when_committed)) is not None:
            raise failure

    def flush(self) -> None:
        """Commits the group now."""
        self._scheduled = self._owed = False
        self._kept = self._kept_before = 0
        waiting, self._waiting = self._waiting, []
        group, wakes = self._group, self._group.wakes
        failure: StoreFull | None = None
        wrote = bool(group.writes or group.increments or self._spilled)
        try:
            if self._spill_failure is not None:
                raise self._spill_failure
            if wrote:
                self._engine.write(group.writes, group.increments)
                self._engine.commit()
        except StoreFull as error:
            self._engine.rollback()
            failure = error
        self._spilled = False
        self._spill_failure = None
        self._group.wakes = set()
        group.clear()
        if self._syncer is None or not wrote or failure is not None:
            self._tell(waiting, wakes, failure)
        else:
            self._syncer.after(lambda failure: self._tell(waiting, wakes, failure))
        if self._failing and wrote and failure is None:
            self._failing = False
            self._found()

    def clear(self) -> None:
        """Forgets everything, whatever was pending included."""
        self.flush()
        self._engine.clear()

    def save(self, path: str) -> None:
        """Writes a snapshot of everything to a file."""
        self.flush()
        self._engine.save(path)

    def load(self, path: str) -> None:
        """Replaces everything by a snapshot."""
        self.flush()
        self._engine.load(path)

    def close(self) -> None:
        self.flush()
        if self._syncer is not None:
            self._syncer.close()
        self._engine.close()

    def _tell(self, waiting: list[Told], wakes: set[Channel], failure: StoreFull | None) -> None:
        for told in waiting:
            told(failure)
        if failure is not None:
            self._failing = True
            self._lost()
        elif wakes:
            self._woken(wakes)

    def _spill(self) -> None:
        group = self._group
        try:
            self._engine.write(group.writes, group.increments)
        except StoreFull as failure:
            # A part may have been written: the end of the turn undoes it, and tells everyone who waits for it.
            self._spill_failure = failure
            return
        self._spilled = True
        group.writes.clear()
        group.increments.clear()

    def _schedule(self) -> None:
        if not self._scheduled:
            with suppress(RuntimeError):  # no loop: a command, which flushes itself
                get_running_loop().call_soon(self._flush_scheduled)
                self._scheduled = True

    def _flush_scheduled(self) -> None:
        """Commits, unless the last turn of the loop brought more: under load a commit then serves all who are waiting for one."""
        if not self._scheduled:
            return
        if self._kept_before < self._kept < GROUP_TRANSACTIONS_MAX:
            self._kept_before = self._kept
            get_running_loop().call_soon(self._flush_scheduled)
        else:
            self.flush()
