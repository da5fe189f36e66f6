"""Receiving messages: at once or waiting for them, with dead letters moved on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.sqs import fifo, standard
from windtunnel.services.sqs.life import watch_age
from windtunnel.services.sqs.rules import (
    RECEIVED_MAX,
    SYSTEM_ATTRIBUTES,
    VISIBILITY_SECONDS_MAX,
    WAIT_SECONDS_MAX,
    attributes_digest,
    check_between,
    check_token,
    chosen,
    sequence_of,
)
from windtunnel.services.sqs.standard import Taken, replace
from windtunnel.services.sqs.state import QUEUES, Found, Message, Queue, arn_of, body_of, changed, find_queue

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

ROUNDS_MAX = 100
"""A receive that meets nothing but messages that are too old or dead gives up after so many pages of them; the next goes on."""


async def receive_message(call: Call, req: t.ReceiveMessageRequest) -> t.ReceiveMessageResult:
    _check(req)
    began = call.now()
    while True:
        messages, until, channel = await call.transact(_receive, req, began)
        if messages:
            return {"Messages": messages}
        if call.now() >= until:
            return {}
        await call.wait(channel, until=until)


def _receive(tx: Tx, req: t.ReceiveMessageRequest, began: float) -> tuple[list[Any], float, tuple[str, int]]:
    """What can be received now, or else until when to wait before looking again, and for which channel."""
    found = find_queue(tx, req["QueueUrl"])
    queue = found.queue
    wait = req.get("WaitTimeSeconds", queue.wait)
    limit = req.get("MaxNumberOfMessages", 1)
    timeout = req.get("VisibilityTimeout", queue.visibility)
    if queue.fifo:
        taken = _take_in_order(found, req.get("ReceiveRequestAttemptId", ""), limit, timeout)
    elif standard.is_full(found.tx, queue):
        if not wait:
            raise Fault("OverLimit", "The maximum number of in flight messages is reached.")
        taken = []
    else:
        taken = _take(found, limit, timeout)
    if taken:
        return [_printed(one, req, queue) for one in taken], 0, changed(queue)
    deadline = began + wait
    if tx.now >= deadline:
        return [], 0, changed(queue)
    later = fifo.soonest(found.tx, queue) if queue.fifo else standard.soonest(found.tx, queue)
    return [], min(deadline, later) if later > tx.now else deadline, changed(queue)


def _check(req: t.ReceiveMessageRequest) -> None:
    names = {*req.get("AttributeNames", ()), *req.get("MessageSystemAttributeNames", ())}
    if names - SYSTEM_ATTRIBUTES:
        raise Fault("InvalidAttributeName", f"Unknown Attribute {min(names - SYSTEM_ATTRIBUTES)}.")
    if "MaxNumberOfMessages" in req:
        reason = f"Must be between 1 and {RECEIVED_MAX}, if provided."
        check_between(req["MaxNumberOfMessages"], "MaxNumberOfMessages", 1, RECEIVED_MAX, reason)
    for name, most in (("WaitTimeSeconds", WAIT_SECONDS_MAX), ("VisibilityTimeout", VISIBILITY_SECONDS_MAX)):
        if name in req:
            check_between(req[name], name, 0, most, f"Must be >= 0 and <= {most}, if provided.")
    if "ReceiveRequestAttemptId" in req:
        check_token(req["ReceiveRequestAttemptId"], "ReceiveRequestAttemptId")


def _take(found: Found, limit: int, timeout: int) -> list[Taken]:
    tx, queue = found.tx, found.queue
    too_old = tx.now - queue.retention
    taken: list[Taken] = []
    for _ in range(ROUNDS_MAX):
        wanted = limit - len(taken)
        page = list(standard.ready(tx, queue, wanted))
        passed = 0
        for visible, serial, message in page:
            if message.sent <= too_old:
                standard.remove(tx, queue, message.sent, serial, standard.place_of(tx, queue, visible, serial, message))
            elif _is_dead(queue, message) and (grave := _grave(found)) is not None:
                place = standard.place_of(tx, queue, visible, serial, message)
                buried = _dead(found, serial, message)
                standard.remove(tx, queue, message.sent, serial, place)
                _bury(grave, serial, buried)
            else:
                taken.append(standard.take(tx, queue, visible, serial, message, timeout))
                continue
            passed += 1
        # With a timeout of 0 what was taken lies there still, so another look would find it again.
        if not passed or len(page) < wanted or (taken and not timeout):
            break
    return taken


def _take_in_order(found: Found, attempt: str, limit: int, timeout: int) -> list[Taken]:
    tx, queue = found.tx, found.queue
    if attempt and (again := fifo.repeated(tx, queue, attempt, timeout)):
        return again
    too_old = tx.now - queue.retention
    taken: list[Taken] = []
    for _ in range(ROUNDS_MAX):
        passed = 0
        for group in fifo.ready_groups(tx, queue, limit):
            for serial, message in fifo.available(tx, queue, group, limit - len(taken)):
                if message.sent <= too_old:
                    fifo.remove(tx, queue, serial, message)
                    passed += 1
                elif _is_dead(queue, message) and (grave := _grave(found)) is not None:
                    buried = _dead(found, serial, message)
                    fifo.remove(tx, queue, serial, message)
                    _bury(grave, tx.serial(), buried)
                    passed += 1
                else:
                    taken.append(fifo.take(tx, queue, serial, message, timeout))
            if len(taken) >= limit:
                break
        if not passed or len(taken) >= limit or (taken and not timeout):
            break
    if attempt and taken:
        fifo.remember_attempt(tx, queue, attempt, taken)
    return taken


def _is_dead(queue: Queue, message: Message) -> bool:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"""
    return 0 < queue.receives_max <= message.count


