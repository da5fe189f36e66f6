"""A region and all that surrounds it, opened, called, killed and opened again over the same files."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from tests.sim.world.disk import Disk, FailingBlobs, FailingEngine, engine_maker
from tests.sim.world.functions import Functions
from tests.sim.world.lasting import Lasting, lasting
from tests.sim.world.machine import Killed, Machine
from tests.sim.world.subscribers import Subscribers
from windtunnel.app.boot import SERVICES
from windtunnel.fabric import Fault, Scope, Tx
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.registry import Services
from windtunnel.fabric.scope import root
from windtunnel.kernel.clock import Anchor
from windtunnel.planes.blobs import Piece
from windtunnel.planes.compute import Compute
from windtunnel.planes.network.client import HttpClient

Result = TypeVar("Result")
ACCOUNT, REGION = "000000000000", "us-east-1"
ELSEWHERE = "111111111111"
"""The account of all other regions."""
BEGIN = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""

CALLS_KEPT_MAX = 1_000_000
STATIONS = frozenset({"DeadLetter", "POST", "Redrive", "Run", "application", "email", "email-json", "sms"})
"""What the live list has beside calls."""


class Answered(NamedTuple):
    """How a call ended: with a result, with a fault's code, or, where the process died first, nobody knows."""

    result: Any = None
    fault: str = ""
    message: str = ""
    unknown: bool = False


