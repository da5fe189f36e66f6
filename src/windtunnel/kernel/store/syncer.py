"""Safe from a power cut: what was committed is synced in a thread, and whoever waits for it is told when that is done."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from windtunnel.kernel.store.engine import StoreFull

Told = Callable[[StoreFull | None], None]


class Syncer:
    """One sync at a time: what is committed while one runs is the next one's, so that under load one sync serves many."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._thread = ThreadPoolExecutor(1, "sync")
        self._next: list[Told] = []
        self._running: list[Told] = []

    @property
    def busy(self) -> bool:
        return bool(self._running or self._next)

    def after(self, told: Told) -> None:
        """Calls `told` once all that was committed so far is safe; at once, but slowly, where no event loop runs."""
        self._next.append(told)
        try:
            loop = get_running_loop()
        except RuntimeError:
            self._settle(_attempt(self._sync))
            return
        if not self._running:
            self._begin(loop)

    def along(self, told: Told) -> None:
        """As `after`, where nothing was committed since the last call of it, so that no sync has to begin anew."""
        (self._next or self._running).append(told)

    def close(self) -> None:
        """Syncs what is left."""
        self._thread.shutdown(wait=True)
        self._settle(_attempt(self._sync))

    def _begin(self, loop: AbstractEventLoop) -> None:
        self._running, self._next = self._next, []
        loop.run_in_executor(self._thread, _attempt, self._sync).add_done_callback(self._ended)

    def _ended(self, done: Future[StoreFull | None]) -> None:
        if done.cancelled() or not self._running:
            return  # closed meanwhile
        running, self._running = self._running, []
        if self._next:
            self._begin(done.get_loop())
        for told in running:
            told(done.result())

    def _settle(self, failure: StoreFull | None) -> None:
        told, self._running, self._next = [*self._running, *self._next], [], []
        for each in told:
            each(failure)


def _attempt(sync: Callable[[], None]) -> StoreFull | None:
    try:
        sync()
    except OSError as error:
        return StoreFull(f"it could not be made safe: {error}")
    return None
