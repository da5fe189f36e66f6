"""S3 Select: a SQL expression over the records of one object, answered as a stream of events.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.archive.restores import check_archived
from windtunnel.services.s3.objects.customer_keys import check_key_of
from windtunnel.services.s3.places import bucket_of, lookup
from windtunnel.services.s3.rules import nested
from windtunnel.services.s3.select.ranges import within
from windtunnel.services.s3.select.records import read, unpacked, writer_of
from windtunnel.services.s3.select.sql import Aggregate, Query, is_aggregate, parse, row_of, unsupported
from windtunnel.services.s3.select.values import MISSING, Running
from windtunnel.services.s3.state import Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

EXPRESSION_BYTES_MAX = 256 * 1024
PAYLOAD_BYTES = 128 * 1024


async def select_object_content(call: Call, req: t.SelectObjectContentRequest) -> t.SelectObjectContentOutput:
    if not all(req.get(name) for name in ("Expression", "ExpressionType", "InputSerialization", "OutputSerialization")):
        message = "The SelectRequest entity is missing a required parameter. Check the service documentation and try again."
        raise Fault("MissingRequiredParameter", message)
    version = call.read(_version_of, req)
    _check(req)
    query = parse(req["Expression"], call.now())
    data = version.inline if not version.blob else await call.blobs.read(version.blob)
    if (wanted := req.get("ScanRange")) is not None:
        data = within(data, req["InputSerialization"], wanted)
    whole = unpacked(data, req["InputSerialization"].get("CompressionType") or "NONE")
    rows = _rows(query, read(whole, req["InputSerialization"], query.path))
    return {"Payload": _events(_guarded(rows), req, len(data), len(whole))}  # pyright: ignore[reportReturnType]


def _version_of(tx: Tx, req: Mapping[str, Any]) -> Version:
    _, version = lookup(tx, bucket_of(tx, req), req, "GET")
    check_archived(version, tx.now)
    check_key_of(req, version)
    return version


def _check(req: Mapping[str, Any]) -> None:
    if len(req["Expression"].encode("utf-8", "surrogatepass")) > EXPRESSION_BYTES_MAX:
        raise Fault("ExpressionTooLong", "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.")
    source, target = req["InputSerialization"], req["OutputSerialization"]
    if len([kind for kind in ("CSV", "JSON", "Parquet") if source.get(kind) is not None]) != 1 or (
        len([kind for kind in ("CSV", "JSON") if target.get(kind) is not None]) != 1
    ):
        message = "The SelectRequest entity can only contain one of CSV or JSON. Check the service documentation and try again."
        raise Fault("ObjectSerializationConflict", message)
    if source.get("Parquet") is not None:
        raise Fault("NotImplemented", "windtunnel does not implement Parquet in SelectObjectContent.", status=501)


def _guarded(rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What is too deep or too great to be worked out is the expression's fault."""
    try:
        yield from rows
    except (RecursionError, OverflowError):
        raise unsupported() from None


def _rows(query: Query, records: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """What the query answers, row by row."""
    found = (record for record in records if query.where is None or query.where(record) is True)
    if is_aggregate(query):
        yield _added_up(query, found)
        return
    for number, record in enumerate(found):
        if query.limit is not None and number >= query.limit:
            return
        yield row_of(query, record) if query.columns else record if isinstance(record, dict) else {"_1": record}


def _added_up(query: Query, records: Iterable[Any]) -> dict[str, Any]:
    running = [(column.value, Running()) for column in query.columns if isinstance(column.value, Aggregate)]
    for record in records:
        for aggregate, sums in running:
            value = aggregate.of(record)
            if value is not None and value is not MISSING:
                sums.take(value, counted=aggregate.name == "COUNT")
    return {
        column.name or f"_{number}": sums.result(aggregate.name)
        for number, (column, (aggregate, sums)) in enumerate(zip(query.columns, running, strict=True), 1)
    }


async def _events(rows: Iterator[Mapping[str, Any]], req: Mapping[str, Any], scanned: int, processed: int) -> AsyncIterator[dict[str, Any]]:
    write = writer_of(req["OutputSerialization"])
    returned, waiting = 0, bytearray()
    for row in rows:
        waiting += write(row)
        if len(waiting) >= PAYLOAD_BYTES:
            returned += len(waiting)
            yield {"Records": {"Payload": bytes(waiting)}}
            waiting.clear()
    if waiting:
        returned += len(waiting)
        yield {"Records": {"Payload": bytes(waiting)}}
    stats = {"Details": {"BytesScanned": scanned, "BytesProcessed": processed, "BytesReturned": returned}}
    if nested(req, "RequestProgress").get("Enabled"):
        yield {"Progress": stats}
    yield {"Stats": stats}
    yield {"End": {}}
