"""An export while it runs: files of gzipped JSON lines, and the two manifests that name them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.values import Item, size_of
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.dynamodb.backups import history
from windtunnel.services.dynamodb.exports.state import EXPORTS, Job
from windtunnel.services.dynamodb.keys import Place
from windtunnel.services.dynamodb.state import TABLES

FILE_ROWS = 10_000
SLICE_ROWS = 1_000
GZIP_LEVEL = 5
Line = tuple[bytes, int]
"""A line of a file, and the size of its item."""


async def run_export(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: writes the files of an export, and then says what came of it."""
    job = call.read(Tx.get, EXPORTS, payload["id"])
    if job is None or job.shown["ExportStatus"] != "IN_PROGRESS":
        return
    try:
        changes = await _write(call, job)
    except Fault as fault:
        code = "S3NoSuchBucket" if fault.code == "NoSuchBucket" else f"S3{fault.code}"
        changes = {"ExportStatus": "FAILED", "FailureCode": code, "FailureMessage": fault.message}
    await call.transact(_finish, job.id, changes)


async def _write(call: Call, job: Job) -> dict[str, Any]:
    root = f"{prefix}/" if (prefix := job.shown.get("S3Prefix", "").rstrip("/")) else ""
    folder = f"{root}AWSDynamoDB/{job.id}"
    data = f"{root}AWSDynamoDB/data" if job.since else f"{folder}/data"
    await _put(call, job, f"{folder}/_started", b"")
    files: list[dict[str, Any]] = []
    items = size = 0
    after: Place | None = None
    lines: list[Line] = []
    while True:
        more, after = call.read(_lines, job, after)
        lines += more
        if len(lines) >= FILE_ROWS or (after is None and lines):
            key = f"{data}/{call.ids.uuid().replace('-', '')[:26]}.json.gz"
            body = gzip.compress(b"".join(line for line, _ in lines), GZIP_LEVEL, mtime=0)
            etag = await _put(call, job, key, body)
            checksum = b64encode(md5(body, usedforsecurity=False).digest()).decode()
            files.append({"itemCount": len(lines), "md5Checksum": checksum, "etag": etag, "dataFileS3Key": key})
            items, size = items + len(lines), size + sum(bytes_ for _, bytes_ in lines)
            lines = []
        if after is None:
            break
    listed = b"".join(msgspec.json.encode(file) + b"\n" for file in files)
    await _manifest(call, job, f"{folder}/manifest-files.json", listed)
    summary = _summary(job, call.now(), items, size, f"{folder}/manifest-files.json")
    await _manifest(call, job, f"{folder}/manifest-summary.json", msgspec.json.encode(summary))
    return {
        "ExportStatus": "COMPLETED",
        "EndTime": call.now(),
        "ExportManifest": f"{folder}/manifest-summary.json",
        "ItemCount": items,
        "BilledSizeBytes": size,
    }


async def _put(call: Call, job: Job, key: str, body: bytes) -> str:
    request: dict[str, Any] = {"Bucket": job.shown["S3Bucket"], "Key": key, "Body": body}
    owner = job.shown.get("S3BucketOwner")
    answer = await call.aws_for(job.shown["TableArn"]).s3.put_object(  # pyright: ignore[reportUnknownMemberType]
        {**request, **({"ExpectedBucketOwner": owner} if owner else {})}  # pyright: ignore[reportArgumentType]
    )
    return str(answer.get("ETag", "")).strip('"')


async def _manifest(call: Call, job: Job, key: str, body: bytes) -> None:
    await _put(call, job, key, body)
    await _put(call, job, key.replace(".json", ".md5"), b64encode(md5(body, usedforsecurity=False).digest()))


def _lines(tx: Tx, job: Job, after: Place | None) -> tuple[list[Line], Place | None]:
    """The next lines, and the place behind which it goes on; None at the end."""
    row = tx.get(TABLES, job.table)
    if row is None or row.number != job.number:
        raise Fault("TableNotFoundException", "The table was deleted while it was exported.")
    states = history.states(tx, row, job.at, after, SLICE_ROWS)
    lines: list[Line] = []
    for place, item in states:
        if not job.since:
            if item is not None:
                lines.append((msgspec.json.encode({"Item": item}) + b"\n", size_of(item)))
            continue
        before = history.state(tx, row, place, job.since)
        if before != item:
            lines.append(_changed(job, row.keys, before, item))
    return lines, states[-1][0] if len(states) == SLICE_ROWS else None


def _changed(job: Job, keys: tuple[str, ...], before: Item | None, after: Item | None) -> Line:
    """A line of an incremental export."""
    whole = before if after is None else after
    assert whole is not None, "something has changed"
    line: dict[str, Any] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(int(job.at * 1_000_000))}},
        "Keys": {name: whole[name] for name in keys},
    }
    if before is not None and job.shown["IncrementalExportSpecification"]["ExportViewType"] != "NEW_IMAGE":
        line["OldImage"] = before
    if after is not None:
        line["NewImage"] = after
    return msgspec.json.encode(line) + b"\n", size_of(whole)


def _summary(job: Job, ended: float, items: int, size: int, files: str) -> dict[str, Any]:
    shown = job.shown
    incremental = bool(job.since)
    summary: dict[str, Any] = {
        "version": "2023-08-01" if incremental else "2020-06-30",
        "exportArn": shown["ExportArn"],
        "startTime": _iso(shown["StartTime"]),
        "endTime": _iso(ended),
        "tableArn": shown["TableArn"],
        "tableId": shown["TableId"],
    }
    if incremental:
        summary |= {"exportFromTime": _iso(job.since), "exportToTime": _iso(job.at)}
    else:
        summary["exportTime"] = _iso(job.at)
    return {
        **summary,
        "s3Bucket": shown["S3Bucket"],
        "s3Prefix": shown.get("S3Prefix"),
        "s3SseAlgorithm": shown["S3SseAlgorithm"],
        "s3SseKmsKeyId": shown.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": files,
        "billedSizeBytes": size,
        "itemCount": items,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": shown.get("ExportType", "FULL_EXPORT"),
    }


def _finish(tx: Tx, job_id: str, changes: Mapping[str, Any]) -> None:
    job = tx.get(EXPORTS, job_id)
    if job is not None:
        tx.put(EXPORTS, job_id, value=msgspec.structs.replace(job, shown={**job.shown, **changes}))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
