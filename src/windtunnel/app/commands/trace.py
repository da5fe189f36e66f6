"""`windtunnel trace`: the way of one call, or of one message, through all services, as a tree with times."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from windtunnel.app.commands.calls import about

Call = dict[str, Any]
WIDTH = 60
"""Columns of the tree itself; results and times stand behind it."""
PARENT_DIGITS = 16


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], asks: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    parser = commands.add_parser("trace", help="what one call led to, through all services", parents=[asks])
    known = "a request id or its beginning, or a message's id; the last call of a client without one"
    parser.add_argument("id", nargs="?", default="", help=known)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    from windtunnel.app.problem import Problem
    from windtunnel.app.remote import Remote, endpoint_of

    calls: list[Call] = Remote(endpoint_of(parsed.endpoint)).get("calls")["calls"]
    found = [call for call in calls if (call["request_id"].startswith(parsed.id) if parsed.id else not call["cause"])][-1:]
    found = found or [call for call in calls if parsed.id in call["marks"]]
    if not found:
        raise Problem(f"Among the last {len(calls):,} calls none has a request id that begins with {parsed.id!r}, and no message that id.")
    for line in tree(calls, found[0]):
        print(line)
    return 0


def tree(calls: list[Call], call: Call) -> Iterator[str]:
    """The lines of the tree that a call belongs to, from the call it all began with; times count from there."""
    above = {one["serial"]: list(parents) for one, parents in _parents(calls)}
    below: defaultdict[int, list[Call]] = defaultdict(list)
    for one in calls:
        for parent in above[one["serial"]]:
            below[parent["serial"]].append(one)
    climbed = {call["serial"]}
    while higher := [parent for parent in above[call["serial"]] if parent["serial"] not in climbed]:
        call = higher[0]
        climbed.add(call["serial"])
    yield datetime.fromtimestamp(call["time"], UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + f"  {call['request_id']}"
    yield from _branch(call, below, call["time"], "", "", set(), frozenset(call["marks"]))


def _branch(
    call: Call, below: defaultdict[int, list[Call]], begin: float, head: str, rest: str, told: set[int], marks: frozenset[str]
) -> Iterator[str]:
    """A call and what followed from it; of what it has to do with several messages only that of those in `marks`."""
    name = f"{head}{call['service']} {call['operation']} {about(call)}"
    yield f"{name:<{WIDTH}} {call['error'] or 'ok':<24} {_seconds(call['time'] - begin):>12} {call['duration'] * 1_000:>9.1f} ms"
    # A call is told once: what is received together has come several ways.
    told.add(call["serial"])
    effects = [one for one in below[call["serial"]] if one["serial"] not in told and (one["cause"] or not marks.isdisjoint(one["marks"]))]
    effects.sort(key=lambda one: (one["time"], one["serial"]))
    told.update(one["serial"] for one in effects)
    for number, effect in enumerate(effects, 1):
        last = number == len(effects)
        further = f"{rest}{'└─' if last else '├─'} ", f"{rest}{'   ' if last else '│  '}"
        yield from _branch(effect, below, begin, *further, told, _marks(effect, marks))


def _marks(call: Call, marks: frozenset[str]) -> frozenset[str]:
    """By what is known what follows from a call: of messages that were received together, those that are followed, and their receipts."""
    own: list[str] = call["marks"]
    if call["operation"] != "ReceiveMessage" or marks.isdisjoint(own):
        return frozenset(own)
    return frozenset(mark for id, receipt in zip(own[::2], own[1::2], strict=True) if id in marks for mark in (id, receipt))


def _parents(calls: list[Call]) -> Iterator[tuple[Call, Iterator[Call]]]:
    """What each call follows from: the call that caused it, and those that sent or received the same message before."""
    by_id: dict[str, Call] = {}
    by_parent: defaultdict[str, list[Call]] = defaultdict(list)
    by_mark: dict[str, Call] = {}
    for one in calls:
        if one["request_id"]:
            by_id.setdefault(one["request_id"], one)
            by_parent[one["request_id"].replace("-", "")[-PARENT_DIGITS:]].append(one)
        for mark in one["marks"]:
            by_mark.setdefault(mark, one)
    for one in calls:
        # Attempts of one event have one request id: what a function calls is of the attempt that was under way.
        under_way = [run for run in by_parent[one["cause"]] if run["time"] <= one["time"]]
        caused = by_id.get(one["cause"]) or max(under_way, key=lambda run: (run["time"], run["serial"]), default=None)
        found = {parent["serial"]: parent for parent in (caused, *map(by_mark.get, one["marks"])) if parent is not None}
        found.pop(one["serial"], None)
        yield one, iter(found.values())


def _seconds(passed: float) -> str:
    """How long after the beginning, by the region's clock."""
    return f"+{passed:.3f} s" if passed < 3_600 else f"+{passed / 3_600:.1f} h"
