"""Polling queues: one poller for each enabled mapping receives batches, and runs the function with several of them at a time.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any, TypedDict

import msgspec

from windtunnel.aws.arn import Arn, parse
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call, Fault, Scope, Tx
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.scope import service_principal
from windtunnel.services.lambda_.execute import Ran, execute
from windtunnel.services.lambda_.lineage import merged, stopped
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import SYNCHRONOUS_BYTES_MAX, name_of
from windtunnel.services.lambda_.sandboxes import Concurrency
from windtunnel.services.lambda_.state import MAPPINGS, Mapping

Key = tuple[str, str, str]
QUEUE_GONE = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
WAIT_SECONDS = 86_400
RECEIVED_MAX = 10
AT_ONCE_FIRST = 5
AT_ONCE_MAX = 64
"""How many batches of a mapping run at a time: five at first, more while batches are full. AWS goes on to 1,250; a machine doesn't."""
PAUSE_SECONDS_MAX = 900.0


class Received(TypedDict):
    """What is used of a message as SQS answers it."""

    MessageId: str
    ReceiptHandle: str
    Body: str
    MD5OfBody: str
    Attributes: dict[str, str]


class Item(msgspec.Struct, frozen=True):
    """A message that a function could not deal with."""

    itemIdentifier: str


class Report(msgspec.Struct, frozen=True):
    """What a function answers that reports failures by message."""

    batchItemFailures: list[Item] | None = None


class Poller:
    """A mapping's poller: its task, and how much it has under way."""

    def __init__(self, call: Call, uuid: str) -> None:
        self.call = call
        self.uuid = uuid
        self.running = 0
        self.at_once = AT_ONCE_FIRST
        self.channel = ("lambda.poller", uuid)
        self.task: asyncio.Task[None] | None = None


def start_all(cloud: Cloud) -> None:
    """The region starts: whatever is mapped is polled again."""
    keys: list[Any] = cloud.apply(lambda tx: [key for key, mapping in tx.scan(MAPPINGS) if mapping.enabled])
    for key in keys:
        start(cloud, key)


def start(cloud: Cloud, key: Key) -> None:
    """Begins to poll for a mapping."""
    account, region, uuid = key
    principal = service_principal("lambda.amazonaws.com", account)
    scope = Scope(account, region, principal, cloud.ids.uuid(), endpoint=cloud.endpoint)
    poller = Poller(Call(cloud, scope, "lambda"), uuid)
    poller.task = cloud.loop.spawn(_poll(poller))
    _pollers(cloud)[key] = poller


def stop(cloud: Cloud, key: Key) -> None:
    """Receives no more; batches that run go on to their end."""
    poller = _pollers(cloud).pop(key, None)
    if poller is not None and poller.task is not None:
        poller.task.cancel()


def queue_url(queue: Arn) -> str:
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.resource}"


def _pollers(cloud: Cloud) -> dict[Key, Poller]:
    return cloud.held("lambda.pollers", dict[Key, Poller])