def _grave(found: Found) -> Found | None:
    """The dead-letter queue; None where it was deleted: its source keeps the messages then."""
    arn = parse_or_none(found.queue.dead_letter)
    if arn is None:
        return None
    tx = found.tx.at(account=arn.account, region=arn.region)
    queue = tx.get(QUEUES, arn.resource)
    return None if queue is None else Found(tx, arn.resource, queue)


def _dead(found: Found, serial: int, message: Message) -> Message:
    """A message as it goes to a dead-letter queue: its id, times and count stay."""
    tx = found.tx
    return replace(
        message,
        body=body_of(tx, found.queue.store, serial, message),
        large=False,
        origin=arn_of(tx.region, tx.account, found.name),
        visible=0.0,
        held=False,
    )


def _bury(grave: Found, serial: int, message: Message) -> None:
    tx, queue = grave.tx, grave.queue
    if queue.fifo:
        # A FIFO queue begins a message's age anew, a standard queue doesn't.
        fifo.insert(tx, queue, serial, replace(message, sent=tx.now))
    else:
        standard.insert(tx, queue, serial, message, tx.now)
        watch_age(tx, grave.name, queue, message.sent)
    tx.wake(*changed(queue))


def _printed(taken: Taken, req: t.ReceiveMessageRequest, queue: Queue) -> dict[str, Any]:
    message = taken.message
    out: dict[str, Any] = {"MessageId": message.id, "ReceiptHandle": taken.handle, "MD5OfBody": message.md5, "Body": taken.body}
    names = (*req.get("AttributeNames", ()), *req.get("MessageSystemAttributeNames", ()))
    if names:
        known = _system(taken, queue)
        out["Attributes"] = known if "All" in names else {name: known[name] for name in names if name in known}
    if message.attributes and (wanted := req.get("MessageAttributeNames")):
        attributes = chosen(message.attributes, wanted)
        if attributes:
            whole = len(attributes) == len(message.attributes)
            out["MessageAttributes"] = attributes
            out["MD5OfMessageAttributes"] = message.attributes_md5 if whole else attributes_digest(attributes)
    return out


def _system(taken: Taken, queue: Queue) -> dict[str, str]:
    message = taken.message
    known = {
        "SenderId": message.sender,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(message.count),
        "ApproximateFirstReceiveTimestamp": str(int(message.first * 1000)),
    }
    if queue.fifo:
        known["SequenceNumber"] = sequence_of(taken.serial)
        known["MessageDeduplicationId"] = message.deduplication
    for name, value in (
        ("MessageGroupId", message.group),
        ("AWSTraceHeader", message.trace),
        ("DeadLetterQueueSourceArn", message.origin),
    ):
        if value:
            known[name] = value
    return known
