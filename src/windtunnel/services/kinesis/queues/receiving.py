"""Records of a queue are received, acknowledged, kept for longer, and brought back from the dead letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Tx
from windtunnel.services.kinesis.queues.state import FLIGHTS, Flight, Opened, find_queue, grown
from windtunnel.services.kinesis.queues.taking import Place, settle, take
from windtunnel.services.kinesis.state import SHARDS, changed

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

RECEIVED_MAX, WAIT_SECONDS = 10, 9
WRONG = {
    "InvalidArgumentException": "The receipt handle is not valid.",
    "ResourceNotFoundException": "The record of the receipt handle was acknowledged, or was received again.",
}


async def receive_queue_records(call: Call, req: t.ReceiveQueueRecordsInput) -> dict[str, Any]:
    return await _receive(call, req, dead=False)


async def receive_dead_letter_queue_records(call: Call, req: t.ReceiveDeadLetterQueueRecordsInput) -> dict[str, Any]:
    return await _receive(call, req, dead=True)


async def _receive(call: Call, req: Mapping[str, Any], *, dead: bool) -> dict[str, Any]:
    deadline, waiting = call.now() + req.get("WaitTimeSeconds", WAIT_SECONDS), True
    while True:
        records, later, channels = await call.gather(_take, req, dead)
        if records or not waiting or call.now() >= deadline:
            return {"QueueRecords": records}
        waiting = await call.wait(*channels, until=min(deadline, later))


def _take(tx: Tx, req: Mapping[str, Any], dead: bool) -> tuple[list[dict[str, Any]], float, list[tuple[Any, ...]]]:
    """What can be received, from when on there may be more, and the channels that tell of it."""
    opened = find_queue(tx, req["QueueARN"])
    seconds = req.get("VisibilityTimeoutSeconds", opened.queue.visibility)
    records, later = take(opened, req.get("Limit", RECEIVED_MAX), seconds, dead=dead)
    stream = opened.found.stream.id
    shards = [] if dead or records else [changed(stream, int(key[1] or 0)) for key, _ in opened.tx.find(SHARDS, "open", stream)]
    return records, later, [grown(opened.id), *shards]


def acknowledge_queue_records(tx: Tx, req: t.AcknowledgeQueueRecordsInput) -> dict[str, Any]:
    return _each(tx, req["QueueARN"], req["Entries"], _acknowledge, dead=False)


def acknowledge_dead_letter_queue_records(tx: Tx, req: t.AcknowledgeDeadLetterQueueRecordsInput) -> dict[str, Any]:
    return _each(tx, req["QueueARN"], req["Entries"], _acknowledge, dead=True)


def update_queue_records_visibility(tx: Tx, req: t.UpdateQueueRecordsVisibilityInput) -> dict[str, Any]:
    return _each(tx, req["QueueARN"], req["Entries"], _postpone, dead=False)


def update_dead_letter_queue_records_visibility(tx: Tx, req: t.UpdateDeadLetterQueueRecordsVisibilityInput) -> dict[str, Any]:
    return _each(tx, req["QueueARN"], req["Entries"], _postpone, dead=True)


def restore_dead_letter_queue_records(tx: Tx, req: t.RestoreDeadLetterQueueRecordsInput) -> dict[str, Any]:
    return _each(tx, req["QueueARN"], req["Entries"], _restore, dead=True)


def _each(
    tx: Tx, arn: str, entries: Sequence[Mapping[str, Any]], act: Callable[[Opened, Place, Flight, Mapping[str, Any]], None], *, dead: bool
) -> dict[str, Any]:
    """Does something with the record of each receipt handle, and tells which of them stand for none."""
    opened = find_queue(tx, arn)
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        handle = {"ReceiptHandle": entry["ReceiptHandle"]}
        settled = settle(opened, entry["ReceiptHandle"], dead=dead)
        if isinstance(settled, str):
            failed.append({**handle, "ErrorCode": settled, "ErrorMessage": WRONG[settled]})
        else:
            act(opened, *settled, entry)
            done.append(handle)
    opened.tx.wake(*grown(opened.id))
    return {"Successful": done, "Failed": failed}


def _acknowledge(opened: Opened, place: Place, flight: Flight, entry: Mapping[str, Any]) -> None:
    opened.tx.delete(FLIGHTS, opened.id, *place)


def _postpone(opened: Opened, place: Place, flight: Flight, entry: Mapping[str, Any]) -> None:
    visible = opened.tx.now + entry["VisibilityTimeoutSeconds"]
    opened.tx.put(FLIGHTS, opened.id, *place, value=msgspec.structs.replace(flight, visible=visible))


def _restore(opened: Opened, place: Place, flight: Flight, entry: Mapping[str, Any]) -> None:
    live = msgspec.structs.replace(flight, visible=opened.tx.now, dead=False, count=0, serial=opened.tx.serial())
    opened.tx.put(FLIGHTS, opened.id, *place, value=live)
