"""How a FIFO queue's messages lie in the store: by group in order, and a group as ready as its first message.

HEADS has, for the first message of each group, `(store, FRESH, sent at, …)` while it was never received (it is ready once the
queue's delay is over, and a change of the delay holds for it at once), else `(store, SEEN, visible at, …)` and, for its age,
`(store, AGED, sent at, …)`. Messages behind the head are received with it, in order, up to the first that is out of sight.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nextafter
from typing import Any

from windtunnel.fabric import Table, Tx
from windtunnel.services.sqs.receipts import Receipt, handle_of
from windtunnel.services.sqs.rules import ATTEMPT_SECONDS, BODY_INLINE_MAX, DEDUPLICATION_SECONDS, invalid_value
from windtunnel.services.sqs.standard import Taken, replace
from windtunnel.services.sqs.state import (
    AGES,
    ATTEMPTS,
    BODIES,
    DEDUPLICATION,
    GROUPED,
    HEADS,
    LAST,
    NUMBERS,
    Attempt,
    Message,
    Queue,
    Sent,
    body_of,
    count_at,
)

FRESH, SEEN, AGED = 0, 1, 2
SERIALS_PER_SECOND = 1_000_000
NOT_RETRYABLE = "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable."
FORGOTTEN_AT_ONCE = 2
"""Each send or attempt forgets so many ids that are over, more than it adds."""


def insert(tx: Tx, queue: Queue, message: Message) -> int:
    """Puts a message at the end of its group; returns its serial."""
    store, group, serial = queue.store, message.group, next_serial(tx, queue)
    if len(message.body) > BODY_INLINE_MAX:
        tx.put(BODIES, store, serial, value=message.body)
        message = replace(message, body="", large=True)
    first = next(tx.scan(GROUPED, store, group, limit=1), None)
    tx.put(GROUPED, store, group, serial, value=message)
    if first is None:
        _set_head(tx, store, serial, message)
    _count(tx, store, message, 1)
    tx.add(NUMBERS, store, "all", amount=1)
    return serial


def next_serial(tx: Tx, queue: Queue) -> int:
    """A number greater than all that the queue gave out before, whichever process did; one of that name before it gave out less."""
    serial = max((tx.get(LAST, queue.id) or 0) + 1, int(tx.now * SERIALS_PER_SECOND))
    tx.put(LAST, queue.id, value=serial)
    return serial


def remove(tx: Tx, queue: Queue, serial: int, message: Message) -> None:
    """Takes a message out for good; the next of its group comes to the head."""
    store, group = queue.store, message.group
    if message.large:
        tx.delete(BODIES, store, serial)
    _count(tx, store, message, -1)
    tx.add(NUMBERS, store, "all", amount=-1)
    rows = list(tx.scan(GROUPED, store, group, limit=2))
    tx.delete(GROUPED, store, group, serial)
    if rows and rows[0][0][2] == serial:
        _unset_head(tx, store, serial, message)
        if len(rows) > 1:
            _set_head(tx, store, int(rows[1][0][2] or 0), rows[1][1])


def ready_groups(tx: Tx, queue: Queue, limit: int) -> list[str]:
    """Groups whose head can be received now, those that have been ready for longest first."""
    store, now = queue.store, tx.now
    fresh = tx.scan(HEADS, store, FRESH, end=(nextafter(now - queue.delay, inf),), limit=limit)
    seen = tx.scan(HEADS, store, SEEN, end=(nextafter(now, inf),), limit=limit)
    found = [(float(key[2] or 0) + queue.delay, key[3], str(key[4])) for key, _ in fresh]
    found += [(float(key[2] or 0), key[3], str(key[4])) for key, _ in seen]
    found.sort()  # pyright: ignore[reportCallIssue]
    return [group for _, _, group in found[:limit]]


def soonest(tx: Tx, queue: Queue) -> float:
    """When the next group can be received from."""
    now, times = tx.now, [inf]
    for kind, delay in ((FRESH, queue.delay), (SEEN, 0)):
        later = tx.scan(HEADS, queue.store, kind, start=(nextafter(now - delay, inf),), limit=1)
        times += [float(key[2] or 0) + delay for key, _ in later]
    return min(times)


def available(tx: Tx, queue: Queue, group: str, limit: int) -> Iterator[tuple[int, Message]]:
    """A group's messages in order, up to the first that is in flight or delayed."""
    for key, message in list(tx.scan(GROUPED, queue.store, group, limit=limit)):
        if (message.visible or message.sent + queue.delay) > tx.now:
            return
        yield int(key[2] or 0), message


def take(tx: Tx, queue: Queue, serial: int, message: Message, timeout: int) -> Taken:
    """Receives a message: it and those behind it in its group are out of sight until the timeout ends."""
    received = replace(message, count=message.count + 1, first=message.first or tx.now)
    received = move(tx, queue, serial, message, received, timeout)
    handle = handle_of(queue.id, queue.store, message.sent, serial, tx.now, received.count, message.group)
    return Taken(serial, received, handle, body_of(tx, queue.store, serial, message))