async def _poll(poller: Poller) -> None:
    call, failures = poller.call, 0
    while True:
        mapping = call.read(Tx.get, MAPPINGS, call.account, call.region, poller.uuid)
        if mapping is None or not mapping.enabled:
            return
        if poller.running >= min(poller.at_once, mapping.concurrency or AT_ONCE_MAX):
            await call.wait(poller.channel)
            continue
        try:
            batch = await _batch(call, mapping)
        except Fault:
            # The queue is gone, or may not be read: it may come back.
            failures += 1
            await call.wait(until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
            continue
        failures = 0
        if batch:
            poller.running += 1
            if len(batch) >= mapping.batch and poller.at_once < AT_ONCE_MAX:
                poller.at_once += 1
            call.spawn(_process(poller, mapping, batch))


async def _batch(call: Call, mapping: Mapping) -> list[Received]:
    """The messages of one batch: what is there at once, or all that come within the batching window."""
    batch: dict[str, Received] = {}
    seconds, deadline = WAIT_SECONDS, 0.0
    while True:
        for message in await _receive(call, mapping, min(mapping.batch - len(batch), RECEIVED_MAX), seconds):
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
    call = poller.call
    try:
        wanted: list[dict[str, Any]] = []
        passed_over: list[dict[str, Any]] = []
        for message in batch:
            record = record_of(message, mapping.source, windowed=mapping.window > 0)
            (wanted if _passes(record, mapping.filters) else passed_over).append(record)
        await _delete(call, mapping, passed_over)
        for part in _parts(wanted):
            await _delete(call, mapping, await _run(call, mapping, part))
    except Fault:
        # The function or the queue went away meanwhile: what is not deleted comes back when its visibility timeout ends.
        return
    finally:
        poller.running -= 1
        call.cloud.loop.wake([poller.channel])


async def _run(call: Call, mapping: Mapping, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs the function with some records; answers those that are done with."""
    found = call.read(_find, mapping.function)
    # What has gone round too often comes back, until the queue gives it up.
    records = [record for record in records if not stopped(_trace(record), found)]
    if not records:
        return []
    call = call.traced(merged(map(_trace, records)))
    payload = msgspec.json.encode({"Records": records})
    ran = await _ran(call, mapping, payload)
    if ran is None or ran.error:
        return []
    if "ReportBatchItemFailures" not in mapping.responses:
        return records
    failed = failed_items(ran.payload, {record["messageId"] for record in records})
    return [] if failed is None else [record for record in records if record["messageId"] not in failed]


async def _ran(call: Call, mapping: Mapping, payload: bytes) -> Ran | None:
    """One run, tried again while it is throttled and the messages are still invisible."""
    until, delay = 0.0, 1.0
    while True:
        found = call.read(_find, mapping.function)
        try:
            with Concurrency(call, found) as found:
                return await execute(call, found, payload, call.ids.uuid())
        except Fault as fault:
            if fault.code != "TooManyRequestsException":
                raise
        until = until or call.now() + await _visibility(call, mapping)
        if call.now() + delay >= until:
            return None
        await call.wait(until=call.now() + delay)
        delay = min(delay * 2, 60.0)


def _trace(record: dict[str, Any]) -> str:
    return record["attributes"].get("AWSTraceHeader", "")


def _find(tx: Tx, function: str) -> Found:
    return chosen(find(tx, name_of(function)))


async def _visibility(call: Call, mapping: Mapping) -> float:
    queue = parse(mapping.source)
    request: Any = {"QueueUrl": queue_url(queue), "AttributeNames": ["VisibilityTimeout"]}
    answer: Any = await call.at(account=queue.account, region=queue.region).aws.sqs.get_queue_attributes(request)
    return float(answer["Attributes"]["VisibilityTimeout"])


async def _delete(call: Call, mapping: Mapping, records: list[dict[str, Any]]) -> None:
    queue = parse(mapping.source)
    sqs = call.at(account=queue.account, region=queue.region).aws.sqs
    for start_at in range(0, len(records), RECEIVED_MAX):
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(records[start_at : start_at + RECEIVED_MAX])
        ]
        request: Any = {"QueueUrl": queue_url(queue), "Entries": entries}
        await sqs.delete_message_batch(request)


def record_of(message: Received, source: str, *, windowed: bool) -> dict[str, Any]:
    """A message as functions get it. That it has no attributes is said where there is a batching window only."""
    given: dict[str, Any] = message.get("MessageAttributes", {})
    attributes: dict[str, Any] = {}
    for name, value in given.items():
        shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
        if "StringValue" in value:
            shown["stringValue"] = value["StringValue"]
        if "BinaryValue" in value:
            shown["binaryValue"] = value["BinaryValue"]
        attributes[name] = shown
    record: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfMessageAttributes": message.get("MD5OfMessageAttributes"),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": parse(source).region,
    }
    if not attributes and not windowed:
        del record["md5OfMessageAttributes"]
    return record


def failed_items(payload: bytes, known: set[str]) -> set[str] | None:
    """The messages that a function reports as failed; None where all are to come back, since the report makes no sense.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    try:
        report = msgspec.json.decode(payload, type=Report | None)
    except msgspec.DecodeError:
        return None
    if report is None or not report.batchItemFailures:
        return set()
    named = {item.itemIdentifier for item in report.batchItemFailures}
    return named if named <= known else None


def _passes(record: dict[str, Any], filters: list[str]) -> bool:
    """Whether one of the filters lets a record through; its body is looked into where it is JSON."""
    if not filters:
        return True
    try:
        body = msgspec.json.decode(record["body"])
    except msgspec.DecodeError:
        body = record["body"]
    event: dict[str, Any] = {**record, "body": body if isinstance(body, dict) else record["body"]}
    return any(compile_pattern(pattern)(event) for pattern in filters)


def _parts(records: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The records in parts that fit an invocation."""
    part: list[dict[str, Any]] = []
    size = 0
    for record in records:
        length = len(msgspec.json.encode(record)) + 1
        if part and size + length > SYNCHRONOUS_BYTES_MAX - 1024:
            yield part
            part, size = [], 0
        part.append(record)
        size += length
    if part:
        yield part
