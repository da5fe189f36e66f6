"""An import while it runs: the files under a prefix read one by one, and their items written.

What can't be an item of the table is counted as an error, and the rest goes on, as in AWS.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.values import Item, checked_item
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.blobs import whole
from windtunnel.services.dynamodb.exports.state import IMPORTS, Job
from windtunnel.services.dynamodb.items.writing import check_size, write
from windtunnel.services.dynamodb.keys import check_item, place_of
from windtunnel.services.dynamodb.state import ITEMS, TABLES

SLICE_ROWS = 256


async def run_import(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: takes in all files of an import, and then says what came of it."""
    job = call.read(Tx.get, IMPORTS, payload["id"])
    if job is None or job.shown["ImportStatus"] != "IN_PROGRESS":
        return
    try:
        source = job.shown["S3BucketSource"]
        async for key in _keys(call, source):
            body = await _body(call, source, key)
            rows = list(_rows(job, body))
            for at in range(0, len(rows), SLICE_ROWS):
                await call.transact(_take, job.id, rows[at : at + SLICE_ROWS])
            await call.transact(_count, job.id, len(body))
        ended: dict[str, Any] = {"ImportStatus": "COMPLETED"}
    except Fault as fault:
        ended = {"ImportStatus": "FAILED", "FailureCode": fault.code, "FailureMessage": fault.message}
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        ended = {"ImportStatus": "FAILED", "FailureCode": "InvalidInput", "FailureMessage": str(error)}
    await call.transact(_finish, job.id, ended)


async def _keys(call: Call, source: Mapping[str, Any]) -> AsyncIterator[str]:
    """The keys of the files, page by page."""
    request: dict[str, Any] = {"Bucket": source["S3Bucket"], "Prefix": source.get("S3KeyPrefix", "")}
    while True:
        page: Any = await call.aws.s3.list_objects_v2(request)  # pyright: ignore[reportArgumentType]
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):
                yield found["Key"]
        if not page.get("NextContinuationToken"):
            return
        request["ContinuationToken"] = page["NextContinuationToken"]


async def _body(call: Call, source: Mapping[str, Any], key: str) -> bytes:
    answer: Any = await call.aws.s3.get_object({"Bucket": source["S3Bucket"], "Key": key})
    return await whole(answer["Body"])


def _rows(job: Job, body: bytes) -> Iterator[Item | None]:
    """The items of a file; None for what is none."""
    if job.shown["InputCompressionType"] == "GZIP":
        body = gzip.decompress(body)
    if job.shown["InputFormat"] == "CSV":
        yield from _csv_rows(job, body.decode("utf-8-sig"))
        return
    for line in body.splitlines():
        if not line.strip():
            continue
        try:
            item = msgspec.json.decode(line, type=dict[str, dict[str, Any]])["Item"]
            yield checked_item({name: _with_bytes(value) for name, value in item.items()})
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, Fault):
            yield None


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute value whose binary parts are base64 in JSON."""
    kind, content = next(iter(value.items()))
    match kind:
        case "B":
            return {"B": b64decode(content, validate=True)}
        case "BS":
            return {"BS": [b64decode(member, validate=True) for member in content]}
        case "L":
            return {"L": [_with_bytes(member) for member in content]}
        case "M":
            return {"M": {name: _with_bytes(member) for name, member in content.items()}}
        case _:
            return value


def _csv_rows(job: Job, text: str) -> Iterator[Item | None]:
    """All values are texts, but those of keys, which have their type."""
    given_options: Mapping[str, Any] = job.shown.get("InputFormatOptions") or {}
    options: Mapping[str, Any] = given_options.get("Csv") or {}
    types = {one["AttributeName"]: one["AttributeType"] for one in job.shown["TableCreationParameters"]["AttributeDefinitions"]}
    reader = csv.reader(io.StringIO(text), delimiter=options.get("Delimiter", ","))
    header: list[str] | None = options.get("HeaderList")
    names = header or next(reader, list[str]())
    for row in reader:
        if not row:
            continue
        try:
            given = {name: {types.get(name, "S"): value} for name, value in zip(names, row, strict=False) if value}
            yield checked_item({name: _with_bytes(value) for name, value in given.items()})
        except (ValueError, Fault):
            yield None


def _take(tx: Tx, job_id: str, rows: list[Item | None]) -> None:
    job = tx.get(IMPORTS, job_id)
    row = tx.get(TABLES, job.table) if job is not None else None
    if job is None or row is None or row.number != job.number:
        raise Fault("ResourceNotFoundException", "The table was deleted while it was imported.")
    taken = 0
    for item in rows:
        try:
            if item is None:
                continue
            check_item(row, item)
            check_size(item)
        except Fault:
            continue
        place = place_of(row, item)
        write(tx, row, place, tx.get(ITEMS, row.number, *place), item)
        taken += 1
    shown = job.shown
    changes = {
        "ProcessedItemCount": shown["ProcessedItemCount"] + len(rows),
        "ImportedItemCount": shown["ImportedItemCount"] + taken,
        "ErrorCount": shown["ErrorCount"] + len(rows) - taken,
    }
    tx.put(IMPORTS, job_id, value=msgspec.structs.replace(job, shown={**shown, **changes}))


def _count(tx: Tx, job_id: str, size: int) -> None:
    job = tx.get(IMPORTS, job_id)
    if job is not None:
        processed = job.shown["ProcessedSizeBytes"] + size
        tx.put(IMPORTS, job_id, value=msgspec.structs.replace(job, shown={**job.shown, "ProcessedSizeBytes": processed}))


def _finish(tx: Tx, job_id: str, ended: Mapping[str, Any]) -> None:
    job = tx.get(IMPORTS, job_id)
    if job is None:
        return
    tx.put(IMPORTS, job_id, value=msgspec.structs.replace(job, shown={**job.shown, **ended, "EndTime": tx.now}))
    row = tx.get(TABLES, job.table)
    if row is not None and row.number == job.number:
        tx.put(TABLES, row.name, value=msgspec.structs.replace(row, filling=False))