def move(tx: Tx, queue: Queue, serial: int, was: Message, becomes: Message, timeout: int) -> Message:
    """Writes a message that is out of sight for the timeout from now."""
    store, group = queue.store, was.group
    becomes = replace(becomes, visible=tx.now + timeout, held=timeout > 0)
    head = next(tx.scan(GROUPED, store, group, limit=1), None)
    tx.put(GROUPED, store, group, serial, value=becomes)
    if head is not None and head[0][2] == serial:
        _unset_head(tx, store, serial, was)
        _set_head(tx, store, serial, becomes)
    _count(tx, store, was, -1)
    _count(tx, store, becomes, 1)
    return becomes


def in_hand(tx: Tx, queue: Queue, receipt: Receipt) -> tuple[Message | None, bool]:
    """The message of a receipt handle, and whether the handle still holds: a FIFO queue's ends with the visibility timeout."""
    if receipt.store != queue.store:
        return None, False
    message = tx.get(GROUPED, queue.store, receipt.group, receipt.serial)
    return message, message is not None and message.count == receipt.count and message.visible > tx.now


def by_group(queue: Queue, now: float) -> bool:
    """Whether deduplication ids are a group's, not the queue's; a change of it takes its time, as AWS's recorded answers show."""
    return queue.group_deduplication == (now >= queue.scoped)


def already_sent(tx: Tx, queue: Queue, group: str, id: str) -> Sent | None:
    """What was sent under a deduplication id within the last five minutes."""
    sent = tx.get(DEDUPLICATION, queue.store, group if by_group(queue, tx.now) else "", id)
    return sent if sent is not None and sent.at > tx.now - DEDUPLICATION_SECONDS else None


def remember_sent(tx: Tx, queue: Queue, group: str, id: str, sent: Sent) -> None:
    scope = group if by_group(queue, tx.now) else ""
    _forget_old(tx, queue)
    tx.put(DEDUPLICATION, queue.store, scope, id, value=sent)
    tx.put(AGES, queue.store, sent.at, "d", scope, id, value=True)


def repeated(tx: Tx, queue: Queue, attempt: str, timeout: int) -> list[Taken]:
    """What an earlier receive of the same attempt was given, if its time isn't over; its timeout begins anew. Raises where any was changed.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
    """
    made = tx.get(ATTEMPTS, queue.store, attempt)
    if made is None or made.at <= tx.now - ATTEMPT_SECONDS:
        return []
    found = [(serial, visible, tx.get(GROUPED, queue.store, group, serial)) for group, serial, visible in made.rows]
    taken: list[Taken] = []
    for serial, visible, message in found:
        if message is None or message.visible != visible:
            raise invalid_value(attempt, "ReceiveRequestAttemptId", NOT_RETRYABLE)
        if visible <= tx.now:
            return []
        handle = handle_of(queue.id, queue.store, message.sent, serial, made.at, message.count, message.group)
        taken.append(Taken(serial, message, handle, body_of(tx, queue.store, serial, message)))
    for one in taken:
        move(tx, queue, one.serial, one.message, one.message, timeout)
    rows = [(one.message.group, one.serial, tx.now + timeout) for one in taken]
    tx.put(ATTEMPTS, queue.store, attempt, value=Attempt(made.at, rows))
    return taken


def remember_attempt(tx: Tx, queue: Queue, attempt: str, taken: list[Taken]) -> None:
    _forget_old(tx, queue)
    rows = [(one.message.group, one.serial, one.message.visible) for one in taken]
    tx.put(ATTEMPTS, queue.store, attempt, value=Attempt(tx.now, rows))
    tx.put(AGES, queue.store, tx.now, "a", attempt, value=True)


def _forget_old(tx: Tx, queue: Queue) -> None:
    """Both kinds of ids hold for five minutes."""
    store, over = queue.store, tx.now - DEDUPLICATION_SECONDS
    for key, _ in list(tx.scan(AGES, store, end=(over,), limit=FORGOTTEN_AT_ONCE)):
        tx.delete(AGES, *key)
        table: Table[Any] = DEDUPLICATION if key[2] == "d" else ATTEMPTS
        row: Sent | Attempt | None = tx.get(table, store, *key[3:])
        # A row that was written again since has a younger age.
        if row is not None and row.at <= over:
            tx.delete(table, store, *key[3:])


def _head_keys(store: int, serial: int, message: Message) -> list[tuple[int, int, float, int, str]]:
    if not message.visible:
        return [(store, FRESH, message.sent, serial, message.group)]
    return [(store, SEEN, message.visible, serial, message.group), (store, AGED, message.sent, serial, message.group)]


def _set_head(tx: Tx, store: int, serial: int, message: Message) -> None:
    for key in _head_keys(store, serial, message):
        tx.put(HEADS, *key, value=True)


def _unset_head(tx: Tx, store: int, serial: int, message: Message) -> None:
    for key in _head_keys(store, serial, message):
        tx.delete(HEADS, *key)


def _count(tx: Tx, store: int, message: Message, amount: int) -> None:
    if not message.visible:
        count_at(tx, store, "fresh", message.sent, amount)
    elif message.held:
        count_at(tx, store, "held", message.visible, amount)
        tx.add(NUMBERS, store, "held", amount=amount)
