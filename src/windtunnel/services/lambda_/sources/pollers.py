"""Polling: for each enabled mapping a task receives batches. Of a queue several are processed at a time; streams are read in lanes.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping as Members
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.streams.lanes import Stopped, read_shards
from windtunnel.services.lambda_.rules import AT_ONCE_MAX
from windtunnel.services.lambda_.sources.batches import RECEIVED_MAX, Received, process, queue_url
from windtunnel.services.lambda_.sources.mapped import Mapped
from windtunnel.services.lambda_.sources.streamed import reading_of
from windtunnel.services.lambda_.state import MAPPINGS, Mapping

QUEUE_GONE = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
WAIT_SECONDS = 86_400
PAUSE_SECONDS_MAX = 900.0
AT_ONCE_FIRST = 5
AT_ONCE_MORE_PER_SECOND = 5
"""300 a minute, for as long as there is more to do than is done."""
AT_ONCE_PER_POLLER = 10
"""Of a provisioned poller: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#services-sqs-provisioned-mode"""


class Poller:
    """What is under way for a mapping."""

    def __init__(self, call: Call, uuid: str) -> None:
        self.call, self.uuid = call, uuid
        self.running = 0
        self.busy_since: float | None = None
        """Since when it could have done more at a time than it may."""
        self.stopped = Stopped()
        self.channel = ("lambda.poller", uuid)


def is_queue(source: str) -> bool:
    return parse(source).service == "sqs"


def at_once(mapping: Mapping, busy_seconds: float) -> int:
    """How many batches may run at a time when a poller has been at its limit for so long."""
    first, most = AT_ONCE_FIRST, mapping.concurrency or AT_ONCE_MAX
    if mapping.pollers is not None:
        first, most = (number * AT_ONCE_PER_POLLER for number in mapping.pollers)
    return min(first + int(busy_seconds * AT_ONCE_MORE_PER_SECOND), most, AT_ONCE_MAX)


def poll(tx: Tx, uuid: str, mapping: Mapping) -> Mapping:
    """Writes a mapping down; it is polled from now on if it is enabled, and as it was no more."""
    written = msgspec.structs.replace(mapping, serial=tx.serial())
    tx.put(MAPPINGS, tx.account, tx.region, uuid, value=written)
    if written.enabled:
        tx.timer(tx.now, "poll", {"uuid": uuid, "serial": written.serial})
    changed(tx, uuid)
    return written


def changed(tx: Tx, uuid: str) -> None:
    """Whoever polls for a mapping looks at it again."""
    tx.wake("lambda.mapping", uuid)


async def poller(call: Call, payload: Members[str, Any]) -> None:
    """Timer: polls for as long as the mapping is as it is; so it goes on after a restart."""
    uuid, serial = str(payload["uuid"]), int(payload["serial"])
    if (mapping := call.read(_mapping, uuid, serial)) is None:
        return
    # What comes of a message is not the doing of whoever made the mapping.
    polling = Poller(Call(call.cloud, msgspec.structs.replace(call.scope, cause=""), call.service), uuid)
    task = call.spawn(_poll(polling, mapping) if is_queue(mapping.source) else _read(polling, mapping))
    try:
        while call.read(_mapping, uuid, serial) is not None:
            await call.wait(("lambda.mapping", uuid))
    finally:
        # Receives no more, and what was received goes on to its end: a message that it has just taken is not left lying.
        polling.stopped.is_set = True
        call.cloud.loop.give_up(task)


async def _read(poller: Poller, mapping: Mapping) -> None:
    reading = reading_of(poller.uuid, mapping)
    await read_shards(poller.call, reading, Mapped(poller.call, reading, mapping), poller.stopped)


def _mapping(tx: Tx, uuid: str, serial: int) -> Mapping | None:
    mapping = tx.get(MAPPINGS, tx.account, tx.region, uuid)
    return mapping if mapping is not None and mapping.serial == serial else None


async def _poll(poller: Poller, mapping: Mapping) -> None:
    call, failures = poller.call, 0
    while not poller.stopped.is_set:
        busy = 0.0 if poller.busy_since is None else call.now() - poller.busy_since
        if poller.running >= at_once(mapping, busy):
            if poller.busy_since is None:
                poller.busy_since = call.now()
            await call.wait(poller.channel, until=call.now() + 1)
            continue
        try:
            batch = await _batch(poller, mapping)
        except Fault:
            # The queue is gone, or may not be read: it may come back.
            failures += 1
            await call.wait(until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
            continue
        failures = 0
        if len(batch) < mapping.batch:
            poller.busy_since = None
        if batch:
            poller.running += 1
            call.spawn(_process(poller, mapping, batch))


async def _batch(poller: Poller, mapping: Mapping) -> list[Received]:
    """The messages of one batch: what is there at once, or all that come within the batching window."""
    call, batch = poller.call, dict[str, Received]()
    seconds, deadline = WAIT_SECONDS, 0.0
    while True:
        try:
            received = await _receive(call, mapping, min(mapping.batch - len(batch), RECEIVED_MAX), seconds)
        except asyncio.CancelledError:
            if not poller.stopped.is_set or not batch:
                raise
            received = []
            deadline = call.now()  # the mapping is disabled within its window: what it has gathered runs
        for message in received:
            # One whose visibility timeout is shorter than the window comes again: its newest receipt counts.
            batch[message["MessageId"]] = message
        deadline = deadline or call.now() + mapping.window
        left = deadline - call.now()
        if not batch or len(batch) >= mapping.batch or left <= 0:
            return list(batch.values())
        seconds = min(math.ceil(left), WAIT_SECONDS)


async def _receive(call: Call, mapping: Mapping, most: int, seconds: int) -> list[Received]:
    queue = parse(mapping.source)
    request: Any = {
        "QueueUrl": queue_url(queue),
        "MaxNumberOfMessages": most,
        "WaitTimeSeconds": seconds,
        "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }
    answer: Any = await call.at(account=queue.account, region=queue.region).aws.sqs.receive_message(request)
    return answer.get("Messages", [])


async def _process(poller: Poller, mapping: Mapping, batch: list[Received]) -> None:
    try:
        if not await process(poller.call, mapping, batch):
            poller.busy_since = None  # a function that fails is not sent ever more
    except Fault:
        # The function or the queue went away meanwhile: what is not deleted comes back when its visibility timeout ends.
        return
    finally:
        poller.running -= 1
        poller.call.cloud.loop.wake([poller.channel])
