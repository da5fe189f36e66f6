"""SQS: nothing acknowledged is lost, nothing comes twice or out of turn, and counts, tags and listings say what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.messages import NAME_SECONDS, Message, Queue
from tests.sim.auditor.receiving import received

NAMES = re.compile(r"[A-Za-z0-9_-]{1,75}(\.fifo)?")
ABSENT = ("QueueDoesNotExist",)
INVALID = ("InvalidParameterValue", "MissingParameter", "InvalidMessageContents")


class Queues:
    """All queues of the account."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.polled: Callable[[str, str, float, bool], None] = lambda queue, label, now, sure: None
        """Hears of messages to queues that are not watched here."""
        self.queues: dict[str, Queue] = {}
        self.deleted: dict[str, float] = {}
        self.order = 0
        self._following: list[Message] = []
        self._missed: list[tuple[str, str, dict[str, str]]] = []
        self.inexact = -1e9
        """Until when counts may still have messages that are too old: what removes them waited for room on the disk."""

    def named(self, request: dict[str, Any]) -> Queue | None:
        return self.queues.get(request["QueueUrl"].rpartition("/")[2])

    def arrive(self, name: str, label: str, now: float, *, group: str = "", token: str = "", sure: bool = True) -> Message | None:
        """A message from another service."""
        queue = self.queues.get(name)
        if queue is None:
            return None
        if queue.fifo and (before := queue.sent_before(token, now)) is not None:
            if before.came:
                return None
            sure = False
        self.order += 1
        message = Message(label, now, now, self.order, group, sure=sure)
        if not queue.fifo:
            delay = queue.number("DelaySeconds")
            message.visible, message.state = now + delay, "delayed" if delay else ""
        else:
            queue.sent[token] = now, message
        queue.messages.append(message)
        return message

    def follow(self, name: str, label: str, now: float) -> None:
        """A message that comes a few turns after what it follows from: who receives in the same step may get it or not. By its end it
        is there."""
        message = self.arrive(name, label, now, sure=False)
        if message is not None:
            self._following.append(message)

    def miss(self, name: str, label: str, order: dict[str, str]) -> None:
        """A message that comes a few turns later to a queue that isn't there: who makes it in the same step may find it in there."""
        self._missed.append((name, label, order))

    def passed(self) -> None:
        """A step is over, and all that follows from it has happened."""
        self._missed.clear()
        for message in self._following:
            message.sure = message.came = True
        self._following.clear()

    def perhaps(self, doubtful: dict[str, Message | None], name: str, label: str, now: float) -> None:
        """A message that comes now unless it came before, which nobody knows: at the end it has come once at most."""
        before = doubtful.get(label)
        if before is not None and (before.sure or before.count):
            return
        if before is not None and name in self.queues:
            self.queues[name].remove(before)
        doubtful[label] = self.arrive(name, label, now, sure=False)

    # ------------------------------------------------------------ queues

    def create_queue(self, call: Call) -> None:
        name, attributes = call.request["QueueName"], call.request.get("Attributes", {})
        if not NAMES.fullmatch(name) or name.endswith(".fifo") != (attributes.get("FifoQueue") == "true"):
            ended(call, "InvalidParameterValue")
            return
        queue = self.queues.get(name)
        if queue is not None:
            differs = any(queue.attributes.get(key, "0") != value for key, value in attributes.items())
            if ended(call, *(["QueueNameExists"] if differs else [])):
                same("the URL of a queue", call.result["QueueUrl"].rpartition("/")[2], name)
        elif call.now < self.deleted.get(name, -1e9) + NAME_SECONDS:
            ended(call, "QueueDeletedRecently")
        elif ended(call):
            self._made(call)

    def _made(self, call: Call) -> None:
        name = call.request["QueueName"]
        queue = self.queues[name] = Queue(name, dict(call.request.get("Attributes", {})), call.now, dict(call.request.get("tags", {})))
        queue.watched = not name.startswith("src")
        self._redriven(queue)
        for missed, label, order in self._missed:
            if missed == name:
                self._following = [message for message in self._following if message.label != label]
                self.arrive(name, label, call.now, **order, sure=False)

    def create_queue_unknown(self, call: Call) -> None:
        name = call.request["QueueName"]
        if name not in self.queues and not self._ask("sqs", "GetQueueUrl", QueueName=name).fault:
            self._made(call)

    def _redriven(self, queue: Queue) -> None:
        queue.dead_letter, queue.receives_max = _dead_letter(queue.attributes)

    def delete_queue(self, call: Call) -> None:
        queue = self.named(call.request)
        if ended(call, *(() if queue else ABSENT)) and queue is not None:
            self._gone(queue, call.now)

    def delete_queue_unknown(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is not None and self._ask("sqs", "GetQueueUrl", QueueName=queue.name).fault:
            self._gone(queue, call.now)

    def _gone(self, queue: Queue, now: float) -> None:
        del self.queues[queue.name]
        self.deleted[queue.name] = now

    def purge_queue(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is None:
            ended(call, *ABSENT)
        elif call.now < queue.purged + NAME_SECONDS:
            ended(call, "PurgeQueueInProgress")
        elif ended(call):
            queue.purged = call.now
            for message in list(queue.messages):
                queue.remove(message)
            queue.sent.clear()

    def set_queue_attributes(self, call: Call) -> None:
        queue, attributes = self.named(call.request), call.request["Attributes"]
        refused = ("InvalidParameterValue",) if _dead_letter(attributes)[0] not in ("", *self.queues) else ()
        if ended(call, *(refused if queue else ABSENT)) and queue is not None:
            queue.attributes |= attributes
            self._redriven(queue)

    def get_queue_attributes(self, call: Call) -> None:
        queue = self.named(call.request)
        if not ended(call, *(() if queue else ABSENT)) or queue is None:
            return
        now, shown = call.now, call.result["Attributes"]
        for name, value in queue.attributes.items():
            same(f"{name} of {queue.name}", shown.get(name, ""), value)
        same(f"the creation of {queue.name}", shown["CreatedTimestamp"], str(int(queue.created)))
        queue.age(now)
        if not queue.watched or now < self.inexact:
            return
        seen, held, delayed = (int(shown[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible", "Delayed"))
        sure = [message for message in queue.messages if message.sure]
        holds(
            len(sure) <= seen + held + delayed <= len(queue.messages) + queue.passing(now),
            f"{queue.name} counts {seen}+{held}+{delayed}, has {len(sure)} to {len(queue.messages)}",
        )
        if len(sure) == len(queue.messages) and not queue.passing(now) and not any(message.vague > now for message in sure):
            states = [message.state for message in sure if message.visible > now]
            expected = (len(sure) - len(states), states.count("held"), states.count("delayed"))
            same(f"messages of {queue.name} (visible, held, delayed)", (seen, held, delayed), expected)

    def get_queue_url(self, call: Call) -> None:
        ended(call, *(() if call.request["QueueName"] in self.queues else ABSENT))

    def list_queues(self, call: Call) -> None:
        ended(call)
        prefix = call.request.get("QueueNamePrefix", "")
        found = [url.rpartition("/")[2] for url in call.result.get("QueueUrls", [])]
        same("queues listed", found, sorted(name for name in self.queues if name.startswith(prefix)))

    def list_dead_letter_source_queues(self, call: Call) -> None:
        queue = self.named(call.request)
        if ended(call, *(() if queue else ABSENT)) and queue is not None:
            found = [url.rpartition("/")[2] for url in call.result["queueUrls"]]
            same(f"sources of {queue.name}", found, sorted(one.name for one in self.queues.values() if one.dead_letter == queue.name))

    def tag_queue(self, call: Call) -> None:
        queue = self.named(call.request)
        faults = ABSENT if queue is None else () if call.request["Tags"] else INVALID
        if ended(call, *faults) and queue is not None:
            queue.tags |= call.request["Tags"]

    def untag_queue(self, call: Call) -> None:
        queue = self.named(call.request)
        faults = ABSENT if queue is None else () if call.request["TagKeys"] else INVALID
        if ended(call, *faults) and queue is not None:
            for key in call.request["TagKeys"]:
                queue.tags.pop(key, None)

    def list_queue_tags(self, call: Call) -> None:
        queue = self.named(call.request)
        if ended(call, *(() if queue else ABSENT)) and queue is not None:
            same(f"tags of {queue.name}", call.result.get("Tags", {}), queue.tags)

    # ------------------------------------------------------------ messages

    def _illegal(self, queue: Queue, entry: dict[str, Any]) -> bool:
        delay = entry.get("DelaySeconds", 0)
        if not entry["MessageBody"] or "\x00" in entry["MessageBody"] or not 0 <= delay <= 900 or (queue.fifo and delay):
            return True
        return "MessageDeduplicationId" in entry and not queue.fifo

    def _unordered(self, queue: Queue, entry: dict[str, Any]) -> bool:
        known = queue.attributes.get("ContentBasedDeduplication") == "true" or "MessageDeduplicationId" in entry
        return queue.fifo and ("MessageGroupId" not in entry or not known)

    def send_message(self, call: Call) -> None:
        queue, request = self.named(call.request), call.request
        if queue is None:
            ended(call, *ABSENT)
        elif self._illegal(queue, request) or self._unordered(queue, request):
            ended(call, *INVALID)
        elif ended(call):
            self._sent(queue, request, call.now, call.result["MessageId"])

    def send_message_unknown(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is not None and not self._illegal(queue, call.request) and not self._unordered(queue, call.request):
            self._sent(queue, call.request, call.now, "")

    def _sent(self, queue: Queue, entry: dict[str, Any], now: float, id: str) -> None:
        """A message was sent; without an id it is not known whether it was."""
        token, sure = entry.get("MessageDeduplicationId") or entry["MessageBody"], id != ""
        if queue.fifo and (before := queue.sent_before(token, now)) is not None:
            if id and before.id:
                same(f"the id of what was sent to {queue.name} twice", id, before.id)
            before.id = before.id or id
            if before.came:
                return
            # Nobody knows whether the first one came: if it did, this is its id; if it did not, this one comes in its place.
            sure = False
        self.order += 1
        delay = 0 if queue.fifo else entry.get("DelaySeconds", queue.number("DelaySeconds"))
        message = Message(entry["MessageBody"], now, now + delay, self.order, entry.get("MessageGroupId", ""), id, sure=sure)
        message.state = "delayed" if delay else ""
        if not queue.watched:
            self.polled(queue.name, message.label, now, message.sure)
            return
        queue.messages.append(message)
        if queue.fifo:
            queue.sent[token] = now, message

    def send_message_batch(self, call: Call) -> None:
        queue, entries = self.named(call.request), call.request["Entries"]
        if queue is None:
            ended(call, *ABSENT)
        elif not entries:
            ended(call, "EmptyBatchRequest")
        elif len(entries) > 10:
            ended(call, "TooManyEntriesInBatchRequest")
        elif len({entry["Id"] for entry in entries}) < len(entries):
            ended(call, "BatchEntryIdsNotDistinct")
        elif any(self._unordered(queue, entry) for entry in entries):
            ended(call, *INVALID)
        elif ended(call):
            done = {entry["Id"]: entry["MessageId"] for entry in call.result.get("Successful", [])}
            refused = {entry["Id"] for entry in call.result.get("Failed", [])}
            expected = {entry["Id"] for entry in entries if self._illegal(queue, entry)}
            same("entries of a batch that were refused", refused, expected)
            same("entries of a batch that were sent", set(done), {entry["Id"] for entry in entries} - expected)
            for entry in entries:
                if entry["Id"] in done:
                    self._sent(queue, entry, call.now, done[entry["Id"]])

    def send_message_batch_unknown(self, call: Call) -> None:
        queue, entries = self.named(call.request), call.request["Entries"]
        ids = {entry["Id"] for entry in entries}
        if (
            queue is None
            or not 1 <= len(entries) <= 10
            or len(ids) < len(entries)
            or any(self._unordered(queue, entry) for entry in entries)
        ):
            return
        for entry in entries:
            if not self._illegal(queue, entry):
                self._sent(queue, entry, call.now, "")

    def receive_message(self, call: Call) -> None:
        queue = self.named(call.request)
        if not 1 <= call.request.get("MaxNumberOfMessages", 1) <= 10:
            ended(call, "InvalidParameterValue", *ABSENT)
        elif queue is None:
            ended(call, *ABSENT)
        elif ended(call):
            received(call, queue, call.now, self._bury if queue.dead_letter in self.queues else None, exact=call.now >= self.inexact)

    def receive_message_unknown(self, call: Call) -> None:
        """Whatever could be received may have been."""
        queue = self.named(call.request)
        if queue is not None:
            queue.age(call.now)
            timeout = call.request.get("VisibilityTimeout", queue.number("VisibilityTimeout"))
            for message in list(queue.messages):
                if message.visible <= call.now:
                    message.vague, message.unheard = max(message.vague, call.now + timeout, 1.0), message.unheard + 1
                    if queue.may_be_dead(message) and queue.dead_letter in self.queues:
                        self._bury(queue, message, False)

    def waits(self, call: Call, now: float, *, sure: bool) -> None:
        """A receive that still waits has found nothing to give: what is dead in its queue it has laid aside."""
        queue = self.named(call.request)
        if queue is None or queue.dead_letter not in self.queues:
            return
        queue.age(now)
        for message in list(queue.messages):
            if message.visible <= now and queue.may_be_dead(message):
                certain = sure and message.sure and message.vague <= now and queue.is_dead(message) and call.now >= self.inexact
                self._bury(queue, message, certain)

    def _bury(self, queue: Queue, message: Message, sure: bool) -> None:
        """A message that was received too often is laid with the dead letters; it keeps its age and its count."""
        grave = self.queues[queue.dead_letter]
        self.order += 1
        now = max(message.visible, message.sent)
        dead = Message(message.label, message.sent, now, self.order, id=message.id, count=message.count, sure=sure, vague=message.vague)
        if sure:
            queue.remove(message)
            # One that may have come before did not.
            for one in [one for one in grave.messages if one.id == message.id and message.id and not one.sure]:
                grave.remove(one)
        elif message.sure:
            message.sure = False
        # It may be there already: one that may be there twice is none the more certain.
        elif any(one.label == message.label for one in grave.messages):
            return
        grave.messages.append(dead)

    def _held(self, queue: Queue, handle: str, now: float) -> tuple[Message | None, bool, bool]:
        """A handle's message, whether the handle still holds, and whether that is certain."""
        if handle not in queue.handles:
            return None, True, False
        message, count = queue.handles[handle]
        queue.age(now)
        if message.gone:
            return None, True, now >= self.inexact
        certain = message.sure and not message.vague and now >= self.inexact
        return message, not queue.fifo or (message.count == count and message.visible > now), certain

    def delete_message(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is None:
            ended(call, *ABSENT)
            return
        handle = call.request["ReceiptHandle"]
        if not handle.startswith("AQEB") and handle not in queue.handles:
            ended(call, "ReceiptHandleIsInvalid")
            return
        message, works, certain = self._held(queue, handle, call.now)
        if certain:
            ended(call, *(() if works else ["InvalidParameterValue"]))
        if message is not None and not call.fault:
            queue.remove(message)

    def delete_message_unknown(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is not None:
            message, works, _ = self._held(queue, call.request["ReceiptHandle"], call.now)
            if message is not None and works:
                message.sure = False

    def delete_message_batch(self, call: Call) -> None:
        queue = self.named(call.request)
        if not ended(call, *(() if queue else ABSENT)) or queue is None:
            return
        done = {entry["Id"] for entry in call.result.get("Successful", [])}
        for entry in call.request["Entries"]:
            message, works, certain = self._held(queue, entry["ReceiptHandle"], call.now)
            if certain:
                same("whether a batch deletes a message", entry["Id"] in done, works)
            if message is not None and entry["Id"] in done:
                queue.remove(message)

    def delete_message_batch_unknown(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is None:
            return
        for entry in call.request["Entries"]:
            message, works, _ = self._held(queue, entry["ReceiptHandle"], call.now)
            if message is not None and works:
                message.sure = False

    def change_message_visibility(self, call: Call) -> None:
        queue, timeout = self.named(call.request), call.request["VisibilityTimeout"]
        if queue is None:
            ended(call, *ABSENT)
            return
        message, works, certain = self._held(queue, call.request["ReceiptHandle"], call.now)
        if certain:
            ended(call, *(() if works and message is not None else ["InvalidParameterValue"]))
        if message is not None and not call.fault:
            message.sure = message.came = True
            if message.visible > call.now:
                message.visible, message.state, message.vague = call.now + timeout, "held" if timeout else "", 0.0
            elif message.vague > call.now:  # only what is in flight is moved, and it may be
                message.vague = max(message.vague, call.now + timeout)

    def change_message_visibility_unknown(self, call: Call) -> None:
        queue = self.named(call.request)
        if queue is not None:
            message, works, _ = self._held(queue, call.request["ReceiptHandle"], call.now)
            if message is not None and works and max(message.visible, message.vague) > call.now:
                until = call.now + call.request["VisibilityTimeout"]
                message.vague = max(message.vague, message.visible, until)
                message.visible = min(message.visible, until)


def _dead_letter(attributes: dict[str, str]) -> tuple[str, int]:
    """The dead-letter queue that attributes name, and after how many receives."""
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    return policy.get("deadLetterTargetArn", "").rpartition(":")[2], int(policy.get("maxReceiveCount", 0))
