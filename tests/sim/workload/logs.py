"""Log groups and streams, events put in and out of time, read and searched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sim.auditor.logs import DAY_MS, Groups
from tests.sim.workload.base import Chance, Wish

GROUPS = ("g1", "g2", "g/3")
STREAMS = ("s1", "s2")
WORDS = ("apple", "pear", "plum")
EVENTS_MAX = 4
FULL_EVENTS = 300
"""A stream with so many gets no more, or reading it would take all the time."""


class LogWork:
    """Wishes of CloudWatch Logs."""

    def __init__(self, chance: Chance, model: Groups, now: Callable[[], float]) -> None:
        self._chance, self._model, self._now = chance, model, now
        self._weighted = {
            self._make_group: 3,
            self._make_stream: 3,
            self._remove: 1,
            self._change: 3,
            self._look: 3,
            self._put: 20,
            self._read: 10,
        }

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("logs", operation, {"logGroupName": self._group(), **request})

    def _group(self) -> str:
        known = self._chance.among(self._model.groups)
        return known if known and self._chance.percent(98) else self._chance.one(*GROUPS, "nothing")

    def _make_group(self) -> Wish:
        return self._make("CreateLogGroup", logGroupName=self._chance.one(*GROUPS), tags=self._chance.tags() or {"k": "v"})

    def _make_stream(self) -> Wish:
        return self._make("CreateLogStream", logStreamName=self._chance.one(*STREAMS))

    def _remove(self) -> Wish:
        return self._chance.one(self._make("DeleteLogGroup"), self._make("DeleteLogStream", logStreamName=self._chance.one(*STREAMS)))

    def _change(self) -> Wish:
        chance = self._chance
        return chance.one(
            self._make("PutRetentionPolicy", retentionInDays=chance.one(1, 3)), self._make("DeleteRetentionPolicy"),
            self._make("TagLogGroup", tags=chance.tags() or {"k": "v"}),
        )  # fmt: skip

    def _look(self) -> Wish:
        return self._chance.one(self._make("DescribeLogStreams"), self._make("ListTagsLogGroup"))

    def _put(self) -> Wish | None:
        chance, name, stream = self._chance, self._group(), self._chance.one(*STREAMS)
        group = self._model.groups.get(name)
        if group and len(group.streams.get(stream, ())) > FULL_EVENTS:
            return self._make("DeleteLogStream", logGroupName=name, logStreamName=stream)
        begin = int(self._now() * 1000) - (chance.one(0, 0, 5_000, DAY_MS // 2, 2 * DAY_MS, 20 * DAY_MS) if chance.percent(50) else 0)
        times = [begin + chance.one(0, 0, 10, 1_500, 60_000) for _ in range(chance.number(1, EVENTS_MAX))]
        if chance.percent(2):
            times.append(begin + DAY_MS + 120_000)
        events = [
            {"timestamp": time, "message": f"{chance.label()} {chance.one(*WORDS)}"}
            for time in (times if chance.percent(2) else sorted(times))
        ]
        return self._make("PutLogEvents", logGroupName=name, logStreamName=stream, logEvents=events)

    def _read(self) -> Wish:
        chance = self._chance
        if chance.percent(40):
            return self._make("FilterLogEvents", **chance.one({}, {"filterPattern": chance.one(*WORDS)}))
        request: dict[str, Any] = {"startFromHead": True} if chance.percent(50) else {}
        if chance.percent(50):
            request["limit"] = chance.number(1, 10)
        return self._make("GetLogEvents", logStreamName=chance.one(*STREAMS), **request)
