"""Receiving messages: at once or waiting for them, with dead letters moved on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.sqs import fifo, standard
from windtunnel.services.sqs.encryption import check_receive
from windtunnel.services.sqs.moving import bury, grave_of
from windtunnel.services.sqs.rules import (
    RECEIVED_MAX,
    SERVICE_WAIT_SECONDS_MAX,
    SYSTEM_ATTRIBUTES,
    VISIBILITY_SECONDS_MAX,
    WAIT_SECONDS_MAX,
    attributes_digest,
    check_between,
    check_token,
    chosen,
    digest,
    sequence_of,
)
from windtunnel.services.sqs.standard import Taken
from windtunnel.services.sqs.state import Found, Message, Queue, changed, find_queue

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

ROUNDS_MAX = 100
"""A receive that meets nothing but messages that are too old or dead gives up after so many pages of them; the next goes on."""


async def receive_message(call: Call, req: t.ReceiveMessageRequest) -> t.ReceiveMessageResult:
    _check(req, SERVICE_WAIT_SECONDS_MAX if call.scope.principal.kind == "AWSService" else WAIT_SECONDS_MAX)
    began, waiting = call.now(), True
    while True:
        messages, until, channel = await call.gather(_receive, req, began)
        if messages:
            return {"Messages": messages}
        if until is None or not waiting:
            return {}
        # However a wait ends, what can be received by then is given.
        waiting = await call.wait(channel, until=until)


def _receive(tx: Tx, req: t.ReceiveMessageRequest, began: float) -> tuple[list[Any], float | None, tuple[str, int]]:
    """What can be received now, or else until when to wait before looking again (None: no longer), and for which channel."""
    found = find_queue(tx, req["QueueUrl"])
    queue = found.queue
    wait = req.get("WaitTimeSeconds", queue.wait)
    limit = req.get("MaxNumberOfMessages", 1)
    timeout = req.get("VisibilityTimeout", queue.visibility)
    if standard.is_full(found.tx, queue):
        if not wait and not queue.fifo:
            raise Fault("OverLimit", "The maximum number of in flight messages is reached.")
        taken = []
    elif queue.fifo:
        taken = _take_in_order(found, req.get("ReceiveRequestAttemptId", ""), limit, timeout)
    else:
        taken = _take(found, limit, timeout)
    if taken:
        check_receive(found)
        return [_printed(found, one, req) for one in taken], None, changed(queue)
    deadline = began + wait
    if tx.now >= deadline:
        return [], None, changed(queue)
    later = fifo.soonest(found.tx, queue) if queue.fifo else standard.soonest(found.tx, queue)
    return [], min(deadline, later) if later > tx.now else deadline, changed(queue)


def _check(req: t.ReceiveMessageRequest, wait_max: int) -> None:
    names = {*req.get("AttributeNames", ()), *req.get("MessageSystemAttributeNames", ())}
    if names - SYSTEM_ATTRIBUTES:
        raise Fault("InvalidAttributeName", f"Unknown Attribute {min(names - SYSTEM_ATTRIBUTES)}.")
    if "MaxNumberOfMessages" in req:
        reason = f"Must be between 1 and {RECEIVED_MAX}, if provided."
        check_between(req["MaxNumberOfMessages"], "MaxNumberOfMessages", 1, RECEIVED_MAX, reason)
    for name, value, most in (
        ("WaitTimeSeconds", req.get("WaitTimeSeconds", 0), wait_max),
        ("VisibilityTimeout", req.get("VisibilityTimeout", 0), VISIBILITY_SECONDS_MAX),
    ):
        check_between(value, name, 0, most, f"Must be >= 0 and <= {most}, if provided.")
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
            elif _is_dead(queue, message) and (grave := grave_of(found)) is not None:
                bury(found, grave, serial, message)
                standard.remove(tx, queue, message.sent, serial, standard.place_of(tx, queue, visible, serial, message))
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
                elif _is_dead(queue, message) and (grave := grave_of(found)) is not None:
                    bury(found, grave, serial, message)
                    fifo.remove(tx, queue, serial, message)
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


def _printed(found: Found, taken: Taken, req: t.ReceiveMessageRequest) -> dict[str, Any]:
    queue, message = found.queue, taken.message
    body, md5 = taken.body, message.md5
    if message.late:
        body = found.tx.finish(message.late, body)
        md5 = digest(body)
    out: dict[str, Any] = {"MessageId": message.id, "ReceiptHandle": taken.handle, "MD5OfBody": md5, "Body": body}
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
    given = {"MessageGroupId": message.group, "AWSTraceHeader": message.trace, "DeadLetterQueueSourceArn": message.origin}
    return known | {name: value for name, value in given.items() if value}
