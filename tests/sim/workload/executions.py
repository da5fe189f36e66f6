"""Durable executions begun, under names that come again, and all that clients can do with them: in time, too late and twice."""

from __future__ import annotations

import json
from typing import Any

from tests.sim.auditor.executions import FUNCTIONS, RULE, TARGET, TOLD, Executions
from tests.sim.workload.base import Chance, Wish
from tests.sim.workload.lambda_ import ARCHIVE

NAMES = tuple(f"n{number}" for number in range(12))
PATTERN = {"source": ["aws.lambda"], "detail-type": ["Durable Execution Status Change"]}
QUEUE = f"arn:aws:sqs:{Executions.region}:111111111111:{TOLD}"
LIMITS = {"brief": 600, "lasting": 3_600}
RECENT = 30


class ExecutionWork:
    """Wishes of Lambda's durable functions."""

    def __init__(self, chance: Chance, model: Executions) -> None:
        self._chance, self._model = chance, model
        self._before: dict[str, bytes] = {}
        self._weighted = {
            self._begin: 14, self._again: 4, self._answer: 14, self._pause: 3, self._resume: 4, self._stop: 2, self._delete: 2,
            self._look: 3, self._list: 1,
        }  # fmt: skip

    def wish(self) -> Wish | None:
        return self._missing() or self._chance.pick(self._weighted)

    def _missing(self) -> Wish | None:
        missing = self._model.missing(TOLD, RULE, TARGET, *FUNCTIONS)
        if missing == TOLD:
            return Wish("sqs", "CreateQueue", {"QueueName": TOLD, "Attributes": {"MessageRetentionPeriod": "1209600"}}, Executions.region)
        if missing == RULE:
            return Wish("events", "PutRule", {"Name": RULE, "EventPattern": json.dumps(PATTERN)}, Executions.region)
        if missing == TARGET:
            return Wish("events", "PutTargets", {"Rule": RULE, "Targets": [{"Id": "1", "Arn": QUEUE}]}, Executions.region)
        if missing:
            durable = {"DurableConfig": {"ExecutionTimeout": LIMITS[missing], "RetentionPeriodInDays": 1}} if missing in LIMITS else {}
            return self._make(
                "CreateFunction",
                FunctionName=missing,
                Runtime="python3.11",
                Role="arn:aws:iam::111111111111:role/runs",
                Timeout=5,
                Handler="app.lasts" if durable else "app.moody",
                Code={"ZipFile": ARCHIVE},
                **durable,
            )
        return None

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("lambda", operation, request, Executions.region)

    def _arn(self) -> str | None:
        """One of the latest, most of the time."""
        known = list(self._model.executions)
        return self._chance.among(known[-RECENT:] if self._chance.percent(90) else known)

    def _about(self, operation: str, **request: Any) -> Wish | None:
        arn = self._arn()
        return None if arn is None else self._make(operation, DurableExecutionArn=arn, **request)

    def _begin(self) -> Wish:
        chance = self._chance
        label = chance.label()
        self._model.asked.add(label)
        payload = json.dumps({"label": label, "depth": 0}).encode()
        if chance.percent(50):
            return self._invoke(chance.one(*NAMES), payload)
        return self._invoke("", payload)

    def _again(self) -> Wish | None:
        """A name that was used before, with what it was used for."""
        name = self._chance.among(self._before)
        return None if name is None else self._invoke(name, self._before[name])

    def _invoke(self, name: str, payload: bytes) -> Wish:
        chance, more = self._chance, dict[str, str]()
        if name:
            self._before[name] = payload
            more["DurableExecutionName"] = name
        if chance.percent(25):
            return self._make("Invoke", FunctionName="brief:$LATEST", Payload=payload, **more)
        function = chance.one("brief", "lasting")
        return self._make("Invoke", FunctionName=f"{function}:$LATEST", InvocationType="Event", Payload=payload, **more)

    def _answer(self) -> Wish | None:
        chance = self._chance
        known = list(self._model.callbacks)
        id = chance.among(known[-5:] if chance.percent(90) else known)
        if id is None:
            return None
        kind = chance.one("Success", "Success", "Failure", "Heartbeat", "Heartbeat")
        told = {"Success": {"Result": chance.label().encode()}, "Failure": {"Error": {"ErrorType": "Told"}}}
        return self._make(f"SendDurableExecutionCallback{kind}", CallbackId=id, **told.get(kind, {}))

    def _pause(self) -> Wish | None:
        return self._about("PauseDurableExecution", ExecutionTimeoutPaused=self._chance.percent(50))

    def _resume(self) -> Wish | None:
        return self._about("ResumeDurableExecution")

    def _stop(self) -> Wish | None:
        return self._about("StopDurableExecution")

    def _delete(self) -> Wish | None:
        return self._about("DeleteDurableExecution")

    def _look(self) -> Wish | None:
        if self._chance.percent(50):
            return self._about("GetDurableExecution")
        return self._about("GetDurableExecutionHistory", ReverseOrder=self._chance.percent(50), MaxItems=self._chance.number(1, 30))

    def _list(self) -> Wish:
        status = self._chance.one("RUNNING", "SUCCEEDED", "PAUSED", "")
        more = {"Statuses": [status]} if status else {}
        return self._make("ListDurableExecutionsByFunction", FunctionName=self._chance.one(*LIMITS), MaxItems=20, **more)
