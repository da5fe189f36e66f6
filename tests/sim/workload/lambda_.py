"""Functions that succeed, fail and take their time, events that wait for them, and queues that they poll."""

from __future__ import annotations

import json
from typing import Any

from tests.sim.auditor.lambda_ import Functions
from tests.sim.auditor.sqs import Queues
from tests.sim.workload.base import ACCOUNT, Chance, Wish, queue_arn, url_of

NAMES = ("fine", "moody", "broken", "spare")
"""Each behaves as it is called. Only the last one is ever deleted, since the others have queues to poll."""
POLLED = {"src0": "moody", "src1": "fine"}
ARCHIVE = b"PK\x05\x06" + bytes(18)
BATCH_MAX = 5


class FunctionWork:
    """Wishes of Lambda."""

    def __init__(self, chance: Chance, model: Functions, queues: Queues) -> None:
        self._chance, self._model, self._queues = chance, model, queues
        self._weighted = {
            self._create: 5, self._remove: 1, self._change: 4, self._look: 4, self._map: 3, self._run: 8, self._leave: 20, self._send: 12,
        }  # fmt: skip

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("lambda", operation, request)

    def _name(self) -> str:
        return self._chance.among(self._model.functions, "none") if self._chance.percent(98) else self._chance.one(*NAMES, "none")

    def _queue(self) -> str | None:
        return self._chance.among([one.name for one in self._queues.queues.values() if one.watched and not one.fifo])

    def _create(self) -> Wish:
        chance, name = self._chance, self._chance.one(*NAMES)
        request: dict[str, Any] = {
            "Runtime": "python3.11",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/runs",
            "Timeout": 5,
            "Tags": chance.tags(),
        }
        if chance.percent(60) and (queue := self._queue()):
            request["DeadLetterConfig"] = {"TargetArn": queue_arn(queue)}
        code = ARCHIVE if chance.percent(90) else b"no archive"
        handler = "app.moody" if name == "spare" else f"app.{name}"
        return self._make("CreateFunction", FunctionName=name, Handler=handler, Code={"ZipFile": code}, **request)

    def _remove(self) -> Wish:
        return self._make("DeleteFunction", FunctionName="spare")

    def _change(self) -> Wish:
        chance, name = self._chance, self._name()
        kind = chance.one("handler", "limit", "free", "free", "told")
        if kind == "handler":
            return self._make(
                "UpdateFunctionConfiguration", FunctionName="spare", Handler=chance.one("app.fine", "app.moody", "app.broken")
            )
        if kind == "limit":
            return self._make("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=chance.one(1, 1, 2))
        if kind == "free":
            return self._make("DeleteFunctionConcurrency", FunctionName=name)
        told = {kind: {"Destination": queue_arn(queue)} for kind in ("OnSuccess", "OnFailure") if (queue := self._queue())}
        attempts = chance.number(0, 2)
        return self._make("PutFunctionEventInvokeConfig", FunctionName=name, MaximumRetryAttempts=attempts, DestinationConfig=told)

    def _look(self) -> Wish:
        return self._chance.one(self._make("ListFunctions"), self._make("GetFunction", FunctionName=self._name()))

    def _map(self) -> Wish:
        queue, function = self._chance.among(POLLED.items())
        if queue not in self._queues.queues:
            attributes = {"VisibilityTimeout": "30", "MessageRetentionPeriod": "1209600"}
            return Wish("sqs", "CreateQueue", {"QueueName": queue, "Attributes": attributes})
        request = {"EventSourceArn": queue_arn(queue), "FunctionName": function, "BatchSize": self._chance.one(1, 3, 10)}
        return self._make("CreateEventSourceMapping", **request)

    def _payload(self) -> bytes:
        return json.dumps({"label": self._chance.label()}).encode()

    def _run(self) -> Wish:
        return self._make("Invoke", FunctionName=self._name(), Payload=self._payload())

    def _leave(self) -> Wish:
        return self._make("Invoke", FunctionName=self._name(), Payload=self._payload(), InvocationType="Event")

    def _send(self) -> Wish | None:
        queue = self._chance.among([name for name in POLLED if name in self._queues.queues])
        if queue is None:
            return None
        if self._chance.percent(70):
            return Wish("sqs", "SendMessage", {"QueueUrl": url_of(queue), "MessageBody": self._chance.label()})
        entries = [{"Id": str(number), "MessageBody": self._chance.label()} for number in range(self._chance.number(1, BATCH_MAX))]
        return Wish("sqs", "SendMessageBatch", {"QueueUrl": url_of(queue), "Entries": entries})
