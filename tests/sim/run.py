"""Runs the simulation from the command line: `python -m tests.sim.run --seed 1 --steps 100000`.

A run of many steps is a row of lives, each of a region with its own seed. A failure prints the seed and the step of its life: with
these two it happens again. `--trace` prints every step, `--only sqs,weather` leaves out all others, `--shrink` looks for the fewest
services that still fail. `--store tests.sim.world.disk:shared` is the engine of several processes; any other is named in the same way.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter

from tests.sim.simulation import LIFE_STEPS, SQLITE, Failed, Simulation

SERVICES = (
    "sqs",
    "sns",
    "s3",
    "lambda",
    "logs",
    "dynamodb",
    "kinesis",
    "events",
    "iam",
    "stacks",
    "schedules",
    "secrets",
    "keys",
    "hoses",
    "locks",
    "durable",
    "weather",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--store", default=SQLITE, help="the engine, as package.module:factory; the factory is given a folder")
    parser.add_argument("--only", default="", help="services, and perhaps weather, with commas between them")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--keep-going", action="store_true", help="with the next life after one that failed")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    only = frozenset(filter(None, given.only.split(",")))
    began, seed, left, counts, wrong = time.monotonic(), given.seed, given.steps, Counter[str](), 0
    while left > 0 and (given.keep_going or not wrong):
        try:
            life, _ = live(seed, min(left, LIFE_STEPS), given.store, only, trace=given.trace)
        except Failed as failed:
            print(failed, flush=True)
            if given.shrink:
                print(shrunk(seed, LIFE_STEPS, given.store, only or frozenset(SERVICES)), flush=True)
            wrong += 1
        else:
            counts += life
            print(f"seed {seed}: ok after {time.monotonic() - began:.0f} s", flush=True)
        left -= LIFE_STEPS
        seed += 1
    print(", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())), flush=True)
    return 1 if wrong else 0


def live(
    seed: int, steps: int, store: str = SQLITE, only: frozenset[str] = frozenset(), *, trace: bool = False
) -> tuple[Counter[str], str]:
    """One life; returns how often each thing was done, and the hash of all that happened. Raises Failed."""
    simulation = Simulation(seed, store=store, only=only, told=print if trace else None)
    try:
        simulation.run(steps)
    finally:
        simulation.close()
    return simulation.counts, simulation.trace.hexdigest()


def shrunk(seed: int, steps: int, store: str, only: frozenset[str]) -> str:
    """The smallest failure that leaving out services leads to."""
    found = ""
    for name in sorted(only):
        fewer = only - {name}
        if not fewer - {"weather"}:
            continue
        try:
            live(seed, steps, store, fewer)
        except Failed as failed:
            only, found = fewer, str(failed)
    return f"ONLY={','.join(sorted(only))}\n{found}"


if __name__ == "__main__":
    sys.exit(main())