class World:
    """Everything there is, in one process, from one seed."""

    def __init__(self, folder: Path, seed: int, store: str) -> None:
        self._folder, self._seed, self._make_engine = folder, seed, engine_maker(store)
        folder.mkdir(parents=True, exist_ok=True)
        self.seen: list[tuple[float, Any]] = []
        """What happened beside the calls, and when."""
        self.boots = 0
        self.functions = Functions(seed, self._tell)
        self.functions.call = lambda service, operation, /, region=REGION, **request: self._answered(
            service, operation, request, self.scope("function", region)
        )
        self.subscribers = Subscribers(seed, self._tell)
        self.machine = Machine()
        self._open(Anchor(BEGIN, BEGIN, 0))

    def _tell(self, event: Any) -> None:
        if not self.disk.dead:
            self.seen.append((self.now, event))

    def _open(self, anchor: Anchor | None) -> None:
        self.boots += 1
        self.disk = Disk()
        self._engine = FailingEngine(self._make_engine(self._folder), self.disk)
        self.shared = self._engine.shared
        self.blobs = FailingBlobs(self._folder / "blobs", f"{self._seed}/{self.boots}", self.disk)
        self.cloud = Cloud(
            cast(Any, self._engine),
            Services(SERVICES),
            blobs=self.blobs,
            compute=cast(Compute, self.functions),
            web=cast(HttpClient, self.subscribers),
            seed=self._seed,
            anchor=anchor,
            shared=self.shared,
        )
        if self.cloud.together is not None:
            # What is asked for at once then happens in the order of the asking, as the auditor takes it.
            self.cloud.together.gathers = lambda by: True
        # A jump over a day may make more calls than a region remembers.
        self.cloud.calls._kept = deque(maxlen=CALLS_KEPT_MAX)
        self._calls_read = 0
        self.machine.call_soon(self.cloud.start)
        self.machine.settle()

    @property
    def now(self) -> float:
        return self.cloud.clock.now()

    def scope(self, request_id: str, region: str = REGION) -> Scope:
        account = ACCOUNT if region == REGION else ELSEWHERE
        return Scope(account, region, root(account), request_id, "127.0.0.1", "simulation")

    def begin(self, service: str, operation: str, request: dict[str, Any], id: str, *, region: str = REGION) -> UnderWay:
        """A call that begins with the next turn of the loop."""
        under_way = UnderWay(self)
        scope = self.scope(id, region)
        self.machine.call_soon(lambda: under_way.run(self.cloud.loop.spawn(self._answered(service, operation, request, scope))))
        return under_way

    async def _answered(self, service: str, operation: str, request: dict[str, Any], scope: Scope) -> Any:
        """A call as the gateway makes it."""
        try:
            result = await self.cloud.run(service, operation, request, scope, waits=True)
        except Fault:
            # A refusal also tells of what others have just written.
            await self.cloud.store.committed()
            raise
        await self.cloud.store.committed()
        return result

    def call(self, service: str, operation: str, region: str = REGION, /, **request: Any) -> Answered:
        """A call to its end."""
        under_way = self.begin(service, operation, request, "audit", region=region)
        self.machine.settle()
        assert under_way.ended, f"{operation} waits for something"
        return under_way.answer

    def asks(self, region: str) -> Callable[..., Answered]:
        """`call` of one region."""
        return lambda service, operation, **request: self.call(service, operation, region, **request)

    def identify(self, service: str, proof: Any) -> str:
        """Who signed a call, or the code of the fault that it is refused with."""

        def ask() -> str:
            try:
                return self.cloud.identified(self.scope("proof"), proof, service).principal.arn
            except Fault as fault:
                return fault.code

        return self._within(ask)

    def rows(self, function: Callable[[Tx], Result]) -> Result:
        """What lies in the store, as a function of a transaction sees it."""
        return self._within(lambda: self.cloud.apply(function))

    def lasting(self, region: str) -> Lasting:
        """The rows of durable executions in a region of the other account."""
        return self.rows(lambda tx: lasting(tx.at(account=ELSEWHERE, region=region)))

    def recorded(self, read: Callable[[Tx], Result]) -> tuple[Result, list[tuple[str, str]]]:
        """What the store has of calls, with what was to be written later, and which calls those are: at one moment of the loop."""

        def look() -> tuple[Result, list[tuple[str, str]]]:
            self.cloud.store.flush()
            return self.cloud.apply(read), self.calls()

        return self._within(look)

    def _within(self, function: Callable[[], Result]) -> Result:
        """What a function answers that is called within the loop."""
        said: list[Result] = []
        self.machine.call_soon(lambda: said.append(function()))
        self.machine.settle()
        return said[0]

    def calls(self) -> list[tuple[str, str]]:
        """(service, operation) of each call that was made since this was asked last, by whomever."""
        made = self.cloud.calls.after(self._calls_read)
        self._calls_read = made[-1].serial if made else self._calls_read
        return [(call.service, call.operation) for call in made if call.operation not in STATIONS]

    def jump(self, seconds: float) -> None:
        self.machine.run(self.cloud.jump(self.now + seconds))
        self.machine.settle()

    def restart(self) -> None:
        """Closed, and opened again."""
        self.machine.run(self.cloud.close())
        self._open(None)

    def kill(self) -> None:
        """What kill -9 leaves: the files, and nothing else. Then the region is opened again."""
        self.end()
        self.machine = Machine(self.machine.time())
        self.functions.begin_anew()
        self._open(None)

    def end(self) -> None:
        """Ends the process, whatever it is at."""
        self.disk.dead = True
        self.machine.set_exception_handler(lambda loop, context: None)
        for task in asyncio.all_tasks(self.machine):
            # What a coroutine does on its way out reaches neither rows nor bytes any more.
            with suppress(Killed, RuntimeError, Fault):
                cast(Coroutine[Any, Any, Any], task.get_coro()).close()
        self._engine.rollback()
        self._engine.close()
        self.machine.close()


class UnderWay:
    """A call, from its beginning to its end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.ended = False
        self.answer = Answered(unknown=True)
        self._task: asyncio.Task[Any] | None = None

    def leave(self) -> None:
        """The client goes away, as the gateway tells a call."""
        if self._task is not None:
            self._task.cancel()

    def run(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or self._world.disk.dead:
            return
        self.ended = True
        error = task.exception()
        if error is not None and not isinstance(error, Fault):
            self.answer = Answered(fault=type(error).__name__, message=str(error))
        elif error is not None:
            self.answer = Answered(fault=error.code, message=error.message)
        else:
            self.answer = Answered(_read(task.result()))
        self._world.seen.append((self._world.now, self))


def _read(result: dict[str, Any] | None) -> Any:
    """An answer with its bytes, which a client gets in the moment it is answered: later they may be gone."""
    if isinstance(body := (result or {}).get("Body"), Piece):
        with body.path.open("rb") as file:
            file.seek(body.offset)
            return {**(result or {}), "Body": file.read(body.length)}
    return result
