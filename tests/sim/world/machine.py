"""An event loop whose time passes only where nothing else is left to be done, so that a run takes no time and is always the same.

Threads would bring chance back: what is meant for one runs at once, in the loop's own.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class Killed(SystemExit):
    """The process ends here and now. A SystemExit, for it passes through everything else that an event loop catches."""


class AtOnce(ThreadPoolExecutor):
    """Does what it is given before it answers."""

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Selector(selectors.DefaultSelector):
    """Never waits. What the loop would have waited passes, or ends a run that wanted to know when there is nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.idle: Callable[[], None] | None = None
        self.turns: int | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if self.turns is not None:
            self.turns -= 1
            if self.turns <= 0:
                raise Killed("its turns are over")
        if found or timeout == 0:
            return found
        if self.idle is not None:
            self.idle()
        elif timeout is None:
            raise AssertionError("everything waits, and nothing is to come")
        else:
            self.passed += timeout
        return found


class Machine(asyncio.SelectorEventLoop):
    """`settle` runs what can run now, `run` a coroutine to its end, however long that takes on the machine's clock."""

    def __init__(self, passed: float = 0.0) -> None:
        self._selecting = _Selector()
        self._selecting.passed = passed
        super().__init__(self._selecting)
        self.set_default_executor(AtOnce(1))

    def time(self) -> float:
        return self._selecting.passed

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.run_until_complete(coroutine)

    def settle(self) -> None:
        self._selecting.idle = self.stop
        try:
            self.run_forever()
        finally:
            self._selecting.idle = None

    def settle_within(self, turns: int) -> bool:
        """As `settle`, but for so many turns of the loop at most; tells whether it came to rest within them."""
        self._selecting.turns = turns
        try:
            self.settle()
        except Killed:
            return False
        finally:
            self._selecting.turns = None
        return True

    def settle_or_die(self) -> bool:
        """As `settle`; False where the process has ended on the way."""
        try:
            self.settle()
        except Killed:
            return False
        return True

    def wait(self, seconds: float) -> None:
        """Lets the machine's time pass."""
        self.run(asyncio.sleep(seconds))
        self.settle()
