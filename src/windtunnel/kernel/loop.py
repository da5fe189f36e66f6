"""What runs in the region: tasks that are counted, waits that end by a wake-up or by the clock, and the rest between them.

A task is at work or parked in `wait`. When none is at work the region is at rest: nothing more happens unless time passes or
a client calls. A jump of the clock goes from rest to rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

from windtunnel.kernel.clock import Clock

Result = TypeVar("Result")
Channel = tuple[object, ...]
log = logging.getLogger(__name__)


def step(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that doesn't wait, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("this coroutine waits")


class Outcome(Generic[Result]):
    """What a function returned or raised, to be handed on to whom it concerns."""

    __slots__ = ("error", "value")

    def __init__(self, function: Callable[..., Result], *arguments: Any) -> None:
        self.value: Result | None = None
        self.error: Exception | None = None
        try:
            self.value = function(*arguments)
        except Exception as error:
            self.error = error


class Loop:
    """Tasks and waits of one region."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_work = 0
        # Dicts as sets with an order: who came first is served first, and a run from a seed is the same one each time.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._parked: set[asyncio.Task[Any]] = set()
        self._given_up: set[asyncio.Task[Any]] = set()
        self._parking: dict[asyncio.Task[Any], Callable[[], None]] = {}
        self._resting: list[asyncio.Future[None]] = []
        self._waits: dict[Channel, dict[asyncio.Future[bool], None]] = defaultdict(dict)
        self._told: dict[Channel, Callable[[], None]] = {}
        self._others: set[asyncio.Future[bool]] = set()
        """What is waited for by tasks that are not counted: who sends a body that is made meanwhile is at its reader's pace."""

    def spawn(self, coroutine: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Runs a coroutine to its end. An exception nobody asks for is logged: it is a bug."""
        self._at_work += 1
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def when_parked(self, task: asyncio.Task[Any], told: Callable[[], None]) -> None:
        """Calls `told` once, when a task that was just spawned parks for the first time; never where it ends without."""
        self._parking[task] = told

    def give_up(self, task: asyncio.Task[Any]) -> None:
        """Ends a task for whose result nobody waits any more, where it is parked or parks next: never in the middle of its work."""
        if task.done():
            return
        self._given_up.add(task)
        if task in self._parked:
            task.cancel()

    def on(self, channel: Channel, told: Callable[[], None]) -> None:
        """Calls a function whenever a channel is woken."""
        self._told[channel] = told

    def wake(self, channels: Iterable[Channel]) -> None:
        """Ends the waits on these channels."""
        for channel in channels:
            for future in self._waits.pop(channel, ()):
                self._unpark(future)
            if (told := self._told.get(channel)) is not None:
                told()

    def wake_all(self) -> None:
        """Ends all waits that a channel can end: what was woken may have been missed."""
        self.wake({*self._waits, *self._told})

    async def wait(self, channels: Iterable[Channel], until: float | None) -> bool:
        """Parks the task until a channel is woken or the region's time reaches `until`.

        On a standing clock that moment may never come, but the client who waits has a clock of its own: the wait ends after as
        many seconds of the machine's, and this alone is told by False: there is no use in waiting again.
        """
        task = asyncio.current_task()
        assert task is not None, "only tasks wait"
        if (told := self._parking.pop(task, None)) is not None:
            told()
        if task in self._given_up:
            raise asyncio.CancelledError
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        for channel in channels:
            self._waits[channel][future] = None
        self._parked.add(task)
        counted = task in self._tasks
        alarm = patience = None
        if until is not None:
            alarm = self._clock.alarm(until, lambda: self._unpark(future))
            # A moment that is past rings as soon as a jump that is under way comes to it.
            if self._clock.rate == 0 and (left := until - self._clock.now()) > 0:
                patience = asyncio.get_running_loop().call_later(left, self._unpark, future, False)
        if counted:
            self._rest_from_work()
        else:
            self._others.add(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.cancelled() and counted:
                self._at_work += 1
            raise
        finally:
            self._parked.discard(task)
            self._others.discard(future)
            if alarm is not None:
                alarm.cancel()
            if patience is not None:
                patience.cancel()
            for channel in channels:
                waiting = self._waits.get(channel)
                if waiting is not None:
                    waiting.pop(future, None)
                    if not waiting:
                        del self._waits[channel]

    async def rest(self) -> None:
        """Returns once no task is at work. The caller's own task must not be one of them."""
        while self._at_work:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._resting.append(future)
            await future
            # A turn of the loop, so that what the last one set off can begin.
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Cancels what runs, and waits until it has ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _unpark(self, future: asyncio.Future[bool], passed: bool = True) -> None:
        # Counted as at work from the moment it is woken, not from when its task goes on, or a jump could slip in between.
        if not future.done():
            future.set_result(passed)
            self._at_work += future not in self._others

    def _rest_from_work(self) -> None:
        self._at_work -= 1
        if self._at_work == 0:
            resting, self._resting = self._resting, []
            for future in resting:
                if not future.done():
                    future.set_result(None)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        self._given_up.discard(task)
        self._parking.pop(task, None)
        self._rest_from_work()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task failed", exc_info=error)
