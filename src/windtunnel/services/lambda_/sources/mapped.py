"""A mapping of a stream as its consumer: what passes the filters is run by the function, in windows where there are any."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call
from windtunnel.fabric.streams.attempts import attempt
from windtunnel.fabric.streams.feed import Feed
from windtunnel.fabric.streams.lanes import parts
from windtunnel.fabric.streams.reading import Lane, Reading, Records
from windtunnel.services.lambda_.sources import windows
from windtunnel.services.lambda_.sources.runs import KINESIS, FunctionRuns
from windtunnel.services.lambda_.state import Mapping


class Mapped:
    """Whom a mapping's stream is read for."""

    def __init__(self, call: Call, reading: Reading, mapping: Mapping) -> None:
        self._call, self._reading, self._mapping, self._feed = call, reading, mapping, Feed(mapping.source)
        self._filters = [compile_pattern(pattern) for pattern in mapping.filters]

    def wants(self, record: dict[str, Any]) -> bool:
        if not self._filters:
            return True
        event = self._feed.matched(record)
        if self._feed.is_kinesis:
            event["kinesis"] = {name: event[name] for name in KINESIS} | {"data": self._feed.event(record, "", "")["data"]}
        return any(matches(event) for matches in self._filters)

    def ends(self, lane: Lane) -> float:
        return self._call.read(windows.ends, lane, self._mapping)

    async def process(self, lane: Lane, records: Records) -> None:
        if self._mapping.tumbling:
            await windows.process(self._runs(lane), self._reading, records)
        else:
            for part in parts(records):
                await attempt(self._call, self._reading, part, self._runs(lane))

    async def close(self, lane: Lane) -> None:
        await windows.close(self._runs(lane), finally_at=None)

    def _runs(self, lane: Lane) -> FunctionRuns:
        return FunctionRuns(self._call, self._mapping, lane)
