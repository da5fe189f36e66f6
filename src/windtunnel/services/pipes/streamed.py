"""Pipes from streams: shards are read in order, a batch goes through the pipe until it is done with or given up.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-kinesis.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call, Event, Fault, Tx
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.attempts import attempt
from windtunnel.fabric.streams.feed import GONE, Feed, moment_z
from windtunnel.fabric.streams.lanes import parts
from windtunnel.fabric.streams.positions import Checkpoint
from windtunnel.fabric.streams.reading import Batch, Lane, Reading, Records
from windtunnel.services.pipes.checks import patterns_of
from windtunnel.services.pipes.passing import SOURCE, Passage, passed
from windtunnel.services.pipes.state import invalid
from windtunnel.services.pipes.targets import batch_max

PARAMETERS = {"kinesis": "KinesisStreamParameters", "dynamodb": "DynamoDBStreamParameters"}
FIXED = ("StartingPosition", "StartingPositionTimestamp")
"""What no update knows of."""
BATCH = 100


def is_stream(settings: Mapping[str, Any]) -> bool:
    return parse(settings["Source"]).service in PARAMETERS


def parameters_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How a pipe wants its stream to be read."""
    return settings.get("SourceParameters", {}).get(PARAMETERS[parse(settings["Source"]).service], {})


def lanes_of(settings: Mapping[str, Any]) -> int:
    return parameters_of(settings).get("ParallelizationFactor", 1)


def begun_as(before: Mapping[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that begin where those before them did."""
    begun = {name: value for name, value in parameters_of(before).items() if name in FIXED}
    given = settings.get("SourceParameters", {})
    return {**settings, "SourceParameters": {**given, PARAMETERS[parse(settings["Source"]).service]: {**parameters_of(settings), **begun}}}


def reading_of(arn: str, settings: Mapping[str, Any]) -> Reading:
    given = parameters_of(settings)
    return Reading(
        arn,
        settings["Source"],
        given["StartingPosition"],
        given.get("StartingPositionTimestamp"),
        batch=given.get("BatchSize", min(BATCH, batch_max(settings))),
        window=given.get("MaximumBatchingWindowInSeconds", 0),
        parallel=lanes_of(settings),
        retries=given.get("MaximumRetryAttempts", -1),
        age=given.get("MaximumRecordAgeInSeconds", -1),
        bisect="OnPartialBatchItemFailure" in given,
    )


async def begins_of(call: Call, settings: Mapping[str, Any]) -> list[tuple[str, Checkpoint]]:
    """Where a new pipe begins in the shards of its stream. Raises ValidationException where there is no stream."""
    feed = Feed(settings["Source"])
    try:
        if parameters_of(settings)["StartingPosition"] == "LATEST":
            return await positions.latest(call, feed)
        await feed.shards(call)
    except Fault as fault:
        if fault.code != GONE:
            raise
        raise invalid(f"Source {settings['Source']} does not exist.") from fault
    return []


class Piped:
    """A pipe as the consumer of a stream."""

    def __init__(self, call: Call, pipe: Passage, reading: Reading) -> None:
        self._call, self._pipe, self._reading, self._feed = call, pipe, reading, Feed(reading.source)
        self._patterns = [compile_pattern(pattern) for pattern in patterns_of(pipe.settings)]

    def wants(self, record: dict[str, Any]) -> bool:
        return not self._patterns or any(matches(self._feed.matched(record)) for matches in self._patterns)

    def ends(self, lane: Lane) -> float:
        return math.inf

    async def process(self, lane: Lane, records: Records) -> None:
        for part in parts(records):
            await attempt(self._call, self._reading, part, PipeRuns(self._call, self._pipe, self._feed, lane))

    async def close(self, lane: Lane) -> None:
        pass


class PipeRuns:
    """How the batches of a lane go through a pipe. Of records in order what follows the first failure comes again with it."""

    def __init__(self, call: Call, pipe: Passage, feed: Feed, lane: Lane) -> None:
        self._call, self._pipe, self._feed, self._lane = call, pipe, feed, lane

    async def run(self, batch: Batch) -> int | None:
        events = [self._feed.event(record, self._lane.shard, self._pipe.settings["RoleArn"]) for record in batch.records]
        done = await passed(self._call, self._pipe, events)
        return next((at for at, event in enumerate(events) if event not in done), len(events))

    def note(self, tx: Tx, batch: Batch, done: Records) -> None:
        if done:
            positions.advance(tx, self._lane, self._feed.sequence(done[-1]))

    def give_up(self, tx: Tx, batch: Batch, condition: str) -> None:
        """Lets go of records; the dead-letter queue is told which they were."""
        self.note(tx, batch, batch.records)
        target = parameters_of(self._pipe.settings).get("DeadLetterConfig", {}).get("Arn")
        if target:
            context = {"partnerResourceArn": self._pipe.arn, "condition": condition}
            info = self._feed.batch_info(batch.records, self._lane.shard)
            told = {"context": context, "version": "1.0", "timestamp": moment_z(tx.now), **info}
            tx.deliver(target, Event(msgspec.json.encode(told).decode()), source=SOURCE, source_arn=self._pipe.arn)
