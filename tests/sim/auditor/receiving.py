"""What a receive may answer: which messages, in which order, and which of them had to come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import inf
from typing import Any

from tests.sim.auditor.base import Call, holds, same
from tests.sim.auditor.messages import Message, Queue, label_of

Bury = Callable[[Queue, Message, bool], None]
"""Takes a message to the dead-letter queue of its queue; whether that is certain."""
HANDLES_MAX = 400


def received(call: Call, queue: Queue, now: float, bury: Bury | None, *, exact: bool) -> None:
    """Checks what was received, and notes it. Unless it is `exact`, messages that are too old may still be in the way."""
    request, answers = call.request, call.result.get("Messages", [])
    limit, timeout = request.get("MaxNumberOfMessages", 1), request.get("VisibilityTimeout", queue.number("VisibilityTimeout"))
    queue.age(now)
    taken: list[Message] = []
    for answer in answers:
        taken.append(_found(queue, answer, now, taken))
    if queue.fifo:
        _check_order(queue, taken, now, limit if exact else 1)
    else:
        _check_set(queue, taken, now, limit, bury)
    for answer, message in zip(answers, taken, strict=True):
        message.count = int(answer["Attributes"]["ApproximateReceiveCount"])
        message.id, message.sure, message.came, message.vague, message.unheard = answer["MessageId"], True, True, 0.0, 0
        message.visible, message.state = now + timeout, "held" if timeout else ""
        queue.handles[answer["ReceiptHandle"]] = (message, message.count)
    while len(queue.handles) > HANDLES_MAX:
        del queue.handles[next(iter(queue.handles))]


def _found(queue: Queue, answer: dict[str, Any], now: float, taken: list[Message]) -> Message:
    """The message that was received; raises Wrong where it could not be."""
    body = answer["Body"]
    same("the checksum of a body", answer["MD5OfBody"], hashlib.md5(body.encode()).hexdigest())
    label, count = label_of(body), int(answer["Attributes"]["ApproximateReceiveCount"])
    wanted = [
        message
        for message in queue.messages
        if message.label == label and message.id in ("", answer["MessageId"]) and message.visible <= now and message not in taken
    ]
    holds(wanted, f"{queue.name} gave {label!r}, which it can't hold or must not show yet")
    wanted.sort(key=lambda message: (message.id == "", not message.sure, message.visible, message.order))
    fitting = [message for message in wanted if count in _counts(message)]
    holds(fitting, f"{queue.name} gave {label!r} as received {count} times; expected {[_counts(message) for message in wanted]}")
    sent = int(answer["Attributes"]["SentTimestamp"])
    # Of several with one label (an object deleted twice) an earlier one may have been received by somebody who died.
    message = next((message for message in fitting if int(message.sent * 1000) == sent), fitting[0])
    if message.undated:
        message.sent, message.undated = sent / 1000, False
    same(f"when {label!r} was sent", sent, int(message.sent * 1000))
    same(f"the group of {label!r}", answer["Attributes"].get("MessageGroupId", ""), message.group)
    return message


def _counts(message: Message) -> tuple[int, ...]:
    return tuple(range(message.count + 1, message.count + 2 + max(message.unheard, message.vague > 0)))


def _check_set(queue: Queue, taken: list[Message], now: float, limit: int, bury: Bury | None) -> None:
    """A standard queue gives what can be received, as much as was asked for, and lays the dead aside that it meets on the way."""
    last = max((message.visible, message.order) for message in taken) if len(taken) == limit else (inf, 0)
    must = len(taken)
    for message in list(queue.messages):
        if message.visible > now or message in taken:
            continue
        if bury is not None and queue.may_be_dead(message):
            certain = queue.is_dead(message) and message.vague <= now and message.sure
            if not certain or (message.visible, message.order) < last:
                bury(queue, message, certain)
        elif queue.must_receive(message, now):
            must += 1
    _check_number(queue, taken, must, limit)


def _check_order(queue: Queue, taken: list[Message], now: float, limit: int) -> None:
    """A FIFO queue gives the first messages of a group, in order, and none of a group whose first one is out of sight."""
    must = 0
    for group in dict.fromkeys(message.group for message in queue.messages):
        left = [message for message in taken if message.group == group]
        for message in [message for message in queue.messages if message.group == group]:
            if left and message is left[0]:
                left.pop(0)
                must += 1
            elif left:
                passed_over = message.sure and message.vague <= now
                holds(not passed_over, f"{queue.name} gave {left[0].label!r} of group {group} before {message.label!r}")
            elif queue.must_receive(message, now):
                must += 1
            else:
                break
        holds(not left, f"{queue.name} gave {[message.label for message in left]} of group {group} out of order")
    _check_number(queue, taken, must, limit)


def _check_number(queue: Queue, taken: list[Message], must: int, limit: int) -> None:
    holds(len(taken) >= min(limit, must), f"{queue.name} gave {len(taken)} messages of {must} that can be received, {limit} were asked for")
