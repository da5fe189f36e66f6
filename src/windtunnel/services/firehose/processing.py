"""What becomes of records before they are delivered: decompressed, taken apart, transformed by a function, asked for their keys.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from windtunnel.aws.documents import parse_json
from windtunnel.fabric import Call, Fault
from windtunnel.services.firehose.queries import NoValue, compile_query
from windtunnel.services.firehose.rules import MIB, delimiter_of
from windtunnel.services.firehose.settings import processors
from windtunnel.services.firehose.state import Record, Stream

RETRIES, BUFFER_MB = 3, 1.0
ERRORS = {
    "Lambda.DuplicatedRecordId": (
        "Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique record IDs for each record."
    ),
    "Lambda.FunctionError": "The Lambda function was successfully invoked but it returned an error result.",
    "Lambda.MissingRecordId": "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
    "Lambda.ProcessingFailedStatus": "ProcessingFailed status set for record",
    "Lambda.JsonProcessingException": "There was an error parsing records returned by the Lambda function.",
}
"""https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html"""


class Piece(msgspec.Struct):
    """Something that is delivered. `keys` are its partition keys, under (namespace, name)."""

    data: bytes
    arrived: float
    raw: bytes
    origin: dict[str, Any] = {}
    keys: dict[tuple[str, str], str] = {}


class Failure(msgspec.Struct, frozen=True):
    """A record that could not be processed."""

    piece: Piece
    code: str
    message: str
    attempts: int = 1
    function: str = ""


class LogEvent(msgspec.Struct, frozen=True):
    """An event of CloudWatch Logs."""

    message: str


class Logged(msgspec.Struct, frozen=True):
    """What CloudWatch Logs sends."""

    messageType: str
    logEvents: list[LogEvent]


class Metadata(msgspec.Struct, frozen=True):
    """What a function says of a record beside its data."""

    partitionKeys: dict[str, Any] = {}


class Returned(msgspec.Struct, frozen=True):
    """A record as a function returns it."""

    recordId: str
    result: str
    data: str = ""
    metadata: Metadata = Metadata()


class Answer(msgspec.Struct, frozen=True):
    """What a function answers."""

    records: list[Returned]


INVOKING = {
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "ResourceNotFoundException": "Lambda.ResourceNotFound",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
}
"""What Firehose calls the faults of a function that it could not run."""
Outcome = tuple[list[Piece], list[Failure]]


async def processed(call: Call, arn: str, stream: Stream, records: list[Record]) -> Outcome:
    """What is left of records after all processors, in order, and what failed on the way."""
    pieces, failures = [Piece(record.data, record.arrived, record.data, record.origin) for record in records], list[Failure]()
    for name, parameters in processors(stream.settings):
        if name == "Lambda":
            pieces, failed = await _transformed(call, arn, stream, parameters, pieces)
        elif name == "MetadataExtraction":
            pieces, failed = _extracted(parameters["MetadataExtractionQuery"], pieces)
        else:
            pieces, failed = _plain(name, parameters, pieces)
        failures += failed
    return pieces, failures


def _plain(name: str, parameters: dict[str, str], pieces: list[Piece]) -> Outcome:
    if name == "AppendDelimiterToRecord":
        delimiter = delimiter_of(parameters)
        return [msgspec.structs.replace(piece, data=piece.data + delimiter) for piece in pieces], []
    done, failed = list[Piece](), list[Failure]()
    for piece in pieces:
        try:
            if name == "RecordDeAggregation":
                parts = _taken_apart(piece.data, parameters)
            elif name == "Decompression":
                parts = [gzip.decompress(piece.data)]
            else:
                parts = _log_messages(piece.data)
            done += [msgspec.structs.replace(piece, data=part) for part in parts]
        except (ValueError, OSError, EOFError, zlib.error, msgspec.DecodeError, RecursionError) as error:
            failed.append(Failure(piece, f"{name}.Failed", str(error)))
    return done, failed


def _taken_apart(data: bytes, parameters: dict[str, str]) -> list[bytes]:
    """The records within one: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html"""
    if parameters.get("SubRecordType") == "DELIMITED":
        return [part for part in data.split(b64decode(parameters.get("Delimiter", ""))) if part]
    text, decoder, at = data.decode(), json.JSONDecoder(), 0
    parts: list[bytes] = []
    while at < len(text):
        if text[at].isspace() or text[at] == ",":
            at += 1
            continue
        _, end = decoder.raw_decode(text, at)
        parts.append(text[at:end].encode())
        at = end
    return parts


def _log_messages(data: bytes) -> list[bytes]:
    """The messages of what CloudWatch Logs sends: https://docs.aws.amazon.com/firehose/latest/dev/Message_extraction.html"""
    document = msgspec.json.decode(data, type=Logged)
    return [] if document.messageType == "CONTROL_MESSAGE" else ["".join(f"{event.message}\n" for event in document.logEvents).encode()]


