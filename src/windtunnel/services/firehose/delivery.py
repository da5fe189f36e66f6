"""Buffers are taken to their destination: objects in a bucket, or requests to an HTTP endpoint.

https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
"""

from __future__ import annotations

import asyncio
import gzip
import io
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Event, Fault, Retry, Tx
from windtunnel.services.firehose import buffers
from windtunnel.services.firehose.processing import Failure, Piece, processed
from windtunnel.services.firehose.rules import (
    FAILED,
    HTTP_FAILED,
    KEPT_SECONDS,
    RANDOM_LENGTH,
    error_prefix,
    evaluated,
    expressions,
    local,
    object_name,
    part,
)
from windtunnel.services.firehose.state import STREAMS, Stream, arn_of

DELAY_SECONDS, DELAY_SECONDS_MAX = 5.0, 600.0
SOURCE = "firehose.amazonaws.com"
RETRY_SECONDS = 300
EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip"}


async def flush(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None]:
    """Timer: takes a buffer to its destination. What can't be written to S3 is tried again for a day."""
    name, number = payload["name"], payload["buffer"]
    stream = call.read(lambda tx: tx.get(STREAMS, name))
    done = partial(buffers.empty, stream=payload["id"], number=number)
    if stream is None or stream.id != payload["id"]:
        return done
    records = await call.transact(buffers.close, stream.id, number)
    arn = call.read(arn_of, name)
    try:
        if stream.kind == "s3" and stream.settings.get("S3BackupMode") == "Enabled":
            backed = [Piece(record.data, record.arrived, record.data) for record in records]
            await _write(call, name, stream, stream.settings["S3BackupConfiguration"], backed)
        pieces, failures = await processed(call, arn, stream, records)
        if stream.kind == "s3":
            failures += await _write(call, name, stream, stream.settings, pieces)
        elif stream.settings.get("S3BackupMode") == "AllData":
            await _write(call, name, stream, stream.place, pieces)
        await _write_failures(call, name, stream, [_told(failure, call.now()) for failure in failures], FAILED)
    except Fault as fault:
        await _log(call, arn, stream, f"S3.{fault.code}", fault.message)
        if call.now() - payload["since"] > KEPT_SECONDS:
            return done
        return partial(_again, payload=payload)
    if failures:
        await _log(call, arn, stream, failures[0].code, failures[0].message)
    return done if stream.kind == "s3" or not pieces else partial(_posted, name=name, stream=stream, number=number, pieces=pieces)


def _again(tx: Tx, payload: Mapping[str, Any]) -> None:
    tries = payload.get("tries", 0)
    delay = min(DELAY_SECONDS * 2.0**tries, DELAY_SECONDS_MAX)
    tx.timer(tx.now + delay, "flush", {**payload, "tries": tries + 1}, name=f"{payload['id']}/{payload['buffer']}")


async def _write(call: Call, name: str, stream: Stream, place: Mapping[str, Any], pieces: list[Piece]) -> list[Failure]:
    """Writes pieces into a bucket, an object for each set of partition keys; those that lack a key are failures."""
    prefix, zone = place.get("Prefix", ""), place.get("CustomTimeZone", "")
    wanted = [one for one in expressions(prefix) if one[0].startswith("partitionKey")]
    groups, failures = dict[tuple[str, ...], list[Piece]](), list[Failure]()
    for piece in pieces:
        missing = next((key for namespace, key in wanted if (namespace, key) not in piece.keys), None)
        if missing is None:
            groups.setdefault(tuple(piece.keys[one] for one in wanted), []).append(piece)
        else:
            failures.append(Failure(piece, "DynamicPartitioning.PartitionKeyMissing", f"partition key {missing} is missing"))
    for group in groups.values():
        moment = local(min(piece.arrived for piece in group), zone)
        values = {**group[0].keys, ("firehose", "random-string"): call.ids.uuid().replace("-", "")[:RANDOM_LENGTH]}
        await _put(call, name, stream, place, evaluated(prefix, moment, values), b"".join(piece.data for piece in group))
    return failures


async def _write_failures(call: Call, name: str, stream: Stream, told: list[dict[str, Any]], kind: str) -> None:
    """Writes what failed into the bucket, a document a line."""
    if not told:
        return
    place = stream.place
    values = {("firehose", "random-string"): call.ids.uuid().replace("-", "")[:RANDOM_LENGTH]}
    moment = local(call.now(), place.get("CustomTimeZone", ""))
    prefix = error_prefix(place.get("Prefix", ""), place.get("ErrorOutputPrefix", ""), kind, moment, values)
    body = b"".join(msgspec.json.encode(one) + b"\n" for one in told)
    await _put(call, name, stream, {"BucketARN": place["BucketARN"]}, prefix, body)


