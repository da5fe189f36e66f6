"""How records of a queue are found, handed out, and let go of."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nextafter
from typing import Any

import msgspec

from windtunnel.aws.pages import decode, encode
from windtunnel.services.kinesis.queues.state import CURSORS, FLIGHTS, Flight, Opened
from windtunnel.services.kinesis.rules import MILLISECONDS, sequence_of
from windtunnel.services.kinesis.state import RECORDS, SHARDS, Record

Place = tuple[int, int, int]
"""(shard, time, number) of a record"""
SLICE_ROWS = 100
"""So many records that are too old one receive lets go of."""


class Handle(msgspec.Struct, frozen=True, array_like=True):
    """What a receipt handle says: which record of which queue, and which receive of it."""

    queue: str
    dead: bool
    shard: int
    time: int
    number: int
    serial: int


def take(opened: Opened, limit: int, seconds: int, *, dead: bool) -> tuple[list[dict[str, Any]], float]:
    """Records that can be received now, and, where there are none, from when on there may be some."""
    taken: list[dict[str, Any]] = []
    for place, flight in _returned(opened, dead=dead):
        if len(taken) == limit:
            return taken, 0.0
        record = _record(opened, place)
        if record is None:
            opened.tx.delete(FLIGHTS, opened.id, *place)
        else:
            taken.append(_hand_out(opened, place, record, flight, seconds))
    if not dead:
        for place, record in _fresh(opened, limit - len(taken)):
            taken.append(_hand_out(opened, place, record, None, seconds))
            opened.tx.put(CURSORS, opened.id, place[0], value=(place[1], place[2] + 1))
    later = next(opened.tx.find(FLIGHTS, "due", opened.id, dead, limit=1), None)
    return taken, inf if later is None else later[1].visible


def settle(opened: Opened, text: str, *, dead: bool) -> tuple[Place, Flight] | str:
    """The record that a receipt handle stands for, or the code of what is wrong with it."""
    try:
        handle = msgspec.convert(decode(text), Handle)
    except (ValueError, msgspec.ValidationError):
        return "InvalidArgumentException"
    if handle.queue != opened.id or handle.dead != dead:
        return "InvalidArgumentException"
    place = (handle.shard, handle.time, handle.number)
    flight = opened.tx.get(FLIGHTS, opened.id, *place)
    if flight is None or flight.serial != handle.serial:
        return "ResourceNotFoundException"
    return place, flight


def _returned(opened: Opened, *, dead: bool) -> Iterator[tuple[Place, Flight]]:
    """What was received, wasn't acknowledged, and can be received again."""
    end = (nextafter(opened.tx.now, inf),)
    for key, flight in list(opened.tx.find(FLIGHTS, "due", opened.id, dead, end=end, limit=SLICE_ROWS)):
        yield (int(key[1] or 0), int(key[2] or 0), int(key[3] or 0)), flight


def _fresh(opened: Opened, limit: int) -> Iterator[tuple[Place, Record]]:
    """What was never received, shard by shard; by chance another is the first each time."""
    tx, stream = opened.tx, opened.found.stream
    numbers = [int(key[1] or 0) for key, _ in tx.scan(SHARDS, stream.id)]
    first = int(tx.ids.fraction() * len(numbers))
    for number in numbers[first:] + numbers[:first]:
        if limit <= 0:
            return
        start = max(tx.get(CURSORS, opened.id, number) or (0, 0), (stream.horizon(tx.now), 0))
        for key, record in list(tx.scan(RECORDS, stream.id, number, start=start, limit=limit)):
            yield (number, int(key[2] or 0), int(key[3] or 0)), record
            limit -= 1


def _record(opened: Opened, place: Place) -> Record | None:
    """A record, unless the stream keeps it no longer."""
    stream = opened.found.stream
    return None if place[1] < stream.horizon(opened.tx.now) else opened.tx.get(RECORDS, stream.id, *place)


def _hand_out(opened: Opened, place: Place, record: Record, before: Flight | None, seconds: int) -> dict[str, Any]:
    tx, count = opened.tx, 1 if before is None else before.count + 1
    was_dead = before is not None and before.dead
    becomes_dead = was_dead or 0 < opened.queue.receives <= count
    flight = Flight(tx.now + seconds, becomes_dead, count, tx.now if before is None else before.first, tx.serial())
    tx.put(FLIGHTS, opened.id, *place, value=flight)
    shard, time, number = place
    shown: dict[str, Any] = {
        "ReceiptHandle": encode((opened.id, was_dead, shard, time, number, flight.serial)),
        "RecordId": sequence_of(time, number, shard),
        "Data": record.data,
        "ApproximateArrivalTimestamp": time / MILLISECONDS,
        "FirstReceiveTimestamp": flight.first,
        "ReceiveCount": count,
    }
    return shown | ({"PartitionKey": record.key} if record.key else {})
