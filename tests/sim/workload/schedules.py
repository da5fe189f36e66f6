"""Schedules put, changed and deleted, of which some have a target that isn't there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.sim.auditor.schedules import DUE, LOST, Schedules
from tests.sim.workload.base import Chance, Wish

NAMES = ("a", "b", "c")
ARN = "arn:aws:sqs:eu-central-1:111111111111:"


class ScheduleWork:
    """Wishes of Scheduler."""

    def __init__(self, chance: Chance, model: Schedules, now: Callable[[], float]) -> None:
        self._chance, self._model, self._now = chance, model, now
        self._weighted = {self._create: 4, self._update: 4, self._delete: 2}

    def wish(self) -> Wish | None:
        if missing := self._model.missing(DUE, LOST):
            kept = {"MessageRetentionPeriod": "1209600"}
            return Wish("sqs", "CreateQueue", {"QueueName": missing, "Attributes": kept}, Schedules.region)
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("scheduler", operation, {"Name": self._chance.one(*NAMES), **request}, Schedules.region)

    def _settings(self) -> dict[str, Any]:
        chance = self._chance
        moment = datetime.fromtimestamp(int(self._now()) + chance.one(60, 600, 7_200), UTC)
        minutes = chance.one(5, 10, 60)
        expression = chance.one(f"rate({minutes} minutes)", f"at({moment:%Y-%m-%dT%H:%M:%S})", "cron(0/5 * * * ? *)")
        return {
            "ScheduleExpression": expression,
            "State": "ENABLED" if chance.percent(80) else "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": chance.one("NONE", "DELETE"),
            "Target": {
                "Arn": ARN + (DUE if chance.percent(70) else "nowhere"),
                "RoleArn": "arn:aws:iam::111111111111:role/calls",
                "Input": f"{chance.label()} <aws.scheduler.scheduled-time>",
                "DeadLetterConfig": {"Arn": ARN + LOST},
                "RetryPolicy": {"MaximumRetryAttempts": 0},
            },
        }

    def _create(self) -> Wish:
        return self._make("CreateSchedule", **self._settings())

    def _update(self) -> Wish:
        return self._make("UpdateSchedule", **self._settings())

    def _delete(self) -> Wish:
        return self._make("DeleteSchedule")
