"""What becomes of a batch of messages: the function runs with it, and what is done with is deleted.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

import msgspec

from windtunnel.aws.arn import Arn, parse
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import SYNCHRONOUS_BYTES_MAX, name_of
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.running.lineage import merged, stopped
from windtunnel.services.lambda_.running.run import run
from windtunnel.services.lambda_.state import Mapping

RECEIVED_MAX = 10


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


def queue_url(queue: Arn) -> str:
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.resource}"


async def process(call: Call, mapping: Mapping, batch: list[Received]) -> bool:
    """Runs the function with a batch; whether all of it went well. Raises the fault of a function or a queue that went away."""
    wanted: list[dict[str, Any]] = []
    passed_over: list[dict[str, Any]] = []
    for message in batch:
        record = record_of(message, mapping.source, windowed=mapping.window > 0)
        (wanted if _passes(record, mapping.filters) else passed_over).append(record)
    await _delete(call, mapping, passed_over)
    well = True
    for part in _parts(wanted):
        done = await _run(call, mapping, part)
        await _delete(call, mapping, done)
        well &= len(done) == len(part)
    return well


async def _run(call: Call, mapping: Mapping, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs the function with some records; answers those that are done with."""
    found = call.read(_find, mapping.function)
    # What has gone round too often comes back, until the queue gives it up.
    records = [record for record in records if not stopped(_trace(record), found)]
    if not records:
        return []
    call = call.traced(merged(map(_trace, records)))
    payload = msgspec.json.encode({"Records": records})
    ran = await _ran(call, mapping, payload, [record["messageId"] for record in records])
    if ran is None or ran.error:
        return []
    if "ReportBatchItemFailures" not in mapping.responses:
        return records
    failed = failed_items(ran.payload, {record["messageId"] for record in records})
    return [] if failed is None else [record for record in records if record["messageId"] not in failed]


async def _ran(call: Call, mapping: Mapping, payload: bytes, messages: list[str]) -> Ran | None:
    """One run, tried again while it is throttled and the messages are still invisible."""
    until, delay = 0.0, 1.0
    while True:
        found = call.read(_find, mapping.function)
        try:
            return await run(call, found, payload, call.ids.uuid(), messages=messages)
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
    except (msgspec.DecodeError, RecursionError):
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
    except (msgspec.DecodeError, RecursionError):
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
