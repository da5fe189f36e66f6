"""A region in the test's own process: calls without HTTP, a clock that stands until the test moves it, ids from a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from windtunnel.app.boot import ONE_PROCESS, Storage, make_cloud
from windtunnel.fabric import Scope
from windtunnel.fabric.scope import root
from windtunnel.kernel.clock import Anchor

ACCOUNT = "000000000000"
REGION = "us-east-1"
BEGIN = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where the clock stands at first."""


class Here:
    """`here.sqs.create_queue(QueueName="a")` returns the operation's result or raises its Fault.

    `here.begin.sqs.receive_message(…)` starts one that waits and returns its task; `here.result(task)` has it finish.
    `here.jump(seconds)` moves the clock. `here.at(account=…, region=…)` is the same region seen from elsewhere.
    """

    def __init__(
        self, data: Path, seed: int = 1, storage: Storage = ONE_PROCESS, loop: asyncio.AbstractEventLoop | None = None, joins: bool = False
    ) -> None:
        self._data, self._seed, self._storage = data, seed, storage
        self.loop = loop or asyncio.new_event_loop()
        self.scope = Scope(ACCOUNT, REGION, root(ACCOUNT), "request", "127.0.0.1", "tests")
        self._open(None if joins else Anchor(BEGIN, BEGIN, 0))

    def _open(self, anchor: Anchor | None) -> None:
        self.cloud = make_cloud(self._data, seed=self._seed, anchor=anchor, storage=self._storage)
        self.loop.run_until_complete(_now(self.cloud.start))

    def __getattr__(self, service: str) -> _Client:
        return _Client(self, service.removesuffix("_"), wait=True)

    @property
    def begin(self) -> _Begin:
        return _Begin(self)

    @property
    def now(self) -> float:
        return self.cloud.clock.now()

    def at(self, *, account: str = ACCOUNT, region: str = REGION) -> Here:
        other = object.__new__(Here)
        other.__dict__.update(self.__dict__)
        other.scope = Scope(account, region, root(account), "request", "127.0.0.1", "tests")
        return other

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def task(self, service: str, operation: str, request: dict[str, Any]) -> asyncio.Task[Any]:
        async def start() -> asyncio.Task[Any]:
            async def call() -> Any:
                result = await self.cloud.run(service, operation, request, self.scope, waits=True)
                await self.cloud.store.committed()
                return result

            return self.cloud.loop.spawn(call())

        return self.run(start())

    def result(self, task: asyncio.Task[Any]) -> Any:
        async def wait() -> Any:
            return await task

        return self.run(wait())

    def rest(self) -> None:
        """Lets everything under way (deliveries, functions) come to rest; no time passes."""
        self.run(_jump_nowhere(self))

    def jump(self, seconds: float) -> None:
        self.run(self.cloud.jump(self.now + seconds))

    def restart(self) -> None:
        """The region is closed and opened again; the clock stands where it stood."""
        self.run(self.cloud.close())
        self._open(None)

    def kill(self) -> None:
        """As `restart` after kill -9: the region has no chance to tidy up."""
        self.cloud.store.close()
        self.run(self.cloud.loop.stop())
        self._open(None)

    def leave(self) -> None:
        """Closes this server; its event loop is another's."""
        self.run(self.cloud.close())

    def close(self) -> None:
        self.run(self.cloud.close())
        self.loop.close()


class _Begin:
    def __init__(self, here: Here) -> None:
        self._here = here

    def __getattr__(self, service: str) -> _Client:
        return _Client(self._here, service.removesuffix("_"), wait=False)


class _Client:
    def __init__(self, here: Here, service: str, *, wait: bool) -> None:
        self._here, self._service, self._wait = here, service, wait

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            task = self._here.task(self._service, operation, request)
            return self._here.result(task) if self._wait else task

        return call


async def _now(function: Any) -> None:
    function()


async def _jump_nowhere(here: Here) -> None:
    # Timers that are due now ring as well: a jump of no length.
    await here.cloud.jump(here.cloud.clock.now())