async def _put(call: Call, name: str, stream: Stream, place: Mapping[str, Any], prefix: str, body: bytes) -> None:
    compression = place.get("CompressionFormat", "")
    extension = place.get("FileExtension") or EXTENSIONS.get(compression, "")
    key = prefix + object_name(name, stream.version, call.now(), call.ids.uuid(), extension)
    if compression in EXTENSIONS:
        body = await asyncio.to_thread(_compressed, compression, body, key.rpartition("/")[2])
    request: Any = {"Bucket": parse(place["BucketARN"]).resource, "Key": key, "Body": body, "ContentType": "application/octet-stream"}
    await call.aws_for(call.read(arn_of, name)).s3.put_object(request)


def _compressed(how: str, body: bytes, name: str) -> bytes:
    if how == "GZIP":
        return gzip.compress(body, mtime=0)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name.removesuffix(".zip")), body)
    return data.getvalue()


def _told(failure: Failure, now: float) -> dict[str, Any]:
    """A failure as it is written down: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html"""
    told: dict[str, Any] = {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": int(failure.piece.arrived * 1000),
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptEndingTimestamp": int(now * 1000),
        "rawData": b64encode(failure.piece.raw).decode(),
    }
    return told | ({"lambdaArn": failure.function} if failure.function else {})


async def _log(call: Call, arn: str, stream: Stream, code: str, message: str) -> None:
    """Tells CloudWatch Logs of an error, where the stream says so and there is such a log."""
    options = part(stream.settings, "CloudWatchLoggingOptions")
    if not options.get("Enabled") or not options.get("LogGroupName"):
        return
    entry = {
        "deliveryStreamARN": arn,
        "destination": stream.place["BucketARN"],
        "deliveryStreamVersionId": stream.version,
        "message": message,
        "errorCode": code,
    }
    event = {"timestamp": int(call.now() * 1000), "message": msgspec.json.encode(entry).decode()}
    request: Any = {"logGroupName": options["LogGroupName"], "logStreamName": options.get("LogStreamName", ""), "logEvents": [event]}
    try:
        await call.aws_for(arn).logs.put_log_events(request)
    except Fault:
        return  # a log that isn't there is told nothing


def _posted(tx: Tx, name: str, stream: Stream, number: int, pieces: list[Piece]) -> None:
    """Hands a buffer to those who post it, and lets go of it: from now on the delivery keeps it."""
    buffers.empty(tx, stream.id, number)
    settings, request_id, arn = stream.settings, tx.new_id(), arn_of(tx, name)
    attributes = {
        one["AttributeName"]: one["AttributeValue"] for one in settings.get("RequestConfiguration", {}).get("CommonAttributes", [])
    }
    headers = {
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Request-Id": request_id,
        "X-Amz-Firehose-Source-Arn": arn,
        "Content-Type": "application/json",
    }
    if attributes:
        headers["X-Amz-Firehose-Common-Attributes"] = msgspec.json.encode({"commonAttributes": attributes}).decode()
    if settings["EndpointConfiguration"].get("AccessKey"):
        headers["X-Amz-Firehose-Access-Key"] = settings["EndpointConfiguration"]["AccessKey"]
    document = {
        "requestId": request_id,
        "timestamp": int(tx.now * 1000),
        "records": [{"data": b64encode(piece.data).decode()} for piece in pieces],
    }
    seconds = part(settings, "RetryOptions").get("DurationInSeconds", RETRY_SECONDS)
    tx.deliver(
        settings["EndpointConfiguration"]["Url"],
        Event(msgspec.json.encode(document).decode(), headers=headers),
        source=SOURCE,
        source_arn=arn,
        retry=Retry(phases=((8, 1.0, 60.0), (200, 60.0, 60.0)), age_seconds_max=seconds, client_errors=True),
        failed="undelivered",
        context={"name": name, "id": stream.id},
    )


async def undelivered(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: what an endpoint didn't take in time goes to the bucket."""
    context = payload["context"]
    stream = call.read(lambda tx: tx.get(STREAMS, context["name"]))
    if stream is None or stream.id != context["id"]:
        return
    document = msgspec.json.decode(payload["delivery"]["event"]["body"])
    arrived, code = document["timestamp"] / 1000, f"HttpEndpoint.{payload['error_code']}"
    failures = [
        Failure(Piece(b64decode(record["data"]), arrived, b64decode(record["data"])), code, payload["error_message"], payload["attempts"])
        for record in document["records"]
    ]
    told = [_told(failure, call.now()) for failure in failures]
    await _write_failures(call, context["name"], stream, told, HTTP_FAILED)
