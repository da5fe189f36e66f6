"""Keeps environments warm: the one used last is used next, so that those beyond need grow old and are evicted."""

import asyncio
from collections.abc import Callable, Hashable

from windtunnel.planes.compute.environment import Environment
from windtunnel.planes.compute.records import OnLog, Spec
from windtunnel.planes.compute.sandbox import Machine

ENVIRONMENTS_MAX = 64


class Pool:
    """Warm environments by key (a function's version with its configuration).

    `most` bounds processes, not concurrency: an idle environment makes room for a new one, but when all are busy one more is
    started, since waiting would lock functions that call each other. How many may run at once is the caller's rule.
    """

    def __init__(self, machine: Machine, most: int = ENVIRONMENTS_MAX) -> None:
        self._machine = machine
        self._most = most
        self._idle: dict[Environment, Hashable] = {}  # in the order of their release: the first is the oldest
        self._warm: dict[Hashable, list[Environment]] = {}
        self._busy: dict[Environment, Hashable] = {}
        self._retired: set[Environment] = set()
        self._kept: set[Hashable] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def counts(self, key: Hashable) -> tuple[int, int]:
        """How many environments of this key are idle, and how many are busy."""
        return len(self._warm.get(key, ())), sum(1 for other in self._busy.values() if other == key)

    def take(self, key: Hashable) -> Environment | None:
        """A warm environment, if there is one; the caller alone has it until `release`."""
        warm = self._warm.get(key)
        while warm:
            environment = warm.pop()
            del self._idle[environment]
            if environment.alive:
                self._busy[environment] = key
                return environment
        return None

    async def acquire(self, key: Hashable, spec: Spec, on_log: OnLog) -> Environment:
        """A warm environment, or a new one; the caller alone has it until `release`."""
        return self.take(key) or await self.start(key, spec, on_log)

    async def start(self, key: Hashable, spec: Spec, on_log: OnLog, on_end: Callable[[], object] = lambda: None) -> Environment:
        """A new environment, and `on_end` is called when it is gone; the caller alone has it until `release`."""
        while len(self._idle) + len(self._busy) >= self._most and (oldest := self._oldest()) is not None:
            self._evict(oldest)
        environment = await Environment.start(self._machine, spec, on_log, on_end)
        self._busy[environment] = key
        return environment

    def release(self, environment: Environment) -> None:
        """Gives an environment back; one that ended, or whose function changed meanwhile, is closed."""
        key = self._busy.pop(environment)
        room = key in self._kept or len(self._idle) + len(self._busy) < self._most
        if environment.alive and environment not in self._retired and room:
            self._idle[environment] = key
            self._warm.setdefault(key, []).append(environment)
        else:
            self._retired.discard(environment)
            self._end(environment)

    def keep(self, key: Hashable) -> None:
        """Environments of this key stay, however long they are idle."""
        self._kept.add(key)

    def let_go(self, key: Hashable) -> None:
        """They are needed no longer."""
        self._kept.discard(key)
        self.retire(key)

    def retire(self, key: Hashable) -> None:
        """The function's code or configuration has changed: idle environments end now, busy ones after their invocation."""
        for environment in self._warm.pop(key, []):
            del self._idle[environment]
            self._end(environment)
        self._retired.update(environment for environment, other in self._busy.items() if other == key)

    async def close(self) -> None:
        """Ends all of them, busy ones too, and waits until they are gone."""
        environments = [*self._idle, *self._busy]
        self._idle.clear()
        self._warm.clear()
        await asyncio.gather(*self._closing, *(environment.close() for environment in environments))

    def _oldest(self) -> Environment | None:
        return next((environment for environment, key in self._idle.items() if key not in self._kept), None)

    def _evict(self, environment: Environment) -> None:
        self._warm[self._idle.pop(environment)].remove(environment)
        self._end(environment)

    def _end(self, environment: Environment) -> None:
        environment.kill()
        task = asyncio.get_running_loop().create_task(environment.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
