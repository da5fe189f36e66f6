"""The simulation in small: what must hold holds through crashes and full disks, and a seed tells the whole story again."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.sim import auditor
from tests.sim.run import live
from tests.sim.simulation import Failed, Simulation
from windtunnel.kernel.store.sqlite import SQLite

STEPS = 10_000
LIVES = 4
FIRST = 13
"""Lives over which few days pass: a jump over one costs as much as hundreds of steps."""
SHORT = 600
HASH = "from tests.sim.run import live; import logging; logging.disable(50); print(live({seed}, {steps})[1])"
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LIVES))
def test_everything_holds_whatever_the_weather(seed: int) -> None:
    counts, _ = live(seed, STEPS // LIVES)
    assert counts["audits"] > STEPS // LIVES // 500
    assert {name.partition(".")[0] for name in counts} >= {"sqs", "sns", "s3", "lambda", "logs", "iam", "sts"}


def test_a_seed_is_the_same_story_in_every_process() -> None:
    code = HASH.format(seed=7, steps=SHORT)
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "src"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] != live(8, SHORT)[1] + "\n"


def test_the_auditor_knows_nothing_of_the_services_code() -> None:
    folder = Path(str(auditor.__file__)).parent
    assert [path.name for path in folder.glob("*.py") if "windtunnel.services" in path.read_text()] == []


class Forgetful(SQLite):
    """An engine that loses one new row in a hundred."""

    written = 0

    def write(self, writes: dict[bytes, bytes | None], increments: dict[bytes, float]) -> None:
        kept: dict[bytes, bytes | None] = {}
        for key, value in writes.items():
            self.written += value is not None
            if value is None or self.written % 100:
                kept[key] = value
        super().write(kept, increments)


def forgetful(folder: Path) -> Forgetful:
    return Forgetful(folder / "region.db")


def test_an_engine_that_forgets_does_not_go_unnoticed() -> None:
    """The auditor itself is put to the test."""
    simulation = Simulation(1, store="tests.sim.test_simulation:forgetful")
    with closing(simulation), pytest.raises(Failed, match=r"SEED=1 STEPS=\d+"):
        simulation.run(SHORT)
