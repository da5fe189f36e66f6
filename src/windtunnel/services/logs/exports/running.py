"""How an export task runs: stream by stream, a file at a time, between which everything else goes on."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.exports.state import EXPORTS, Export
from windtunnel.services.logs.exports.tasks import OWNED
from windtunnel.services.logs.insights.values import iso
from windtunnel.services.logs.retention import cutoff
from windtunnel.services.logs.rules import MILLISECONDS, Place, beside
from windtunnel.services.logs.state import GROUPS, STREAMS
from windtunnel.services.logs.walk import forwards

FILE_BYTES_MAX = 4 << 20
"""Of a file before it is compressed; AWS doesn't say where it begins the next one."""
GZIP_LEVEL = 6


async def run_export(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: runs a task. One that a crash cut off begins anew and writes the same files."""
    serial = payload["serial"]
    task = await call.transact(_move, serial, "RUNNING")
    if task is None:
        return
    s3: Any = call.aws.s3
    stream = ""
    try:
        while (found := call.read(_stream, task, stream)) is not None:
            stream, stream_id = found
            after: Place | None = beside(Place(task.begin, 0, 0), -1)
            number = 0
            while after is not None:
                lines, after = call.read(_lines, task, stream_id, after)
                if lines:
                    key = f"{task.prefix}/{task.id}/{stream.replace('/', '-')}/{number:06d}.gz"
                    body = gzip.compress(b"".join(lines), GZIP_LEVEL, mtime=0)
                    await s3.put_object({"Bucket": task.bucket, "Key": key, "Body": body, "ACL": OWNED})
                    number += 1
                if await call.transact(_goes_on, serial) is None:
                    return
    except Fault as fault:
        await call.transact(_move, serial, "FAILED", fault.message)
        return
    await call.transact(_move, serial, "COMPLETED", "Completed successfully")


def _move(tx: Tx, serial: int, code: str, message: str = "") -> Export | None:
    """The task in its next state; None where it is over, or where it was cancelled and so ends now."""
    task = tx.get(EXPORTS, serial)
    if task is None or not task.active:
        return None
    cancelled = task.code == "PENDING_CANCEL"
    if cancelled:
        code, message = "CANCELLED", ""
    completed = 0 if code == "RUNNING" else int(tx.now * MILLISECONDS)
    task = msgspec.structs.replace(task, code=code, message=message, completed=completed)
    tx.put(EXPORTS, serial, value=task)
    return None if cancelled else task


def _goes_on(tx: Tx, serial: int) -> Export | None:
    return _move(tx, serial, "RUNNING")


def _stream(tx: Tx, task: Export, after: str) -> tuple[str, int] | None:
    """The next stream by name, with its number. A group that was deleted has none any more."""
    group = tx.get(GROUPS, task.group)
    if group is None or group.id != task.group_id:
        return None
    start = f"{after}\0" if after else task.streams
    for key, stream in tx.scan(STREAMS, group.id, start=(start,), limit=1):
        if str(key[1]).startswith(task.streams):
            return str(key[1]), stream.id
    return None


def _lines(tx: Tx, task: Export, stream: int, after: Place) -> tuple[list[bytes], Place | None]:
    """The lines of the next file, and the last place that is in it; None when the stream is at its end."""
    group = tx.get(GROUPS, task.group)
    oldest = cutoff(tx, task.group, group) if group is not None else 0
    lines: list[bytes] = []
    size = 0
    for place, chunk in forwards(tx, task.group_id, max(after, beside(Place(oldest, 0, 0), -1)), task.end + 1, (stream,)):
        line = f"{iso(place.time)} {chunk.messages[place.number]}\n".encode("utf-8", "surrogatepass")
        lines.append(line)
        size += len(line)
        if size >= FILE_BYTES_MAX:
            return lines, place
    return lines, None
