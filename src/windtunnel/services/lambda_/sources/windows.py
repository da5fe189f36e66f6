"""Tumbling windows: a function is handed the state that it answered last, until the window is over.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.attempts import attempt, pause
from windtunnel.fabric.streams.reading import Batch, Lane, Reading, Records
from windtunnel.services.lambda_.rules import moment_z
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.sources.runs import FunctionRuns
from windtunnel.services.lambda_.state import Mapping

STATE_BYTES_MAX = 1_048_576
"""Beyond this a window ends early."""


class Answer(msgspec.Struct, frozen=True):
    """What a function answers in a window."""

    state: msgspec.Raw = msgspec.Raw(b"{}")


def ends(tx: Tx, lane: Lane, mapping: Mapping) -> float:
    """When the window that is open is over; never, where there is none."""
    window = positions.checkpoint_of(tx, lane).window
    return math.inf if window is None else window + mapping.tumbling


async def process(runs: FunctionRuns, reading: Reading, records: Records) -> None:
    """Has records processed, each in its window; closes those that are over."""
    seconds, feed = runs.mapping.tumbling, runs.feed
    while records:
        start = feed.arrival(records[0]) // seconds * seconds
        inside = next((at for at, record in enumerate(records) if feed.arrival(record) // seconds * seconds != start), len(records))
        await close(runs, finally_at=start)
        await _in_window(runs, reading, records[:inside], start)
        records = records[inside:]
    now = runs.call.now()
    await close(runs, finally_at=now // seconds * seconds)


async def close(runs: FunctionRuns, *, finally_at: float | None) -> None:
    """Ends the open window, unless it is the one that begins at `finally_at`; None: its shard is at its end.

    The run that ends a window has no records, and is tried as often as any.
    """
    call, mapping, lane = runs.call, runs.mapping, runs.lane
    checkpoint = call.read(positions.checkpoint_of, lane)
    if checkpoint.window is None or checkpoint.window == finally_at:
        return
    extra = partial(_extra, runs, checkpoint.window, final=True, early=finally_at is None)
    last, batch = FunctionRuns(call, mapping, lane, extra), Batch([])
    while True:
        await last.run(batch)
        if batch.last is not None and (not batch.last[0].error or 0 <= mapping.retries <= batch.retries):
            await call.transact(_ended, lane)
            return
        batch.retries += 1
        await pause(call, batch)


async def _in_window(runs: FunctionRuns, reading: Reading, records: Records, start: float) -> None:
    call, mapping, lane = runs.call, runs.mapping, runs.lane
    inside = FunctionRuns(call, mapping, lane, partial(_extra, runs, start), partial(_note, runs, start))
    await attempt(call, reading, records, inside)
    if len(call.read(positions.checkpoint_of, lane).state) > STATE_BYTES_MAX:
        await close(runs, finally_at=None)


def _extra(runs: FunctionRuns, start: float, *, final: bool = False, early: bool = False) -> dict[str, Any]:
    checkpoint, end = runs.call.read(positions.checkpoint_of, runs.lane), start + runs.mapping.tumbling
    state = checkpoint.state if checkpoint.window == start else b"{}"
    return {
        "window": {"start": moment_z(start)[:-5] + "Z", "end": moment_z(end)[:-5] + "Z"},
        "state": msgspec.Raw(state),
        "shardId": runs.lane.shard,
        "eventSourceARN": runs.feed.arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def _note(runs: FunctionRuns, start: float, tx: Tx, records: Records, ran: Ran | None) -> None:
    """Writes down how far a window has come, and what the function wants to be told next."""
    before = positions.checkpoint_of(tx, runs.lane)
    state = before.state if before.window == start else b"{}"
    if ran is not None:
        state = _state(ran.payload)
    positions.advance(tx, runs.lane, runs.feed.sequence(records[-1]), window=start, state=state)


def _ended(tx: Tx, lane: Lane) -> None:
    before = positions.checkpoint_of(tx, lane)
    positions.write(tx, lane, msgspec.structs.replace(before, window=None, state=b"{}"))


def _state(payload: bytes) -> bytes:
    try:
        answer = msgspec.json.decode(payload, type=Answer | None)
    except (msgspec.DecodeError, RecursionError):
        answer = None
    return b"{}" if answer is None else bytes(answer.state)
