"""Scheduler: each time that is due reaches the target once, or the dead letters, whatever happens meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.elsewhere import Elsewhere, Places, Troubles

ABSENT = "ResourceNotFoundException"
DUE, LOST = "due", "lost"
CRON_SECONDS = 300
LATE_SECONDS = 60


@dataclass(eq=False, slots=True)
class Plan:
    """What a schedule was from one change to the next. `label` is in each of its messages, `checked` until when they were looked at."""

    label: str
    kind: str
    number: float
    since: float
    begin: float
    enabled: bool
    goes: bool
    """Whether the schedule goes with its last run."""
    end: float | None = None
    checked: float = -1.0

    def times(self, after: float, until: float) -> Iterator[float]:
        """When it is due, later than one moment and until another."""
        if not self.enabled:
            return
        if self.kind == "at":
            yield from [self.number] if after < self.number <= until and self.number >= self.begin else []
            return
        start, step = (self.since, self.number) if self.kind == "rate" else (0.0, CRON_SECONDS)
        count = max(ceil((max(after, self.begin - 0.001) - start) / step), 0)
        while (moment := start + count * step) <= until:
            if moment > after:
                yield moment
            count += 1

    def gone(self, now: float) -> bool:
        return self.kind == "at" and self.goes and self.enabled and self.begin <= self.number <= now


class Schedules(Elsewhere, Places):
    """All schedules of the default group."""

    region = "eu-central-1"

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        Elsewhere.__init__(self, ask, troubles)
        Places.__init__(self, ask)
        self.plans: dict[str, Plan] = {}
        self._old: list[Plan] = []
        self._got: Counter[tuple[str, str]] = Counter()

    def plan(self, name: str, now: float) -> Plan | None:
        plan = self.plans.get(name)
        return None if plan is None or plan.gone(now) else plan

    def create_schedule(self, call: Call) -> None:
        if ended(call, *(["ConflictException"] if self.plan(call.request["Name"], call.now) else [])):
            self._put(call)

    def _put(self, call: Call) -> None:
        request, name = call.request, call.request["Name"]
        kind, _, number = request["ScheduleExpression"].rstrip(")").partition("(")
        enabled, before = request["State"] == "ENABLED", self.plan(name, call.now)
        value = {"rate": lambda: int(number.split()[0]) * 60.0, "at": lambda: _moment(number), "cron": lambda: 0.0}[kind]()
        goes = request["ActionAfterCompletion"] == "DELETE"
        since = call.now
        if before is not None and (before.kind, before.number, before.enabled) == (kind, value, enabled):
            since = before.since
        self._end(name, call.now)
        self.plans[name] = Plan(request["Target"]["Input"].split()[0], kind, value, since, call.now, enabled, goes)

    def _end(self, name: str, now: float) -> None:
        if (plan := self.plans.pop(name, None)) is not None:
            plan.end = now
            self._old.append(plan)

    def update_schedule(self, call: Call) -> None:
        if ended(call, *([] if self.plan(call.request["Name"], call.now) else [ABSENT])):
            self._put(call)

    def _put_unknown(self, call: Call) -> None:
        said = self.ask("scheduler", "GetSchedule", Name=call.request["Name"])
        if not said.fault and said.result["Target"]["Input"] == call.request["Target"]["Input"]:
            self._put(call)

    create_schedule_unknown = update_schedule_unknown = _put_unknown

    def delete_schedule(self, call: Call) -> None:
        if ended(call, *([] if self.plan(call.request["Name"], call.now) else [ABSENT])):
            self._end(call.request["Name"], call.now)

    def delete_schedule_unknown(self, call: Call) -> None:
        if self.ask("scheduler", "GetSchedule", Name=call.request["Name"]).fault:
            self._end(call.request["Name"], call.now)

    # ------------------------------------------------------------ the whole

    def audit(self) -> None:
        """All that was due by now has come."""
        if not self.made >= {DUE, LOST}:
            return
        now = self.troubles.now()
        for queue in (DUE, LOST):
            self._receive(queue)
        listed = [one["Name"] for one in self.said("scheduler", "ListSchedules")["Schedules"]]
        same("schedules", listed, [name for name in sorted(self.plans) if self.plan(name, now)])
        for plan in [*self._old, *self.plans.values()]:
            until = now if plan.end is None else plan.end
            for moment in plan.times(plan.checked, until):
                came = self._got.pop((plan.label, _iso(moment)), 0)
                # Of what fell due while the disk was full only the first is made up for.
                least = 0 if self.troubles.within(moment, moment + LATE_SECONDS) else 1
                holds(least <= came <= 1, f"{plan} was due at {_iso(moment)} ({moment:.3f}), and came {came} times by {now:.3f}")
            plan.checked = until
        same("messages of schedules that were not due", self._got, Counter())
        self._old.clear()

    def _receive(self, queue: str) -> None:
        url = {"QueueUrl": f"http://localhost:4566/111111111111/{queue}"}
        while messages := self.said("sqs", "ReceiveMessage", **url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                label, moment = message["Body"].split()
                self._got[label, moment] += 1
            entries: list[Any] = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
            self.said("sqs", "DeleteMessageBatch", **url, Entries=entries)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
