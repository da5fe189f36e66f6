"""Sending messages, one or up to ten at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sqs import fifo, standard
from windtunnel.services.sqs.encryption import check_send
from windtunnel.services.sqs.rules import (
    BATCH_BYTES_MAX,
    BILLED_BYTES,
    DELAY_SECONDS_MAX,
    TRACE,
    attributes_digest,
    check_attributes,
    check_between,
    check_body,
    check_entries,
    check_system_attributes,
    check_token,
    content_id,
    digest,
    failed,
    invalid_value,
    missing,
    sequence_of,
    size_of,
)
from windtunnel.services.sqs.state import LATE, Found, Message, Queue, Sent, changed, find_queue

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

ENTRY = "SendMessageBatchRequestEntry"
NOT_FOR_THIS_TYPE = "The request include parameter that is not valid for this queue type."
NO_DEDUPLICATION = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"


def send_message(tx: Tx, req: t.SendMessageRequest) -> t.SendMessageResult:
    found = find_queue(tx, req["QueueUrl"])
    queue = found.queue
    size = _check(req, queue)
    if size > queue.size_max:
        reason = f"Message must be shorter than {queue.size_max} bytes."
        raise Fault("InvalidParameterValue", f"One or more parameters are invalid. Reason: {reason}")
    if queue.fifo:
        _check_order(req, queue, missing("MessageGroupId"))
    check_send(found)
    result = _send(found, req)
    _meter(found, size)
    tx.wake(*changed(queue))
    return result  # pyright: ignore[reportReturnType]


def send_message_batch(tx: Tx, req: t.SendMessageBatchRequest) -> t.SendMessageBatchResult:
    found = find_queue(tx, req["QueueUrl"])
    queue = found.queue
    entries = req["Entries"]
    check_entries(entries, ENTRY)
    if queue.fifo:
        for entry in entries:
            _check_order(entry, queue, Fault("InvalidParameterValue", "The request must contain the parameter MessageGroupId."))
    total = sum(size_of(entry.get("MessageBody", ""), entry.get("MessageAttributes") or {}) for entry in entries)
    if total > BATCH_BYTES_MAX:
        raise Fault("BatchRequestTooLong", f"Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent {total} bytes.")
    check_send(found)
    successful: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, 1):
        try:
            if not entry.get("MessageBody"):
                raise missing(f"{ENTRY}.{number}.MessageBody")
            if _check(entry, queue) > queue.size_max:
                reason = f"Message must be shorter than {queue.size_max} bytes."
                raise Fault("InvalidParameterValue", f"One or more parameters cannot be validated. Reason: {reason}")
            successful.append({"Id": entry["Id"], **_send(found, entry)})
        except Fault as fault:
            refused.append(failed(entry["Id"], fault))
    _meter(found, total)
    tx.wake(*changed(queue))
    result: dict[str, Any] = {"Successful": successful}
    if refused:
        result["Failed"] = refused
    return result  # pyright: ignore[reportReturnType]


def _check(req: Mapping[str, Any], queue: Queue) -> int:
    """Refuses what a queue of this type doesn't take; tells the message's size."""
    body = req["MessageBody"]
    check_body(body)
    attributes = req.get("MessageAttributes")
    if attributes:
        check_attributes(attributes)
    if system := req.get("MessageSystemAttributes"):
        check_system_attributes(system)
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if name in req:
            check_token(req[name], name)
    delay = req.get("DelaySeconds")
    if delay is not None:
        check_between(delay, "DelaySeconds", 0, DELAY_SECONDS_MAX, f"DelaySeconds must be >= 0 and <= {DELAY_SECONDS_MAX}.")
        if queue.fifo and delay:
            raise invalid_value(delay, "DelaySeconds", NOT_FOR_THIS_TYPE)
    if not queue.fifo and "MessageDeduplicationId" in req:
        raise invalid_value(req["MessageDeduplicationId"], "MessageDeduplicationId", NOT_FOR_THIS_TYPE)
    return size_of(body, attributes or {})


def _check_order(req: Mapping[str, Any], queue: Queue, no_group: Fault) -> None:
    if "MessageGroupId" not in req:
        raise no_group
    if not queue.content_deduplication and "MessageDeduplicationId" not in req:
        raise Fault("InvalidParameterValue", NO_DEDUPLICATION)


def _send(found: Found, req: Mapping[str, Any]) -> dict[str, Any]:
    tx, queue = found.tx, found.queue
    body: str = req["MessageBody"]
    attributes: dict[str, dict[str, Any]] = req.get("MessageAttributes") or {}
    system: dict[str, dict[str, Any]] = req.get("MessageSystemAttributes") or {}
    late: str = req.get(LATE, "")
    message = Message(
        id=tx.new_id(),
        body=body,
        md5="" if late else digest(body),
        sender=tx.scope.principal.id,
        sent=tx.now,
        attributes=attributes,
        attributes_md5=attributes_digest(attributes),
        trace=system[TRACE]["StringValue"] if TRACE in system else tx.scope.trace,
        group=req.get("MessageGroupId", ""),
        deduplication=req.get("MessageDeduplicationId") or (content_id(body) if queue.fifo else ""),
        late=late,
    )
    result: dict[str, Any] = {"MD5OfMessageBody": message.md5, "MessageId": message.id}
    if queue.fifo:
        sent = fifo.already_sent(tx, queue, message.group, message.deduplication)
        if sent is None:
            sent = Sent(tx.now, message.id, fifo.insert(tx, queue, message))
            fifo.remember_sent(tx, queue, message.group, message.deduplication, sent)
        result["MessageId"], result["SequenceNumber"] = sent.id, sequence_of(sent.serial)
    else:
        standard.insert(found, tx.serial(), message, tx.now + req.get("DelaySeconds", queue.delay))
    if attributes:
        result["MD5OfMessageAttributes"] = message.attributes_md5
    if system:
        result["MD5OfMessageSystemAttributes"] = attributes_digest(system)
    return result


def _meter(found: Found, size: int) -> None:
    if size > BILLED_BYTES:
        found.tx.meter("Requests", -(-size // BILLED_BYTES) - 1, found.name)
