"""CloudWatch Logs: what was put is read again, all of it, in the order of its times, until its retention ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.sim.auditor.base import Ask, Call, Wrong, ended, same

ABSENT = ("ResourceNotFoundException",)
DAY_MS = 86_400_000
FUTURE_MS, PAST_MS = 2 * 3_600_000, 14 * DAY_MS
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
Event = tuple[int, str]


@dataclass(eq=False, slots=True)
class Group:
    """One log group with its streams."""

    retention: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    streams: dict[str, list[Event]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    """Messages that were too old under an earlier retention: until they are swept, within a day, a longer one shows them again."""

    def seen(self, stream: str, now: float) -> list[Event]:
        """Events by time; those of one time as they came. What is too old by the retention is not seen."""
        cutoff = int(now * 1000) - self.retention * DAY_MS if self.retention else 0
        return sorted((event for event in self.streams[stream] if event[0] >= cutoff), key=lambda event: event[0])


class Groups:
    """All groups but those that functions write to by themselves."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.groups: dict[str, Group] = {}

    def _group(self, call: Call) -> Group | None:
        group = self.groups.get(call.request["logGroupName"])
        if group is None:
            ended(call, *ABSENT)
        return group

    def create_log_group(self, call: Call) -> None:
        name = call.request["logGroupName"]
        if ended(call, *(["ResourceAlreadyExistsException"] if name in self.groups else [])):
            self.groups[name] = Group(tags=dict(call.request.get("tags", {})))

    def create_log_group_unknown(self, call: Call) -> None:
        name = call.request["logGroupName"]
        if name not in self.groups and not self._ask("logs", "DescribeLogStreams", logGroupName=name).fault:
            self.groups[name] = Group(tags=dict(call.request.get("tags", {})))

    def delete_log_group(self, call: Call) -> None:
        if self._group(call) and ended(call):
            del self.groups[call.request["logGroupName"]]

    def put_retention_policy(self, call: Call) -> None:
        if (group := self._group(call)) and ended(call):
            self._forget(group, call.now)
            group.retention = call.request["retentionInDays"]

    def delete_retention_policy(self, call: Call) -> None:
        if (group := self._group(call)) and ended(call):
            self._forget(group, call.now)
            group.retention = 0

    def _forget(self, group: Group, now: float) -> None:
        for stream, events in group.streams.items():
            group.streams[stream] = group.seen(stream, now)
            group.doubtful |= {message for _, message in events} - {message for _, message in group.streams[stream]}

    def describe_log_groups(self, call: Call) -> None:
        ended(call)
        found = {one["logGroupName"]: one.get("retentionInDays", 0) for one in call.result["logGroups"]}
        same("log groups", found, {name: group.retention for name, group in sorted(self.groups.items())})

    def list_tags_log_group(self, call: Call) -> None:
        if (group := self._group(call)) and ended(call):
            same(f"tags of {call.request['logGroupName']}", call.result["tags"], group.tags)

    def tag_log_group(self, call: Call) -> None:
        if (group := self._group(call)) and ended(call):
            group.tags |= call.request["tags"]

    def create_log_stream(self, call: Call) -> None:
        if group := self._group(call):
            name = call.request["logStreamName"]
            if ended(call, *(["ResourceAlreadyExistsException"] if name in group.streams else [])):
                group.streams[name] = []

    def delete_log_stream(self, call: Call) -> None:
        if group := self._group(call):
            name = call.request["logStreamName"]
            if ended(call, *([] if name in group.streams else ABSENT)):
                del group.streams[name]

    def describe_log_streams(self, call: Call) -> None:
        if (group := self._group(call)) and ended(call):
            found = [one["logStreamName"] for one in call.result["logStreams"]]
            same(f"streams of {call.request['logGroupName']}", found, sorted(group.streams))

    def put_log_events(self, call: Call) -> None:
        events = [(event["timestamp"], event["message"]) for event in call.request["logEvents"]]
        times = [time for time, _ in events]
        if times != sorted(times):
            ended(call, "InvalidParameterException", *ABSENT)
            return
        group = self._group(call)
        if group is None:
            return
        stream = group.streams.get(call.request["logStreamName"])
        taken = self._taken(group, events, call.now)
        if stream is None:
            ended(call, *ABSENT)
        elif taken and taken[-1][0] - taken[0][0] > DAY_MS:
            ended(call, "InvalidParameterException")
        elif ended(call):
            same("whether events were rejected", "rejectedLogEventsInfo" in call.result, len(taken) < len(events))
            stream.extend(taken)

    def _taken(self, group: Group, events: list[Event], now: float) -> list[Event]:
        moment = int(now * 1000)
        oldest = max(moment - PAST_MS, moment - group.retention * DAY_MS if group.retention else 0)
        return [event for event in events if oldest <= event[0] <= moment + FUTURE_MS]

    def put_log_events_unknown(self, call: Call) -> None:
        """All of them or none."""
        name, stream = call.request["logGroupName"], call.request["logStreamName"]
        group = self.groups.get(name)
        if group is None or stream not in group.streams:
            return
        answer = self._ask("logs", "GetLogEvents", logGroupName=name, logStreamName=stream, startFromHead=True)
        found = _events(group, answer.result)
        before = group.seen(stream, call.now)
        if found == before:
            return
        events = [(event["timestamp"], event["message"]) for event in call.request["logEvents"]]
        group.streams[stream].extend(self._taken(group, events, call.now))
        if found != group.seen(stream, call.now):
            raise Wrong(f"{call}: some events were kept and some not, or others: {found}")

    def get_log_events(self, call: Call) -> None:
        if group := self._group(call):
            stream = call.request["logStreamName"]
            if ended(call, *([] if stream in group.streams else ABSENT)):
                found, events = _events(group, call.result), group.seen(stream, call.now)
                most = call.request.get("limit", 10_000)
                if group.doubtful and most < 10_000:
                    return
                expected = events[:most] if call.request.get("startFromHead") else events[-most:]
                same(f"events of {call.request['logGroupName']}/{stream}", found, expected)

    def filter_log_events(self, call: Call) -> None:
        if (group := self._group(call)) and ended(call):
            word = call.request.get("filterPattern", "")
            known = (event for event in call.result["events"] if event["message"] not in group.doubtful)
            found = sorted((event["logStreamName"], event["timestamp"], event["message"]) for event in known)
            events = ((stream, *event) for stream in group.streams for event in group.seen(stream, call.now))
            same(
                f"events of {call.request['logGroupName']} with {word!r}",
                found,
                sorted(one for one in events if not word or word in one[2].split()),
            )


def _events(group: Group, result: Any) -> list[Event]:
    return [(event["timestamp"], event["message"]) for event in result["events"] if event["message"] not in group.doubtful]
