"""Polling streams: each lane of each shard is read, and has one batch at a time processed.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any, NamedTuple

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.call import Call
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.feed import GONE, Feed
from windtunnel.fabric.streams.positions import Checkpoint
from windtunnel.fabric.streams.reading import Consumer, Lane, Reading, Records

WAIT_SECONDS = 86_400.0
ASK_AGAIN_SECONDS = 1.0
PAUSE_SECONDS_MAX = 900.0
BYTES_MAX = 6 * 1024 * 1024 * 3 // 4 - 65_536
"""Of records in a batch, whose data are base64 in what a function is invoked with."""


class Running(NamedTuple):
    """A lane that is read, and by which polling."""

    task: asyncio.Task[None]
    stopped: Stopped


class Stopped:
    """Whether polling has been told to end."""

    def __init__(self) -> None:
        self.is_set = False


async def read_shards(call: Call, reading: Reading, consumer: Consumer, stopped: Stopped) -> None:
    """Has all shards read that there are, and those that come when one ends."""
    feed, failures, ended = Feed(reading.source), 0, ("streams.lane", reading.id)
    lanes, ends = _lanes(call), _ends(call)
    try:
        while not stopped.is_set:
            before = ends[reading.id]
            try:
                shards = await feed.shards(call)
                await call.transact(positions.tidy, reading.id, shards)
            except Fault:
                # The stream is gone, or may not be read: it may come back. Or the disk is full.
                failures += 1
                await call.wait(until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
                continue
            failures = 0
            for lane in call.read(positions.startable, reading, shards):
                # One that still runs, as it was read before, comes to its end first.
                if lane not in lanes:
                    lanes[lane] = Running(call.spawn(_lane(Reader(call, feed, reading, consumer, lane), stopped)), stopped)
                    lanes[lane].task.add_done_callback(partial(_over, call, lane, ended))
            if ends[reading.id] == before:  # or one has ended meanwhile, and what follows it is not among these
                await call.wait(ended)
    finally:
        for running in list(lanes.values()):
            if running.stopped is stopped:
                call.cloud.loop.give_up(running.task)


def _over(call: Call, lane: Lane, ended: tuple[str, str], _: asyncio.Task[None]) -> None:
    _lanes(call).pop(lane, None)
    _ends(call)[lane.id] += 1
    call.cloud.loop.wake([ended])


def _lanes(call: Call) -> dict[Lane, Running]:
    """The lanes that this process reads, of all streams."""
    return call.cloud.held("streams.lanes", dict[Lane, Running])


def _ends(call: Call) -> Counter[str]:
    """How many lanes of each reading have ended in this process."""
    return call.cloud.held("streams.ends", Counter[str])


async def _lane(reader: Reader, stopped: Stopped) -> None:
    call, failures = reader.call, 0
    while not stopped.is_set:
        try:
            await reader.read()
            if reader.ended and not reader.records:
                await reader.consumer.close(reader.lane)
                await call.transact(positions.write, reader.lane, Checkpoint(done=True))
                return
            if reader.records or reader.due:
                await reader.consumer.process(reader.lane, reader.records)
            if reader.records and reader.feed.sequence(reader.records[-1]) != reader.seen:
                await call.transact(positions.advance, reader.lane, reader.seen)
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

    def __init__(self, call: Call, feed: Feed, reading: Reading, consumer: Consumer, lane: Lane) -> None:
        self.call, self.feed, self.reading, self.consumer, self.lane = call, feed, reading, consumer, lane
        self.iterator: str | None = None
        self.ended = False
        self.due = False
        """Whether the consumer wants to be called in any case."""
        self.records: Records = []
        self.since = 0.0 if feed.is_kinesis else float(int(call.read(positions.checkpoint_of, lane).since))
        """What came before is not its reader's: a table's stream has no iterator that begins at a moment."""
        self.seen = ""
        """The sequence number up to which it has read."""

    async def read(self) -> None:
        """Reads the next batch: what is there at once, or all that comes within the batching window."""
        call, reading = self.call, self.reading
        self.records, self.due, deadline, size = [], False, 0.0, 0
        at_latest = self.consumer.ends(self.lane)
        while not self.ended:
            if self.iterator is None:
                self.iterator = await positions.resume(call, self.feed, reading, self.lane)
            until = min(deadline or call.now() + WAIT_SECONDS, at_latest)
            asked = max(until - call.now(), 0.0)
            found, following = await self.feed.records(call, self.iterator, reading.batch - len(self.records), asked)
            self.iterator, self.ended = following, following is None
            for record in found:
                self.seen = self.feed.sequence(record)
                if self.feed.lane(record, reading.parallel) == self.lane.number and self._is_meant(record):
                    self.records.append(record)
                    size += len(msgspec.json.encode(record))
            if self.records:
                deadline = deadline or call.now() + reading.window
            self.due = call.now() >= at_latest
            if self.due or len(self.records) >= reading.batch or size >= BYTES_MAX or (self.records and call.now() >= deadline):
                return
            if found and not self.records:
                await call.transact(positions.advance, self.lane, self.seen)
            elif not found and not self.ended and call.now() < until:
                await call.wait(until=min(call.now() + ASK_AGAIN_SECONDS, until))

    def _is_meant(self, record: dict[str, Any]) -> bool:
        return self.feed.arrival(record) >= self.since and self.consumer.wants(record)


def parts(records: Records) -> list[Records]:
    """Records in parts that fit an invocation."""
    found: list[Records] = [[]]
    size = 0
    for record in records:
        length = len(msgspec.json.encode(record))
        if found[-1] and size + length > BYTES_MAX:
            found.append([])
            size = 0
        found[-1].append(record)
        size += length
    return found
