"""kill -9 at random moments, under load: whatever was acknowledged is there after, and what was under way goes on.

WINDTUNNEL_KILL_ROUNDS says how often; `make kill ROUNDS=200` is the long run, and prints its seed.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from tools.kill_loop import run

ROUNDS = int(os.environ.get("WINDTUNNEL_KILL_ROUNDS", "3"))


def test_a_region_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    assert run(tmp_path, ROUNDS, Random(ROUNDS)) == []
