"""Polling streams: each lane of each shard is read, and has one batch at a time processed.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any, NamedTuple

import msgspec

from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.lambda_.rules import SYNCHRONOUS_BYTES_MAX
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.sources import positions, windows
from windtunnel.services.lambda_.sources.attempts import Attempts, Records
from windtunnel.services.lambda_.sources.feeds import GONE, Feed
from windtunnel.services.lambda_.sources.positions import Lane
from windtunnel.services.lambda_.state import Checkpoint, Mapping

WAIT_SECONDS = 86_400.0
ASK_AGAIN_SECONDS = 1.0
PAUSE_SECONDS_MAX = 900.0
BYTES_MAX = SYNCHRONOUS_BYTES_MAX * 3 // 4 - 65_536
"""Of records in a batch, whose data are base64 in the event."""


class Running(NamedTuple):
    """A lane that is read, and by which polling of its mapping."""

    task: asyncio.Task[None]
    stopped: Stopped


class Stopped:
    """Whether a mapping's polling has been told to end."""

    def __init__(self) -> None:
        self.is_set = False


async def poll_shards(call: Call, uuid: str, mapping: Mapping, stopped: Stopped) -> None:
    """Has all shards read that there are, and those that come when one ends."""
    feed, failures, ended = Feed(mapping.source), 0, ("lambda.lane", uuid)
    lanes, ends = _lanes(call), _ends(call)
    try:
        while not stopped.is_set:
            before = ends[uuid]
            try:
                shards = await feed.shards(call)
                await call.transact(positions.tidy, uuid, shards)
            except Fault:
                # The stream is gone, or may not be read: it may come back. Or the disk is full.
                failures += 1
                await call.wait(until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
                continue
            failures = 0
            for lane in call.read(positions.startable, uuid, mapping, shards):
                # One that still runs, for the mapping as it was, comes to its end first.
                if lane not in lanes:
                    lanes[lane] = Running(call.spawn(_lane(call, feed, mapping, lane, stopped)), stopped)
                    lanes[lane].task.add_done_callback(partial(_over, call, lane, ended))
            if ends[uuid] == before:  # or one has ended meanwhile, and what follows it is not among these
                await call.wait(ended)
    finally:
        for running in list(lanes.values()):
            if running.stopped is stopped:
                call.cloud.loop.give_up(running.task)


def _over(call: Call, lane: Lane, ended: tuple[str, str], _: asyncio.Task[None]) -> None:
    _lanes(call).pop(lane, None)
    _ends(call)[lane.uuid] += 1
    call.cloud.loop.wake([ended])


def _lanes(call: Call) -> dict[Lane, Running]:
    """The lanes that this process reads, of all mappings."""
    return call.cloud.held("lambda.lanes", dict[Lane, Running])


def _ends(call: Call) -> Counter[str]:
    """How many lanes of each mapping have ended in this process."""
    return call.cloud.held("lambda.ends", Counter[str])


async def _lane(call: Call, feed: Feed, mapping: Mapping, lane: Lane, stopped: Stopped) -> None:
    reader, failures = Reader(call, feed, mapping, lane), 0
    while not stopped.is_set:
        try:
            await reader.read()
            if reader.ended and not reader.records:
                await windows.close(reader.attempts, finally_at=None)
                await call.transact(_done, lane)
                return
            if reader.records or reader.due:
                await _process(reader)
        except Fault as fault:
            reader.iterator, reader.ended = None, False  # from where it has come so far
            failures += 1
            if fault.code == GONE and failures > 1:
                return
            await call.wait(until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
            continue
        failures = 0


class Reader:
    """Where a lane is, and what it has read for its next batch."""

    def __init__(self, call: Call, feed: Feed, mapping: Mapping, lane: Lane) -> None:
        self.call, self.feed, self.mapping, self.lane = call, feed, mapping, lane
        self.attempts = Attempts(call, feed, mapping, lane)
        self.filters = [compile_pattern(pattern) for pattern in mapping.filters]
        self.iterator: str | None = None
        self.ended = False
        self.due = False
        """Whether a tumbling window is over."""
        self.records: Records = []
        self.since = 0.0 if feed.is_kinesis else float(int(call.read(positions.checkpoint_of, lane).since))
        """What came before is not the mapping's: a table's stream has no iterator that begins at a moment."""
        self.seen = ""
        """The sequence number up to which it has read."""

    async def read(self) -> None:
        """Reads the next batch: what is there at once, or all that comes within the batching window."""
        call, mapping = self.call, self.mapping
        self.records, self.due, deadline, size = [], False, 0.0, 0
        window_ends = call.read(windows.ends, self.lane, mapping)
        while not self.ended:
            if self.iterator is None:
                self.iterator = await positions.resume(call, self.feed, mapping, self.lane)
            until = min(deadline or call.now() + WAIT_SECONDS, window_ends)
            asked = max(until - call.now(), 0.0)
            found, following = await self.feed.records(call, self.iterator, mapping.batch - len(self.records), asked)
            self.iterator, self.ended = following, following is None
            for record in found:
                self.seen = self.feed.sequence(record)
                if self.feed.lane(record, mapping.parallel) == self.lane.number and self._passes(record):
                    self.records.append(record)
                    size += len(msgspec.json.encode(record))
            if self.records:
                deadline = deadline or call.now() + mapping.window
            self.due = call.now() >= window_ends
            if self.due or len(self.records) >= mapping.batch or size >= BYTES_MAX or (self.records and call.now() >= deadline):
                return
            if found and not self.records:
                await call.transact(_pass_over, self.lane, self.seen)
            elif not found and not self.ended and call.now() < until:
                await call.wait(until=min(call.now() + ASK_AGAIN_SECONDS, until))

    def _passes(self, record: dict[str, Any]) -> bool:
        if self.feed.arrival(record) < self.since:
            return False
        if not self.filters:
            return True
        event = self.feed.matched(record)
        return any(matches(event) for matches in self.filters)


async def _process(reader: Reader) -> None:
    attempts, lane, records = reader.attempts, reader.lane, reader.records
    if reader.mapping.tumbling:
        await windows.process(attempts, records)
    else:
        for part in _parts(records):
            await attempts.all(part, dict, partial(_checkpoint, lane=lane, feed=reader.feed))
    if reader.seen and records and reader.feed.sequence(records[-1]) != reader.seen:
        await reader.call.transact(_pass_over, lane, reader.seen)


def _parts(records: Records) -> list[Records]:
    """The records in parts that fit an invocation."""
    parts: list[Records] = [[]]
    size = 0
    for record in records:
        length = len(msgspec.json.encode(record))
        if parts[-1] and size + length > BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(record)
        size += length
    return parts


def _checkpoint(tx: Tx, records: Records, ran: Ran | None, *, lane: Lane, feed: Feed) -> None:
    if records:
        _pass_over(tx, lane, feed.sequence(records[-1]))


def _pass_over(tx: Tx, lane: Lane, sequence: str) -> None:
    before = positions.checkpoint_of(tx, lane)
    positions.write(tx, lane, msgspec.structs.replace(before, after=sequence, iterator="", since=0.0))


def _done(tx: Tx, lane: Lane) -> None:
    positions.write(tx, lane, Checkpoint(done=True))
