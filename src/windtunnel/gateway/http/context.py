"""What all connections of one listener share, so that a connection itself is small."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

from .app import App
from .head import HeadParser
from .limits import Limits
from .reply import HeadWriter


class Peer(Protocol):
    """One accepted socket, as the server sees it."""

    def check(self, now: float) -> None:
        """Called now and then: end what has taken too long."""
        ...

    def shut(self) -> None:
        """Finish what runs, take nothing new."""
        ...

    def abort(self) -> None: ...


class Context:
    def __init__(self, app: App, limits: Limits, loop: asyncio.AbstractEventLoop, now: Callable[[], float] | None, name: str) -> None:
        self.app = app
        self.limits = limits
        self.loop = loop
        self.heads = HeadParser(limits)
        self.writer = HeadWriter(now, name)
        self.tick = loop.time()
        """The loop's time as of the last sweep: exact enough for timeouts, and reading it costs nothing."""
        self.peers: set[Peer] = set()
        self.closing = False
        self.emptied = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run something short that nobody waits for."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def add(self, peer: Peer) -> None:
        self.peers.add(peer)

    def remove(self, peer: Peer) -> None:
        self.peers.discard(peer)
        if self.closing and not self.peers:
            self.emptied.set()
