"""Tumbling windows: a function is handed the state that it answered last, until the window is over.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.rules import moment_z
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.sources import positions
from windtunnel.services.lambda_.sources.attempts import Attempts, Records
from windtunnel.services.lambda_.sources.positions import Lane
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


async def process(attempts: Attempts, records: Records) -> None:
    """Has records processed, each in its window; closes those that are over."""
    seconds, feed = attempts.mapping.tumbling, attempts.feed
    while records:
        start = feed.arrival(records[0]) // seconds * seconds
        inside = next((at for at, record in enumerate(records) if feed.arrival(record) // seconds * seconds != start), len(records))
        await close(attempts, finally_at=start)
        await _in_window(attempts, records[:inside], start)
        records = records[inside:]
    now = attempts.call.now()
    await close(attempts, finally_at=now // seconds * seconds)


async def close(attempts: Attempts, *, finally_at: float | None) -> None:
    """Ends the open window, unless it is the one that begins at `finally_at`; None: its shard is at its end."""
    checkpoint = attempts.call.read(positions.checkpoint_of, attempts.lane)
    if checkpoint.window is None or checkpoint.window == finally_at:
        return
    extra = partial(_extra, attempts, checkpoint.window, final=True, early=finally_at is None)
    await attempts.last(extra, partial(_ended, attempts.lane))


async def _in_window(attempts: Attempts, records: Records, start: float) -> None:
    await attempts.all(records, partial(_extra, attempts, start), partial(_note, attempts, start))
    checkpoint = attempts.call.read(positions.checkpoint_of, attempts.lane)
    if len(checkpoint.state) > STATE_BYTES_MAX:
        await close(attempts, finally_at=None)


def _extra(attempts: Attempts, start: float, *, final: bool = False, early: bool = False) -> dict[str, Any]:
    checkpoint, end = attempts.call.read(positions.checkpoint_of, attempts.lane), start + attempts.mapping.tumbling
    state = checkpoint.state if checkpoint.window == start else b"{}"
    return {
        "window": {"start": moment_z(start)[:-5] + "Z", "end": moment_z(end)[:-5] + "Z"},
        "state": msgspec.Raw(state),
        "shardId": attempts.lane.shard,
        "eventSourceARN": attempts.feed.arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def _note(attempts: Attempts, start: float, tx: Tx, records: Records, ran: Ran | None) -> None:
    """Writes down how far a window has come, and what the function wants to be told next."""
    before = positions.checkpoint_of(tx, attempts.lane)
    after = attempts.feed.sequence(records[-1]) if records else before.after
    state = before.state if before.window == start else b"{}"
    if ran is not None:
        state = _state(ran.payload)
    positions.write(tx, attempts.lane, msgspec.structs.replace(before, after=after, iterator="", since=0.0, window=start, state=state))


def _ended(lane: Lane, tx: Tx) -> None:
    before = positions.checkpoint_of(tx, lane)
    positions.write(tx, lane, msgspec.structs.replace(before, window=None, state=b"{}"))


def _state(payload: bytes) -> bytes:
    try:
        answer = msgspec.json.decode(payload, type=Answer | None)
    except (msgspec.DecodeError, RecursionError):
        answer = None
    return b"{}" if answer is None else bytes(answer.state)
