"""Kinesis: a shard gives what was put into it, all of it and in that order, for as long as its stream keeps it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.sim.auditor.base import Ask, Call, ended, holds, same

ABSENT, THROTTLED = "ResourceNotFoundException", "ProvisionedThroughputExceededException"
HOUR_SECONDS = 3600
PARTING = ("LimitExceededException", "InvalidArgumentException", "ValidationException")
"""A number of shards may be more than a stream can have at once, or the tenth in a day."""


class Put(NamedTuple):
    """One record."""

    label: str
    key: str
    at: float


@dataclass(eq=False, slots=True)
class Stream:
    """One stream. `doubtful`: labels of records that may have been put, nobody knows where."""

    name: str
    hours: int = 24
    shards: dict[str, list[Put]] = field(default_factory=lambda: defaultdict(list))
    doubtful: set[str] = field(default_factory=set)


class Streams:
    """All streams."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.streams: dict[str, Stream] = {}

    def _stream(self, call: Call) -> Stream | None:
        stream = self.streams.get(call.request["StreamName"])
        if stream is None:
            ended(call, ABSENT)
        return stream

    def create_stream(self, call: Call) -> None:
        name = call.request["StreamName"]
        if ended(call, *(["ResourceInUseException"] if name in self.streams else [])):
            self.streams[name] = Stream(name)

    def create_stream_unknown(self, call: Call) -> None:
        name = call.request["StreamName"]
        if name not in self.streams and not self._ask("kinesis", "DescribeStreamSummary", StreamName=name).fault:
            self.streams[name] = Stream(name)

    def delete_stream(self, call: Call) -> None:
        if self._stream(call) and ended(call):
            del self.streams[call.request["StreamName"]]

    def update_shard_count(self, call: Call) -> None:
        if self._stream(call):
            holds(call.fault in ("", *PARTING), f"{call}: {call.message}")

    def update_shard_count_unknown(self, call: Call) -> None:
        """A record that is put says in which shard it lies, however many there are."""

    def increase_stream_retention_period(self, call: Call) -> None:
        self._retain(call, more=True)

    def decrease_stream_retention_period(self, call: Call) -> None:
        self._retain(call, more=False)

    def _retain(self, call: Call, *, more: bool) -> None:
        hours = call.request["RetentionPeriodHours"]
        if not (stream := self._stream(call)):
            return
        if ended(call, *(["InvalidArgumentException"] if (hours < stream.hours if more else hours > stream.hours) else [])):
            self._forget(stream, call.now, hours)
            stream.hours = hours

    def list_streams(self, call: Call) -> None:
        ended(call)
        same("streams", call.result["StreamNames"], sorted(self.streams))

    def describe_stream_summary(self, call: Call) -> None:
        if (stream := self._stream(call)) and ended(call):
            same(f"the retention of {stream.name}", call.result["StreamDescriptionSummary"]["RetentionPeriodHours"], stream.hours)

    # ------------------------------------------------------------ records

    def put_record(self, call: Call) -> None:
        if stream := self._stream(call):
            holds(call.fault in ("", THROTTLED), f"{call}: {call.message}")
            if not call.fault:
                _keep(stream, call.request, call.result, call.now)

    def put_records(self, call: Call) -> None:
        if (stream := self._stream(call)) and ended(call):
            for record, told in zip(call.request["Records"], call.result["Records"], strict=True):
                if "ErrorCode" in told:
                    same(f"why {call} left a record out", told["ErrorCode"], THROTTLED)
                else:
                    _keep(stream, record, told, call.now)

    def put_record_unknown(self, call: Call) -> None:
        if stream := self.streams.get(call.request["StreamName"]):
            stream.doubtful.add(call.request["Data"].decode())

    def put_records_unknown(self, call: Call) -> None:
        if stream := self.streams.get(call.request["StreamName"]):
            stream.doubtful |= {record["Data"].decode() for record in call.request["Records"]}

    def read(self, name: str, now: float, look: Callable[..., Any]) -> None:
        """All that the shards of a stream hold, unless too much was read of one already in this second."""
        stream, place = self.streams[name], {"StreamName": name}
        ids = [shard["ShardId"] for shard in look("kinesis", "ListShards", place)["Shards"]]
        for id in ids:
            found = self._records(place | {"ShardId": id}, look)
            if found is not None:
                self._compare(stream, id, found, now)
        since = now - stream.hours * HOUR_SECONDS
        gone = {id for id in stream.shards if id not in ids}
        holds(all(put.at <= since for id in gone for put in stream.shards[id]), f"shards {gone} of {name} are gone before their records")

    def _records(self, place: dict[str, str], look: Callable[..., Any]) -> list[Any] | None:
        iterator = look("kinesis", "GetShardIterator", place | {"ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
        found: list[Any] = []
        while True:
            page = look("kinesis", "GetRecords", {"ShardIterator": iterator})
            if not page:
                return None
            found += page["Records"]
            iterator = page.get("NextShardIterator")
            if iterator is None or not page["MillisBehindLatest"]:
                return found

    def _compare(self, stream: Stream, id: str, records: list[Any], now: float) -> None:
        numbers = [int(record["SequenceNumber"]) for record in records]
        same(f"the order of {stream.name}/{id}", numbers, sorted(set(numbers)))
        found = [(record["Data"].decode(), record["PartitionKey"]) for record in records]
        found = [one for one in found if one[0] not in stream.doubtful]
        self._forget(stream, now, stream.hours)
        same(f"the records of {stream.name}/{id}", found, [(put.label, put.key) for put in stream.shards[id]])

    def _forget(self, stream: Stream, now: float, hours: int) -> None:
        since = now - min(hours, stream.hours) * HOUR_SECONDS
        for id, puts in stream.shards.items():
            stream.shards[id] = [put for put in puts if put.at >= since]

    def list_shards(self, call: Call) -> None:
        ended(call)

    get_shard_iterator = list_shards

    def get_records(self, call: Call) -> None:
        holds(call.fault in ("", THROTTLED), f"{call}: {call.message}")


def _keep(stream: Stream, record: dict[str, Any], told: dict[str, Any], now: float) -> None:
    stream.shards[told["ShardId"]].append(Put(record["Data"].decode(), record["PartitionKey"], now))
