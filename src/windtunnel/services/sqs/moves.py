"""Message move tasks: what lies in a dead-letter queue goes back to where it came from, or elsewhere, at a rate.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.sqs import fifo
from windtunnel.services.sqs.rules import check_between
from windtunnel.services.sqs.settings import counts
from windtunnel.services.sqs.state import QUEUES, TASKS, Found, Task, find_arn

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

TASKS_KEPT_MAX = 10
RATE_MAX = 500
RUNNING, COMPLETED, CANCELLED, FAILED = "RUNNING", "COMPLETED", "CANCELLED", "FAILED"


def start_message_move_task(tx: Tx, req: t.StartMessageMoveTaskRequest) -> t.StartMessageMoveTaskResult:
    source = _found(tx, req["SourceArn"], "SourceArn")
    tx = source.tx
    destination = req.get("DestinationArn", "")
    if next(tx.find(QUEUES, "sources", req["SourceArn"], limit=1), None) is None:
        raise Fault("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    if destination == req["SourceArn"]:
        raise Fault("InvalidParameterValue", "Source queue arn and destination queue arn cannot be the same.")
    if destination and _found(tx, destination, "DestinationArn").queue.fifo != source.queue.fifo:
        raise Fault("InvalidParameterValue", "Source and destination queues must be of the same type.")
    if "MaxNumberOfMessagesPerSecond" in req and not 1 <= req["MaxNumberOfMessagesPerSecond"] <= RATE_MAX:
        reason = f"You must enter a value between 1 and {RATE_MAX}."
        raise Fault("InvalidParameterValue", f"Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: {reason}")
    earlier = _tasks(source)
    if any(task.status == RUNNING for _, task in earlier):
        raise Fault(
            "InvalidParameterValue",
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        )
    for serial, _ in earlier[TASKS_KEPT_MAX - 1 :]:
        tx.delete(TASKS, source.queue.id, serial)
    task = Task(
        id=tx.new_id(),
        source=req["SourceArn"],
        destination=destination,
        rate=req.get("MaxNumberOfMessagesPerSecond", 0),
        status=RUNNING,
        started=tx.now,
        moved=0,
        to_move=counts(tx, source.queue)[0],
        last=fifo.next_serial(tx, source.queue) if source.queue.fifo else tx.serial(),
    )
    tx.put(TASKS, source.queue.id, task.last, value=task)
    tx.timer(tx.now, "move", {"name": source.name, "queue": source.queue.id, "task": task.last})
    return {"TaskHandle": _handle(task)}


def list_message_move_tasks(tx: Tx, req: t.ListMessageMoveTasksRequest) -> t.ListMessageMoveTasksResult:
    source = _found(tx, req["SourceArn"], "SourceArn")
    most = req.get("MaxResults", 1)
    check_between(most, "MaxResults", 1, TASKS_KEPT_MAX, f"Must be between 1 and {TASKS_KEPT_MAX}, if provided.")
    return {"Results": [_printed(task) for _, task in _tasks(source)[:most]]}  # pyright: ignore[reportReturnType]


def cancel_message_move_task(tx: Tx, req: t.CancelMessageMoveTaskRequest) -> t.CancelMessageMoveTaskResult:
    id, arn = _from_handle(req["TaskHandle"])
    source = _found(tx, arn, "SourceArn")
    serial, task = next(((serial, task) for serial, task in _tasks(source) if task.id == id), (0, None))
    if task is None:
        raise Fault("ResourceNotFoundException", "Task does not exist.", status=404)
    if task.status != RUNNING:
        raise Fault("UnsupportedOperation", "Only active tasks can be cancelled.")
    source.tx.put(TASKS, source.queue.id, serial, value=msgspec.structs.replace(task, status=CANCELLED))
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def _found(tx: Tx, text: str, parameter: str) -> Found:
    arn = parse_or_none(text)
    if arn is None or arn.service != "sqs":
        form = "arn:<partition>:<service>:<region>:<account>:<resource-id>"
        raise Fault("InvalidParameterValue", f"You must use this format to specify the {parameter}: {form}")
    found = find_arn(tx, text)
    if found is None:
        message = f"The resource that you specified for the {parameter} parameter doesn't exist."
        raise Fault("ResourceNotFoundException", message, status=404)
    return found


def _tasks(source: Found) -> list[tuple[int, Task]]:
    """A queue's tasks, the youngest first."""
    rows: Iterator[Any] = source.tx.scan(TASKS, source.queue.id, reverse=True)
    return sorted(((key[1], task) for key, task in rows), key=lambda row: -row[1].started)


def _handle(task: Task) -> str:
    return b64encode(msgspec.json.encode({"taskId": task.id, "sourceArn": task.source})).decode()


def _from_handle(handle: str) -> tuple[str, str]:
    try:
        said = msgspec.json.decode(b64decode(handle, validate=True), type=dict[str, str])
        return said["taskId"], said["sourceArn"]
    except (ValueError, KeyError, msgspec.DecodeError):
        raise Fault("InvalidParameterValue", "Value for parameter TaskHandle is invalid.") from None


def _printed(task: Task) -> dict[str, Any]:
    out: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": task.source,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": int(task.started * 1000),
    }
    if task.destination:
        out["DestinationArn"] = task.destination
    if task.rate:
        out["MaxNumberOfMessagesPerSecond"] = task.rate
    if task.status == RUNNING:
        out["TaskHandle"] = _handle(task)
    if task.reason:
        out["FailureReason"] = task.reason
    return out
