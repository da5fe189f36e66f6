"""Queues that come and go, and what is sent to them, received, hidden and deleted."""

from __future__ import annotations

import json
from typing import Any

from tests.sim.auditor.messages import Queue
from tests.sim.auditor.sqs import Queues
from tests.sim.workload.base import Chance, Wish, queue_arn, url_of

STANDARD = ("a", "b", "c", "d", "dead", "graves")
FIFO = ("o.fifo", "p.fifo")
ANYONE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]})


class QueueWork:
    """Wishes of SQS."""

    def __init__(self, chance: Chance, model: Queues) -> None:
        self._chance, self._model = chance, model
        self._weighted = {
            self._create: 4, self._change_queue: 3, self._remove: 1, self._look: 8, self._tag: 2,
            self._send: 30, self._send_batch: 8, self._receive: 25, self._delete: 20, self._delete_batch: 4, self._hide: 8,
        }  # fmt: skip

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _queue(self) -> Queue | None:
        return self._chance.among([queue for queue in self._model.queues.values() if queue.watched])

    def _name(self) -> str:
        """A queue's name, that of one which is there for the most part."""
        queue = self._queue()
        return queue.name if queue is not None and self._chance.percent(97) else self._chance.one(*STANDARD, *FIFO, "nowhere")

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("sqs", operation, request)

    def _create(self) -> Wish:
        chance, name = self._chance, self._chance.one(*STANDARD, *FIFO, "not a name", "half.fifo")
        attributes = {
            "MessageRetentionPeriod": chance.one("60", "300", "3600"),
            "VisibilityTimeout": chance.one("5", "20", "60"),
            "Policy": ANYONE,
        }
        if name.endswith(".fifo") and name != "half.fifo":
            attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": chance.one("true", "false")}
        elif chance.percent(20):
            attributes["DelaySeconds"] = chance.one("0", "3")
        return self._make("CreateQueue", QueueName=name, Attributes=attributes, tags=chance.tags())

    def _change_queue(self) -> Wish:
        name, chance = self._name(), self._chance
        attributes = {"VisibilityTimeout": chance.one("5", "20", "60")}
        if not name.endswith(".fifo") and name not in ("dead", "graves") and "dead" in self._model.queues and chance.percent(60):
            policy = {"deadLetterTargetArn": queue_arn("dead"), "maxReceiveCount": str(chance.number(1, 3))}
            attributes["RedrivePolicy"] = chance.one("", json.dumps(policy), json.dumps(policy))
        return self._make("SetQueueAttributes", QueueUrl=url_of(name), Attributes=attributes)

    def _remove(self) -> Wish:
        return self._make(self._chance.one("DeleteQueue", "PurgeQueue", "PurgeQueue"), QueueUrl=url_of(self._name()))

    def _look(self) -> Wish:
        chance, name = self._chance, self._name()
        kind = chance.one(
            "GetQueueAttributes", "GetQueueAttributes", "ListQueues", "ListDeadLetterSourceQueues", "ListQueueTags", "GetQueueUrl"
        )
        if kind == "GetQueueAttributes":
            return self._make(kind, QueueUrl=url_of(name), AttributeNames=["All"])
        if kind == "ListQueues":
            return self._make(kind, **chance.one({}, {"QueueNamePrefix": "d"}))
        return self._make(kind, **({"QueueName": name} if kind == "GetQueueUrl" else {"QueueUrl": url_of(name)}))

    def _tag(self) -> Wish:
        chance, url = self._chance, url_of(self._name())
        return chance.one(
            self._make("TagQueue", QueueUrl=url, Tags=chance.tags()), self._make("UntagQueue", QueueUrl=url, TagKeys=list(chance.tags()))
        )

    def _message(self, name: str) -> dict[str, Any]:
        chance = self._chance
        entry: dict[str, Any] = {"MessageBody": chance.label()}
        if chance.percent(2):
            entry["MessageBody"] += "x" * chance.one(1_000, 70_000)
        if name.endswith(".fifo"):
            entry["MessageGroupId"] = chance.one("g", "h", "i")
            entry["MessageDeduplicationId"] = entry["MessageBody"].rstrip("x")
            if chance.percent(8) and (queue := self._model.queues.get(name)) and queue.sent:
                # Once more what was sent before.
                known = chance.among(queue.sent)
                entry["MessageDeduplicationId"] = known
        elif chance.percent(15):
            entry["DelaySeconds"] = chance.one(1, 5, 30)
        if chance.percent(3):
            entry |= chance.one({"MessageBody": ""}, {"DelaySeconds": 901}, {"MessageBody": "nul \x00"}, {"MessageDeduplicationId": "once"})
        if chance.percent(1):
            entry.pop("MessageGroupId", None)
        return entry

    def _send(self) -> Wish:
        name = self._name()
        return self._make("SendMessage", QueueUrl=url_of(name), **self._message(name))

    def _send_batch(self) -> Wish:
        chance, name = self._chance, self._name()
        entries = [{"Id": str(number), **self._message(name)} for number in range(chance.one(0, 1, 2, 3, 5, 10, 11))]
        if entries and chance.percent(5):
            entries.append({**entries[0], "MessageBody": chance.label()})
        return self._make("SendMessageBatch", QueueUrl=url_of(name), Entries=entries)

    def _receive(self) -> Wish:
        chance, name = self._chance, self._name()
        request: dict[str, Any] = {"MaxNumberOfMessages": chance.one(1, 2, 5, 10, 10) if chance.percent(98) else chance.one(0, 11)}
        if chance.percent(30):
            request["VisibilityTimeout"] = chance.one(1, 3, 20)
        if chance.percent(10):
            request["WaitTimeSeconds"] = chance.one(1, 20)
        return self._make("ReceiveMessage", QueueUrl=url_of(name), AttributeNames=["All"], **request)

    def _handle(self, queue: Queue) -> str:
        handle = self._chance.among(queue.usable, "nonsense")
        return handle if self._chance.percent(98) else "nonsense"

    def _delete(self) -> Wish | None:
        queue = self._queue()
        return queue and self._make("DeleteMessage", QueueUrl=url_of(queue.name), ReceiptHandle=self._handle(queue))

    def _delete_batch(self) -> Wish | None:
        queue = self._queue()
        handles = queue.usable[-self._chance.number(1, 10) :] if queue is not None else []
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        return self._make("DeleteMessageBatch", QueueUrl=url_of(queue.name), Entries=entries) if entries and queue else None

    def _hide(self) -> Wish | None:
        queue = self._queue()
        if queue is None or not queue.handles:
            return None
        handle, seconds = self._chance.among(queue.usable), self._chance.one(0, 5, 30)
        return self._make("ChangeMessageVisibility", QueueUrl=url_of(queue.name), ReceiptHandle=handle, VisibilityTimeout=seconds)
