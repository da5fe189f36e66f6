"""What a receiver does with a receipt handle: delete the message, or change how long it stays out of sight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sqs import fifo, standard
from windtunnel.services.sqs.receipts import receipt_of
from windtunnel.services.sqs.rules import VISIBILITY_SECONDS_MAX, check_between, check_entries, failed, invalid_value, missing
from windtunnel.services.sqs.state import Found, changed, find_queue

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

EXPIRED = "The receipt handle has expired."
NOT_AVAILABLE = "Message does not exist or is not available for visibility timeout change."


def delete_message(tx: Tx, req: t.DeleteMessageRequest) -> None:
    handle = req["ReceiptHandle"]
    if not _delete(find_queue(tx, req["QueueUrl"]), handle):
        raise invalid_value(handle, "ReceiptHandle", EXPIRED)


def delete_message_batch(tx: Tx, req: t.DeleteMessageBatchRequest) -> t.DeleteMessageBatchResult:
    found = find_queue(tx, req["QueueUrl"])

    def act(entry: Mapping[str, Any]) -> None:
        if not _delete(found, entry["ReceiptHandle"]):
            raise Fault("ReceiptHandleIsInvalid", EXPIRED.removesuffix("."))

    return _each(req["Entries"], "DeleteMessageBatchRequestEntry", ("ReceiptHandle",), act)  # pyright: ignore[reportReturnType]


def change_message_visibility(tx: Tx, req: t.ChangeMessageVisibilityRequest) -> None:
    _change(find_queue(tx, req["QueueUrl"]), req["ReceiptHandle"], req["VisibilityTimeout"])


def change_message_visibility_batch(tx: Tx, req: t.ChangeMessageVisibilityBatchRequest) -> t.ChangeMessageVisibilityBatchResult:
    found = find_queue(tx, req["QueueUrl"])
    kind, needed = "ChangeMessageVisibilityBatchRequestEntry", ("ReceiptHandle", "VisibilityTimeout")

    def act(entry: Mapping[str, Any]) -> None:
        _change(found, entry["ReceiptHandle"], entry["VisibilityTimeout"])

    return _each(req["Entries"], kind, needed, act)  # pyright: ignore[reportReturnType]


def _each(
    entries: Sequence[Mapping[str, Any]], kind: str, needed: Iterable[str], act: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Acts on each entry of a batch by itself; `needed` are the members that an entry must have."""
    check_entries(entries, kind)
    successful: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, 1):
        try:
            if absent := [name for name in needed if entry.get(name) is None]:
                raise missing(f"{kind}.{number}.{absent[0]}")
            act(entry)
            successful.append({"Id": entry["Id"]})
        except Fault as fault:
            refused.append(failed(entry["Id"], fault))
    result: dict[str, Any] = {"Successful": successful}
    if refused:
        result["Failed"] = refused
    return result


def _delete(found: Found, handle: str) -> bool:
    """Deletes a message; that it is gone already is fine, that a FIFO queue's handle has expired isn't."""
    tx, queue = found.tx, found.queue
    receipt = receipt_of(handle, queue.id)
    if not queue.fifo:
        standard.delete(tx, queue, receipt)
        return True
    message, holds = fifo.in_hand(tx, queue, receipt)
    if message is not None and holds:
        fifo.remove(tx, queue, receipt.serial, message)
        # The next of its group may be received now.
        tx.wake(*changed(queue))
    return message is None or holds


def _change(found: Found, handle: str, timeout: int) -> None:
    tx, queue = found.tx, found.queue
    receipt = receipt_of(handle, queue.id)
    check_between(timeout, "VisibilityTimeout", 0, VISIBILITY_SECONDS_MAX, f"Must be >= 0 and <= {VISIBILITY_SECONDS_MAX}, if provided.")
    if tx.now + timeout > receipt.at + VISIBILITY_SECONDS_MAX:
        limit = f"Total VisibilityTimeout for the message is beyond the limit [{VISIBILITY_SECONDS_MAX} seconds]"
        raise invalid_value(timeout, "VisibilityTimeout", limit)
    if queue.fifo:
        message, holds = fifo.in_hand(tx, queue, receipt)
        if message is not None and holds:
            fifo.move(tx, queue, receipt.serial, message, message, timeout)
    else:
        holds = standard.change_visibility(tx, queue, receipt, timeout)
    if not holds:
        raise invalid_value(handle, "ReceiptHandle", NOT_AVAILABLE)
    tx.wake(*changed(queue))
