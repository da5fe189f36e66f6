"""Streams made, parted and deleted, and records put into them."""

from __future__ import annotations

from typing import Any

from tests.sim.auditor.kinesis import Streams
from tests.sim.workload.base import Chance, Wish

NAMES = ("clicks", "moves")
BATCH_MAX = 5
RECORDS_MAX = 500
"""A stream with so many gets no more, or reading it would take all the time."""


class StreamWork:
    """Wishes of Kinesis."""

    def __init__(self, chance: Chance, model: Streams) -> None:
        self._chance, self._model = chance, model
        self._weighted = {self._change: 4, self._put: 12, self._put_some: 6}

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        name = self._chance.one(*NAMES) if self._chance.percent(98) else "nothing"
        stream = self._model.streams.get(name)
        if stream and sum(map(len, stream.shards.values())) > RECORDS_MAX:
            return Wish("kinesis", "DeleteStream", {"StreamName": name})
        return Wish("kinesis", operation, {"StreamName": name, **request})

    def _change(self) -> Wish:
        chance = self._chance
        return chance.one(
            self._make("CreateStream", ShardCount=chance.number(1, 3)),
            self._make("CreateStream", ShardCount=chance.number(1, 3)),
            self._make("UpdateShardCount", TargetShardCount=chance.number(1, 4), ScalingType="UNIFORM_SCALING"),
            self._make("IncreaseStreamRetentionPeriod", RetentionPeriodHours=chance.one(24, 48)),
            self._make("DecreaseStreamRetentionPeriod", RetentionPeriodHours=24),
            self._make("DescribeStreamSummary"),
            self._make("DeleteStream") if chance.percent(20) else Wish("kinesis", "ListStreams", {}),
        )

    def _record(self) -> dict[str, Any]:
        return {"Data": self._chance.label().encode(), "PartitionKey": f"k{self._chance.number(0, 9)}"}

    def _put(self) -> Wish:
        return self._make("PutRecord", **self._record())

    def _put_some(self) -> Wish:
        return self._make("PutRecords", Records=[self._record() for _ in range(self._chance.number(1, BATCH_MAX))])
