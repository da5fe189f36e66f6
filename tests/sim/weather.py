"""What happens to the region from outside: time passes, the disk fills up, the process ends or is killed in the middle of something."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from windtunnel.kernel.store import StoreFull

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

TURNS_MAX = 8
FULL_STEPS_MAX = 12


class Weather:
    """Changes now and then. `calm`: nothing but the passing of time."""

    def __init__(self, simulation: Simulation, *, calm: bool) -> None:
        self._run, self._calm = simulation, calm
        self._full_until = 0

    def change(self) -> bool:
        """Whether this step was the weather's."""
        run, chance = self._run, self._run.chance
        if self._full_until and run.step >= self._full_until:
            self.clear()
            return True
        if chance.percent(8):
            self._jump()
            return True
        if self._calm:
            return False
        if chance.percent(0.5):
            run.note("closed and opened again")
            run.give_up_waiting()
            run.auditor.records.made(run.world.calls())
            run.world.restart()
            run.auditor.restarted(run.world.now)
            run.hear()
            return True
        if chance.percent(0.6) and not self._full_until:
            self._crash()
            return True
        if chance.percent(0.2) and not self._full_until:
            self._full_until = run.step + chance.number(1, FULL_STEPS_MAX)
            run.note("the disk is full")
            run.world.disk.full = True
            run.auditor.troubled(inf)
            return True
        return False

    def clear(self) -> None:
        """There is room again."""
        if self._full_until:
            self._run.note("there is room again")
            self._run.world.disk.full = False
            self._full_until = 0
            self._run.auditor.troubled(self._run.world.now)

    def _jump(self) -> None:
        run, chance = self._run, self._run.chance
        if chance.percent(30):
            run.note("the machine's time passes")
            run.world.machine.wait(chance.one(1, 2, 5, 20))
        else:
            seconds = chance.one(1, 1, 5, 5, 20, 20, 60, 300) if chance.percent(98) else chance.one(3_600, 86_400)
            run.note(f"jumped {seconds} s")
            # Where several processes serve the region a jump is an order, which needs room as well.
            with suppress(*([StoreFull] if run.world.shared and self._full_until else [])):
                run.world.jump(seconds)
        run.hear()

    def _crash(self) -> None:
        run, chance = self._run, self._run.chance
        wishes = run.crashing_wishes()
        if chance.percent(40):
            run.world.disk.die = chance.one("commit", "committed")
            run.make(wishes)
            if run.world.disk.die:
                run.world.disk.die = ""
        else:
            run.make(wishes, turns=chance.number(1, TURNS_MAX))
