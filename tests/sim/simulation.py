"""One run: step after step a call, or the weather, and after each the auditor's word on it."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter, deque
from pathlib import Path
from typing import Any

from tests.sim.auditor.auditor import Auditor
from tests.sim.auditor.base import Call, Wrong
from tests.sim.auditor.executions import Executions
from tests.sim.weather import Weather
from tests.sim.workload.base import REGION, Chance, Wish
from tests.sim.workload.workload import Workload
from tests.sim.world.events import unsigned
from tests.sim.world.world import UnderWay, World

LIFE_STEPS = 20_000
"""A region lives for so long, then the next one begins with the next seed: what fails is found again in one life."""
TRACE_KEPT = 60
AUDIT_STEPS = 400
SQLITE = "tests.sim.world.disk:sqlite"


class Failed(AssertionError):
    """What the auditor found, with all that is needed to see it again."""


class Simulation:
    """One life of a region."""

    def __init__(self, seed: int, *, store: str = SQLITE, only: frozenset[str] = frozenset(), told: Any = None) -> None:
        self.seed, self.told = seed, told
        self.step = 0
        self.trace = hashlib.sha256()
        self.recent: deque[str] = deque(maxlen=TRACE_KEPT)
        self.counts: Counter[str] = Counter()
        self._folder = tempfile.TemporaryDirectory(prefix="windtunnel-sim-")
        self.world = World(Path(self._folder.name), seed, store)
        self.auditor = Auditor(self.world)
        self.chance = Chance(seed)
        self._workload = Workload(self.chance, self.auditor, self.world, only)
        self._weather = Weather(self, calm="weather" not in only and bool(only))
        self._under_way: dict[UnderWay, Call] = {}

    def run(self, steps: int) -> None:
        """Raises Failed where something does not hold."""
        try:
            for self.step in range(1, steps + 1):
                if not self._weather.change():
                    self._call()
                if self.step % AUDIT_STEPS == 0:
                    self.audit()
            self.finish()
        except Exception as error:
            recent = "\n".join(self.recent)
            what = error if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
            raise Failed(f"SEED={self.seed} STEPS={self.step}\n{recent}\nWRONG: {what}") from error

    def close(self) -> None:
        self.world.end()
        self._folder.cleanup()

    # ------------------------------------------------------------ calls

    def _call(self) -> None:
        if self.chance.percent(10):
            self.make(self._workload.wishes(self.chance.number(2, 4)))
        elif (wish := self._workload.wish()) is not None:
            self.make([wish])

    def crashing_wishes(self) -> list[Wish]:
        """Calls of which it can be told afterwards whether they were carried out: of one service but SQS only one."""
        found: dict[Any, Wish] = {}
        for count in range(self.chance.number(1, 4)):
            wish = self._workload.wish()
            if wish is not None and self.auditor.can_wonder(wish.model, wish.operation):
                found[count if wish.model == "sqs" else wish.model] = wish
        return list(found.values())

    def make(self, wishes: list[Wish], turns: int = 0) -> None:
        """Makes calls, all at once. With `turns` the region dies after so many turns of its loop, or when its disk says so."""
        begun = [self._begin(wish, number) for number, wish in enumerate(wishes)]
        alive = self.world.machine.settle_within(turns) if turns else self.world.machine.settle_or_die()
        if alive and not turns:
            self.hear(begun)
        else:
            self.die(begun)

    def _begin(self, wish: Wish, number: int) -> UnderWay:
        call = Call(*wish, f"{self.seed}-{self.step}-{number}", self.world.now)
        under_way = self.world.begin(call.service, call.operation, call.request, call.id, region=call.region)
        self._under_way[under_way] = call
        return under_way

    def hear(self, begun: list[UnderWay] | None = None) -> None:
        """What ended and happened since the last step: the calls of this step first, then all else in its order."""
        seen, self.world.seen = self.world.seen, []
        self.auditor.foresee(event for _, event in seen)
        for one in begun or ():
            if one.ended:
                self._judge(one, self.world.now)
        for at, event in seen:
            if not isinstance(event, UnderWay):
                self.note(f"{event} at {at:.0f}")
                self.auditor.happened(event, at)
            elif event in self._under_way:
                self._judge(event, at)
        self._poll(self.world.now)
        self.auditor.passed(self.world.now)
        self.auditor.records.made(self.world.calls())

    def _judge(self, one: UnderWay, now: float, *, dying: bool = False) -> None:
        begun = self._under_way.pop(one, None)
        if begun is None:
            return
        self._poll(now, sure=not dying)
        call = Call(*begun[:5], now, one.answer.result, one.answer.fault, one.answer.message)
        self.counts[f"{call.service}.{call.operation}"] += 1
        self.note(f"{call} {_digest(call.result) if call.region == REGION else ''}")
        self.auditor.judge(call)

    def _poll(self, now: float, *, sure: bool = True) -> None:
        for one, call in self._under_way.items():
            if call.operation == "ReceiveMessage" and not one.ended:
                self.auditor.queues.waits(call, now, sure=sure)

    def die(self, begun: list[UnderWay]) -> None:
        """The process ends; what had not been answered by then is unknown for ever."""
        seen, self.world.seen = self.world.seen, []
        self.auditor.foresee(event for _, event in seen)
        self.note("killed")
        self.auditor.records.made(self.world.calls())
        self.world.kill()
        for one in begun:
            if one.ended:
                self._judge(one, self.world.now, dying=True)
        for at, event in seen:
            if isinstance(event, UnderWay):
                self._judge(event, at, dying=True)
            else:
                self.note(f"{event} at {at:.0f}, dying")
                self.auditor.happened(event, at, dying=True)
        self.auditor.crashed(self.world.now)
        unknown, self._under_way = list(self._under_way.values()), {}
        for call in unknown:
            self.note(f"{call._replace(unknown=True)}")
            self.auditor.wonder(call._replace(unknown=True, now=self.world.now))
        self.hear()

    def give_up_waiting(self) -> None:
        """Lets long polls and slow functions come to their end."""
        self._leave()
        for _ in range(20):
            if not self._under_way:
                return
            self.world.machine.wait(30)
            self.hear()
        raise Wrong(f"never answered: {[str(call) for call in self._under_way.values()]}")

    def _leave(self) -> None:
        """Who waits for a durable execution goes away, as that may take until somebody resumes it."""
        left = {one: call for one, call in self._under_way.items() if call.region == Executions.region and not one.ended}
        for one in left:
            one.leave()
        self.world.machine.settle()
        for one, call in left.items():
            del self._under_way[one]
            self.note(f"{call._replace(unknown=True)}: the client has gone")
        self.hear()

    # ------------------------------------------------------------ the whole

    def audit(self) -> None:
        """Compares everything there is with what should be."""
        self.hear()
        self.counts["audits"] += 1
        self.auditor.audit()
        self.note("audited")

    def finish(self) -> None:
        """Lets all that goes wrong be over, waits until everything has been delivered, and looks at the whole."""
        self._weather.clear()
        self.give_up_waiting()
        self.auditor.drain()
        self.hear()
        self.auditor.drained()
        self.audit()

    def note(self, line: str) -> None:
        line = unsigned(f"{self.step}: {line}")
        self.trace.update(line.encode("utf-8", "backslashreplace"))
        self.recent.append(line)
        if self.told is not None:
            self.told(line)


def _digest(result: Any) -> str:
    """What a result adds to the trace: all of it, in few characters."""
    return hashlib.md5(unsigned(repr(result)).encode("utf-8", "backslashreplace")).hexdigest()[:8] if result is not None else ""
