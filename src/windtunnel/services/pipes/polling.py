"""How a pipe runs, for as long as it is as it was: its stream is read, or batches are received from its queue, each on its own.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html: a batch is as many messages as the pipe takes at once, or what
comes within its batching window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import Arn, parse
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.streams.lanes import Stopped, read_shards
from windtunnel.services.pipes.passing import Passage, passed, wanted
from windtunnel.services.pipes.records import record_of
from windtunnel.services.pipes.state import PIPES, Pipe, pipe_arn
from windtunnel.services.pipes.streamed import Piped, is_stream, reading_of

RECEIVED_MAX = 10
"""Of one request to SQS."""
BATCH = 10
WAIT_SECONDS = 86_400
PAUSE_SECONDS_MAX = 900.0
AT_ONCE_MAX = 5
"""Batches of a standard queue; a FIFO queue's go one after another."""


class Poller:
    """What is under way for a pipe."""

    def __init__(self, call: Call, passage: Passage) -> None:
        self.call = call
        self.passage = passage
        self.queue = parse(passage.settings["Source"])
        self.fifo = passage.settings["Source"].endswith(".fifo")
        self.running = 0
        self.stopped = Stopped()
        self.channel = ("pipes.poller", passage.arn)


async def poll(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: polls for as long as the pipe is as it is; so it goes on after a restart."""
    name, serial = payload["name"], payload["serial"]
    pipe = call.read(_pipe, name, serial)
    if pipe is None:
        return
    # What comes of a message is not the doing of whoever made the pipe.
    own = Call(call.cloud, msgspec.structs.replace(call.scope, cause=""), call.service)
    poller = Poller(own, Passage(name, call.read(pipe_arn, name), pipe.settings))
    task = call.spawn(_read(poller) if is_stream(pipe.settings) else _poll(poller))
    try:
        while call.read(_pipe, name, serial) is not None:
            await call.wait(("pipes.pipe", call.account, call.region, name))
    finally:
        # Receives no more, and what was received goes on to its end.
        poller.stopped.is_set = True
        call.cloud.loop.give_up(task)


async def _read(poller: Poller) -> None:
    passage = poller.passage
    reading = reading_of(passage.arn, passage.settings)
    await read_shards(poller.call, reading, Piped(poller.call, passage, reading), poller.stopped)


def _pipe(tx: Tx, name: str, serial: int) -> Pipe | None:
    pipe = tx.get(PIPES, name)
    return pipe if pipe is not None and pipe.serial == serial else None


async def _poll(poller: Poller) -> None:
    call, failures, most = poller.call, 0, 1 if poller.fifo else AT_ONCE_MAX
    while not poller.stopped.is_set:
        if poller.running >= most:
            await call.wait(poller.channel)
            continue
        try:
            batch = await _batch(poller)
        except Fault:
            # The queue is gone, or may not be read: it may come back.
            failures += 1
            await call.wait(until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
            continue
        failures = 0
        poller.running += 1
        call.spawn(_process(poller, batch))


async def _batch(poller: Poller) -> list[dict[str, Any]]:
    """The messages of one batch: what is there at once, or all that come within the batching window."""
    call, parameters = poller.call, poller.passage.settings.get("SourceParameters", {}).get("SqsQueueParameters", {})
    most, window = parameters.get("BatchSize", BATCH), parameters.get("MaximumBatchingWindowInSeconds", 0)
    batch, seconds, deadline = dict[str, dict[str, Any]](), WAIT_SECONDS, 0.0
    while True:
        for message in await _receive(call, poller.queue, min(most - len(batch), RECEIVED_MAX), seconds):
            batch[message["MessageId"]] = message
        deadline = deadline or call.now() + window
        left = deadline - call.now()
        if batch and (len(batch) >= most or left <= 0):
            return list(batch.values())
        seconds = math.ceil(left) if batch else WAIT_SECONDS


async def _receive(call: Call, queue: Arn, most: int, seconds: int) -> list[dict[str, Any]]:
    request: Any = {
        "QueueUrl": url_of(queue),
        "MaxNumberOfMessages": most,
        "WaitTimeSeconds": seconds,
        "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    }
    answer: Any = await call.at(account=queue.account, region=queue.region).aws.sqs.receive_message(request)
    return answer.get("Messages", [])


async def _process(poller: Poller, batch: list[dict[str, Any]]) -> None:
    call, source = poller.call, poller.passage.settings["Source"]
    try:
        records = [record_of(message, source) for message in batch]
        events = wanted(poller.passage, records)
        # What nobody wants is done with.
        done = [record for record in records if record not in events]
        if events:
            done += await passed(call, poller.passage, events)
        # What is not deleted comes back when its visibility timeout ends.
        for begin in range(0, len(done), RECEIVED_MAX):
            some = done[begin : begin + RECEIVED_MAX]
            entries = [{"Id": str(number), "ReceiptHandle": record["receiptHandle"]} for number, record in enumerate(some)]
            request: Any = {"QueueUrl": url_of(poller.queue), "Entries": entries}
            await call.at(account=poller.queue.account, region=poller.queue.region).aws.sqs.delete_message_batch(request)
    except Fault:
        return  # the queue went away meanwhile
    finally:
        poller.running -= 1
        call.cloud.loop.wake([poller.channel])


def url_of(queue: Arn) -> str:
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.resource}"
