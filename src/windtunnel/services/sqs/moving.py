"""How messages go from queue to queue: dead ones when they are met, and those of a move task by the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.sqs import fifo, standard
from windtunnel.services.sqs.life import watch_age
from windtunnel.services.sqs.state import QUEUES, TASKS, Found, Message, Queue, Task, arn_of, body_of, changed, find_arn

replace = msgspec.structs.replace
SLICE_MESSAGES = 64
TICK_SECONDS = 0.1


class Lost(Exception):
    """A message of a task that has nowhere to go; the argument is the task's failure reason."""


def bury(found: Found, grave: Found, serial: int, message: Message) -> None:
    """Moves a message that was received too often to the dead-letter queue: its id and count stay."""
    source, tx = found.tx, grave.tx
    dead = replace(_whole(found, serial, message), origin=arn_of(source.region, source.account, found.name))
    if grave.queue.fifo:
        # A FIFO queue begins a message's age anew, a standard queue doesn't:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        fifo.insert(tx, grave.queue, replace(dead, sent=tx.now))
    else:
        standard.insert(grave, tx.serial(), dead, tx.now)
        watch_age(tx, grave.name, grave.queue, dead.sent)
    tx.tell("DeadLetter", grave.name, (message.id,))
    tx.wake(*changed(grave.queue))


def grave_of(found: Found) -> Found | None:
    """A queue's dead-letter queue; None where it has none, or it was deleted: its source keeps the messages then."""
    return find_arn(found.tx, found.queue.dead_letter) if found.queue.dead_letter else None


def move(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a running task moves as many messages as its rate allows by now."""
    queue = tx.get(QUEUES, payload["name"])
    task = tx.get(TASKS, payload["queue"], payload["task"])
    if queue is None or queue.id != payload["queue"] or task is None or task.status != "RUNNING":
        return
    allowed = SLICE_MESSAGES
    if task.rate:
        allowed = min(int((tx.now - task.started) * task.rate + 1e-6) + 1 - task.moved, SLICE_MESSAGES)
    found = Found(tx, payload["name"], queue)
    moved, reason = 0, ""
    try:
        for visible, serial, message in list(_candidates(tx, queue, task, allowed)):
            _send_back(found, task, visible, serial, message)
            moved += 1
    except Lost as lost:
        reason = str(lost)
    status = "FAILED" if reason else "RUNNING" if moved == allowed else "COMPLETED"
    task = replace(task, moved=task.moved + moved, status=status, reason=reason)
    tx.put(TASKS, queue.id, task.last, value=task)
    if status == "RUNNING":
        due = max(tx.now + TICK_SECONDS, task.started + task.moved / task.rate) if task.rate else tx.now
        tx.timer(due, "move", payload)


def _candidates(tx: Tx, queue: Queue, task: Task, limit: int) -> Iterator[tuple[float, int, Message]]:
    """Messages that could be received when the task began, and still can."""
    if not queue.fifo:
        yield from (row for row in standard.ready(tx, queue, limit) if row[:2] < (task.started, task.last))
        return
    left = limit
    for group in fifo.ready_groups(tx, queue, limit):
        for serial, message in fifo.available(tx, queue, group, left):
            if serial < task.last and left:
                left -= 1
                yield message.visible, serial, message


def _send_back(found: Found, task: Task, visible: float, serial: int, message: Message) -> None:
    """Sends a message anew, and takes it out of the dead-letter queue. Raises Lost."""
    tx = found.tx
    if not task.destination and not message.origin:
        raise Lost("CouldNotDetermineMessageSource")
    target = find_arn(tx, task.destination or message.origin)
    if target is None:
        raise Lost("AWS.SimpleQueueService.NonExistentQueue")
    anew = replace(_whole(found, serial, message), id=tx.new_id(), sent=tx.now, count=0, first=0.0, origin="")
    if found.queue.fifo:
        fifo.remove(tx, found.queue, serial, message)
    else:
        standard.remove(tx, found.queue, message.sent, serial, standard.place_of(tx, found.queue, visible, serial, message))
    if target.queue.fifo:
        fifo.insert(target.tx, target.queue, anew)
    else:
        standard.insert(target, tx.serial(), anew, tx.now)
    tx.tell("Redrive", target.name, (message.id, anew.id))
    tx.wake(*changed(target.queue))


def _whole(found: Found, serial: int, message: Message) -> Message:
    """A message with its body, as it is put into another queue."""
    body = body_of(found.tx, found.queue.store, serial, message)
    return replace(message, body=body, large=False, visible=0.0, held=False)