def _extracted(query: str, pieces: list[Piece]) -> Outcome:
    find = compile_query(query)
    done, failed = list[Piece](), list[Failure]()
    for piece in pieces:
        try:
            found = find(parse_json(piece.data))
        except (ValueError, NoValue) as error:
            failed.append(Failure(piece, "DynamicPartitioning.MetadataExtractionFailed", f"Metadata extraction failed: {error}"))
            continue
        done.append(msgspec.structs.replace(piece, keys=piece.keys | {("partitionKeyFromQuery", key): text for key, text in found.items()}))
    return done, failed


async def _transformed(call: Call, arn: str, stream: Stream, parameters: dict[str, str], pieces: list[Piece]) -> Outcome:
    done, failed = list[Piece](), list[Failure]()
    size = int(float(parameters.get("BufferSizeInMBs", BUFFER_MB)) * MIB)
    for some in _parts(pieces, size):
        good, bad = await _invoked(call, arn, stream, parameters, some)
        done += good
        failed += bad
    return done, failed


def _parts(pieces: list[Piece], size: int) -> Iterator[list[Piece]]:
    some, held = list[Piece](), 0
    for piece in pieces:
        if some and held + len(piece.data) > size:
            yield some
            some, held = [], 0
        some.append(piece)
        held += len(piece.data)
    if some:
        yield some


async def _invoked(call: Call, arn: str, stream: Stream, parameters: dict[str, str], pieces: list[Piece]) -> Outcome:
    """One part transformed by the function, tried again as often as the processor says."""
    function, attempts = parameters["LambdaArn"], int(parameters.get("NumberOfRetries", RETRIES)) + 1
    ids = {call.ids.uuid(): piece for piece in pieces}
    event: dict[str, Any] = {
        "invocationId": call.ids.uuid(),
        "deliveryStreamArn": arn,
        "region": call.region,
        "records": [_record(one, piece) for one, piece in ids.items()],
    }
    if stream.source:
        event["sourceKinesisStreamArn"] = stream.source["KinesisStreamARN"]
    payload = msgspec.json.encode(event)
    code = message = ""
    for _ in range(attempts):
        try:
            answer: Any = await call.aws_for(arn).lambda_.invoke({"FunctionName": function, "Payload": payload})
        except Fault as fault:
            code, message = INVOKING.get(fault.code, f"Lambda.{fault.code}"), fault.message
            continue
        if "FunctionError" not in answer:
            return _answered(answer["Payload"], ids, function)
        code, message = "Lambda.FunctionError", ERRORS["Lambda.FunctionError"]
    return [], [Failure(piece, code, message, attempts, function) for piece in pieces]


def _record(record_id: str, piece: Piece) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "recordId": record_id,
        "approximateArrivalTimestamp": int(piece.arrived * 1000),
        "data": b64encode(piece.data).decode(),
    }
    return shown | ({"kinesisRecordMetadata": piece.origin} if piece.origin else {})


def _answered(payload: bytes, ids: dict[str, Piece], function: str) -> Outcome:
    """What a function made of its records: each must come back, once."""
    done, failed, left = list[Piece](), list[Failure](), dict(ids)
    try:
        returned = msgspec.json.decode(payload, type=Answer).records
        times = Counter(one.recordId for one in returned)
        for one in returned:
            piece = left.pop(one.recordId, None)
            if piece is None:
                continue
            if times[one.recordId] > 1:
                failed.append(_failed(piece, "Lambda.DuplicatedRecordId", function))
            elif one.result == "Ok":
                keys = {("partitionKeyFromLambda", key): str(value) for key, value in one.metadata.partitionKeys.items()}
                done.append(msgspec.structs.replace(piece, data=b64decode(one.data, validate=True), keys=piece.keys | keys))
            elif one.result != "Dropped":
                failed.append(_failed(piece, "Lambda.ProcessingFailedStatus", function))
    except (msgspec.DecodeError, Base64Error, RecursionError):
        return [], [_failed(piece, "Lambda.JsonProcessingException", function) for piece in ids.values()]
    return done, failed + [_failed(piece, "Lambda.MissingRecordId", function) for piece in left.values()]


def _failed(piece: Piece, code: str, function: str) -> Failure:
    return Failure(piece, code, ERRORS[code], 1, function)
