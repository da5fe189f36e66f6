"""The store: transactions of one turn of the event loop become one commit, and replies wait for it."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from windtunnel.kernel.store.overlay import Amount, Channel, Overlay, Reader

SPILL_WRITES_MAX = 256
"""Beyond so many writes the group goes to the engine early (still uncommitted): scans pass over what a group holds."""
GROUP_TRANSACTIONS_MAX = 64
"""A group is committed at the latest when it has so many transactions."""


class StoreFull(Exception):
    """The engine could not commit, most likely because the disk is full; nothing of the turn was kept."""


class Engine(Reader, Protocol):
    """What keeps bytes: SQLite here, others behind the same seam."""

    def write(self, writes: dict[bytes, bytes | None], increments: dict[bytes, Amount]) -> None:
        """Applies writes to the open transaction, opening one where there is none. Reads see them at once."""
        ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def clear(self) -> None:
        """Removes everything, at once and for good."""
        ...

    def save(self, path: str) -> None: ...

    def load(self, path: str) -> None: ...

    def close(self) -> None: ...


class Store:
    """Overlay transactions over an engine, with one group commit a loop turn.

    `woken` is told the channels that a commit wakes. Without a running loop (a command that opens a store), call `flush`.
    """

    def __init__(self, engine: Engine, *, woken: Callable[[set[Channel]], None]) -> None:
        self._engine = engine
        self._woken = woken
        self._group = Overlay(engine)
        self._scheduled = False
        self._kept = 0
        self._kept_before = 0
        self._spilled = False
        self._waiting: list[Callable[[StoreFull | None], None]] = []

    def begin(self) -> Overlay:
        """A fresh transaction. Hand it to `keep` to make its writes stand; forget it to undo them."""
        return Overlay(self._group)

    def keep(self, overlay: Overlay) -> None:
        """Takes a transaction into the turn's group: later transactions see it, `committed` says when it is durable."""
        if not (overlay.writes or overlay.increments or overlay.wakes):
            return
        group = self._group
        group.merge(overlay)
        self._kept += 1
        if len(group.writes) > SPILL_WRITES_MAX:
            self._spill()
        self._schedule()

    @property
    def pending(self) -> bool:
        """Whether anything kept is not durable yet."""
        return self._scheduled

    def when_committed(self, told: Callable[[StoreFull | None], None]) -> None:
        """Calls `told` once all that was kept so far is durable, with what went wrong if it isn't; at once if nothing is open."""
        if self._scheduled:
            self._waiting.append(told)
        else:
            told(None)

    async def committed(self) -> None:
        """Returns once all that was kept so far is durable. Raises StoreFull where it could not be."""
        if self._scheduled:
            done: Future[None] = get_running_loop().create_future()
            self._waiting.append(lambda failure: _settle(done, failure))
            await done

    def flush(self) -> None:
        """Commits the group now."""
        self._scheduled = False
        self._kept = self._kept_before = 0
        waiting, self._waiting = self._waiting, []
        group, wakes = self._group, self._group.wakes
        failure: StoreFull | None = None
        try:
            if group.writes or group.increments or self._spilled:
                self._engine.write(group.writes, group.increments)
                self._engine.commit()
        except StoreFull as error:
            self._engine.rollback()
            failure = error
        self._spilled = False
        self._group.wakes = set()
        group.clear()
        for told in waiting:
            told(failure)
        if wakes and failure is None:
            self._woken(wakes)

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
        self._engine.close()

    def _spill(self) -> None:
        group = self._group
        try:
            self._engine.write(group.writes, group.increments)
        except StoreFull:
            # The commit at the end of the turn fails as well and tells everyone who waits for it.
            return
        self._spilled = True
        group.writes.clear()
        group.increments.clear()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            with suppress(RuntimeError):  # no loop: a command, which flushes itself
                get_running_loop().call_soon(self._flush_scheduled)

    def _flush_scheduled(self) -> None:
        """Commits, unless the last turn of the loop brought more: under load a commit then serves all who are waiting for one."""
        if not self._scheduled:
            return
        if self._kept_before < self._kept < GROUP_TRANSACTIONS_MAX:
            self._kept_before = self._kept
            get_running_loop().call_soon(self._flush_scheduled)
        else:
            self.flush()


def _settle(future: Future[Any], failure: StoreFull | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
