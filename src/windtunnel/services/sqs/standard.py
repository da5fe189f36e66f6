"""How a standard queue's messages lie in the store: put, taken, moved and removed at a cost that doesn't grow with their number."""

from __future__ import annotations

from math import inf, nextafter

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.sqs import fair
from windtunnel.services.sqs.receipts import Receipt, handle_of
from windtunnel.services.sqs.rules import BODY_INLINE_MAX, IN_FLIGHT_MAX
from windtunnel.services.sqs.state import (
    BODIES,
    FAIR,
    MESSAGES,
    NUMBERS,
    PLACES,
    QUEUES,
    Found,
    Message,
    Place,
    Queue,
    body_of,
    count_after,
    count_at,
)

replace = msgspec.structs.replace


class Taken(msgspec.Struct, frozen=True):
    """A message that is being received."""

    serial: int
    message: Message
    handle: str
    body: str


def insert(found: Found, serial: int, message: Message, visible: float) -> None:
    """Puts a message into a queue, to be received from `visible` on. Its body may be of any length."""
    tx, queue, group = found.tx, found.queue, message.group
    store = queue.store
    if len(message.body) > BODY_INLINE_MAX:
        tx.put(BODIES, store, serial, value=message.body)
        message = replace(message, body="", large=True)
    if group:
        fair.put(tx, store, visible, serial, message)
        if not queue.fair:
            tx.put(QUEUES, found.name, value=replace(queue, fair=True))
    else:
        tx.put(MESSAGES, store, visible, serial, value=message)
    if group or visible != message.sent:
        place = Place(visible, "delayed" if visible > tx.now else "", message.large, group)
        tx.put(PLACES, store, message.sent, serial, value=place)
        _count(tx, store, place, 1)
    tx.add(NUMBERS, store, "all", amount=1)


def remove(tx: Tx, queue: Queue, sent: float, serial: int, place: Place) -> None:
    """Takes a message out for good."""
    store = queue.store
    if place.group:
        fair.drop(tx, store, place.visible, serial, place.group)
    else:
        tx.delete(MESSAGES, store, place.visible, serial)
    tx.delete(PLACES, store, sent, serial)
    if place.large:
        tx.delete(BODIES, store, serial)
    _count(tx, store, place, -1)
    tx.add(NUMBERS, store, "all", amount=-1)


def place_of(tx: Tx, queue: Queue, visible: float, serial: int, message: Message) -> Place:
    """The place of a message that was found at `visible`; one that nothing happened to has no row."""
    place = (
        None if visible == message.sent and not message.count and not message.group else tx.get(PLACES, queue.store, message.sent, serial)
    )
    return place or Place(visible, "", message.large)


def ready(tx: Tx, queue: Queue, limit: int) -> list[fair.Row]:
    """Messages that can be received now: (visible at, serial, message)."""
    rows = tx.scan(MESSAGES, queue.store, end=(nextafter(tx.now, inf),), limit=limit)
    alone: list[fair.Row] = [(visible, serial, message) for (_, visible, serial), message in rows]  # pyright: ignore[reportAssignmentType]
    return fair.ready(tx, queue, limit, alone) if queue.fair else alone


def soonest(tx: Tx, queue: Queue) -> float:
    """When the next message can be received."""
    alone = next((float(key[1] or 0) for key, _ in tx.scan(MESSAGES, queue.store, start=(nextafter(tx.now, inf),), limit=1)), inf)
    return min(alone, fair.soonest(tx, queue)) if queue.fair else alone


def take(tx: Tx, queue: Queue, visible: float, serial: int, message: Message, timeout: int) -> Taken:
    """Receives a message: it is out of sight until the timeout ends."""
    received = replace(message, count=message.count + 1, first=message.first or tx.now)
    _move(tx, queue.store, serial, received, place_of(tx, queue, visible, serial, message), timeout)
    if message.group:
        fair.notice(tx, queue, message.group, tx.now + timeout)
    handle = handle_of(queue.id, queue.store, message.sent, serial, tx.now, received.count)
    return Taken(serial, received, handle, body_of(tx, queue.store, serial, message))


def in_flight(tx: Tx, queue: Queue) -> int:
    return count_after(tx, queue.store, "held", tx.now)


def is_full(tx: Tx, queue: Queue) -> bool:
    """Whether as many messages are in flight as may be; counted in full only where that is possible at all."""
    return tx.amount(NUMBERS, queue.store, "held") >= IN_FLIGHT_MAX and in_flight(tx, queue) >= IN_FLIGHT_MAX


def delete(tx: Tx, queue: Queue, receipt: Receipt) -> None:
    """Deletes a received message. A handle of an earlier receiving does as well, and one of a message that is gone does nothing."""
    place = tx.get(PLACES, receipt.store, receipt.sent, receipt.serial) if receipt.store == queue.store else None
    if place is not None:
        remove(tx, queue, receipt.sent, receipt.serial, place)


def change_visibility(tx: Tx, queue: Queue, receipt: Receipt, timeout: int) -> bool:
    """Moves a message that is in flight to the end of another timeout; tells whether there is such a message, in flight or not.

    What came back by itself stays where it is, as AWS's recorded answers show.
    """
    place = tx.get(PLACES, receipt.store, receipt.sent, receipt.serial) if receipt.store == queue.store else None
    if place is None or place.visible <= tx.now:
        return place is not None
    at = (place.visible, receipt.serial)
    message = tx.get(FAIR, queue.store, place.group, *at) if place.group else tx.get(MESSAGES, queue.store, *at)
    if message is None:
        return False
    _move(tx, queue.store, receipt.serial, message, place, timeout)
    return True


def _move(tx: Tx, store: int, serial: int, message: Message, was: Place, timeout: int) -> None:
    place = Place(tx.now + timeout, "held" if timeout else "", message.large, message.group)
    if message.group:
        fair.drop(tx, store, was.visible, serial, message.group)
        fair.put(tx, store, place.visible, serial, message)
    else:
        tx.delete(MESSAGES, store, was.visible, serial)
        tx.put(MESSAGES, store, place.visible, serial, value=message)
    tx.put(PLACES, store, message.sent, serial, value=place)
    _count(tx, store, was, -1)
    _count(tx, store, place, 1)


def _count(tx: Tx, store: int, place: Place, amount: int) -> None:
    if place.kind:
        count_at(tx, store, place.kind, place.visible, amount)
        if place.kind == "held":
            tx.add(NUMBERS, store, "held", amount=amount)
            if place.group:
                tx.add(NUMBERS, store, "of", place.group, amount=amount)
