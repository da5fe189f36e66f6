"""`windtunnel trace`: the way of one call through all services, as a tree with times."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Call = dict[str, Any]
WIDTH = 52
"""Columns of the tree itself; results and times stand behind it."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("trace", help="what one call led to, through all services", parents=[asks])
    parser.add_argument("id", nargs="?", default="", help="a request id or its beginning; the last call of a client without one")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.problem import Problem
    from windtunnel.app.remote import Remote, endpoint_of

    calls: list[Call] = Remote(endpoint_of(parsed.endpoint)).get("calls")["calls"]
    found = [call for call in calls if (call["request_id"].startswith(parsed.id) if parsed.id else not call["cause"])]
    if not found:
        raise Problem(f"Among the last {len(calls):,} calls none has a request id that begins with {parsed.id!r}.")
    for line in tree(calls, found[-1]):
        print(line)
    return 0


def tree(calls: list[Call], call: Call) -> Iterator[str]:
    """The lines of the tree that a call belongs to, from the call it all began with; times count from there."""
    by_id = {name: one for one in calls for name in _names(one)}
    effects: defaultdict[str, list[Call]] = defaultdict(list)
    for one in calls:
        if one["cause"] != one["request_id"]:
            effects[one["cause"]].append(one)
    while (cause := by_id.get(call["cause"])) is not None and cause is not call:
        call = cause
    begin = call["time"]
    yield datetime.fromtimestamp(begin, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + f"  {call['request_id']}"
    yield from _branch(call, effects, begin, "", "")


def _branch(call: Call, effects: defaultdict[str, list[Call]], begin: float, head: str, rest: str) -> Iterator[str]:
    result = call["error"] or "ok"
    name = f"{head}{call['service']} {call['operation']}"
    yield f"{name:<{WIDTH}} {result:<24} {_seconds(call['time'] - begin):>12} {call['duration'] * 1_000:>9.1f} ms"
    # Calls that led on are taken out, so that a circle in what is told ends.
    below = [effect for name in _names(call) for effect in effects.pop(name, [])]
    below.sort(key=lambda one: (one["time"], one["serial"]))
    for number, effect in enumerate(below):
        last = number == len(below) - 1
        yield from _branch(effect, effects, begin, f"{rest}{'└─' if last else '├─'} ", f"{rest}{'   ' if last else '│  '}")


def _names(call: Call) -> tuple[str, str]:
    """What a call's effects may know it by: a function that ran for it has the last 16 digits of its request id."""
    return call["request_id"], call["request_id"].replace("-", "")[-16:]


def _seconds(passed: float) -> str:
    """How long after the beginning, by the region's clock."""
    return f"+{passed:.3f} s" if passed < 3_600 else f"+{passed / 3_600:.1f} h"
