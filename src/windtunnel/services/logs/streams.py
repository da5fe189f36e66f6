"""Log streams: made, deleted, and listed by name or by their last events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs import life
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, check_stream_name, invalid, sequence_token
from windtunnel.services.logs.state import RECENT, STREAMS, Group, Stream, arn_of, find_group, find_stream, named_group

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

Listed = Iterator[tuple[tuple[Any, ...], Stream]]


def create_log_stream(tx: Tx, req: t.CreateLogStreamRequest) -> None:
    group = find_group(tx, req["logGroupName"])
    name = req["logStreamName"]
    check_stream_name(name)
    if tx.get(STREAMS, group.id, name) is not None:
        raise Fault("ResourceAlreadyExistsException", "The specified log stream already exists")
    tx.put(STREAMS, group.id, name, value=Stream(id=tx.serial(), created=int(tx.now * MILLISECONDS)))
    tx.put(RECENT, group.id, 0, name, value=True)


def delete_log_stream(tx: Tx, req: t.DeleteLogStreamRequest) -> None:
    group = find_group(tx, req["logGroupName"])
    name = req["logStreamName"]
    stream = find_stream(tx, group, name)
    if group.protected:
        raise Fault("ValidationException", "The log group has deletion protection enabled. Disable deletion protection to delete it.")
    tx.delete(STREAMS, group.id, name)
    tx.delete(RECENT, group.id, stream.last, name)
    life.abandon_stream(tx, stream)


def describe_log_streams(tx: Tx, req: t.DescribeLogStreamsRequest) -> t.DescribeLogStreamsResponse:
    group_name, group = named_group(tx, req)
    prefix, reverse = req.get("logStreamNamePrefix", ""), req.get("descending", False)
    place = _place(req.get("nextToken", ""))
    if req.get("orderBy", "LogStreamName") == "LastEventTime":
        if prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams = _by_time(tx, group, place, reverse=reverse)
    else:
        streams = _by_name(tx, group, prefix, place, reverse=reverse)
    page, token = pages.page(streams, req.get("limit", DESCRIBE_LIMIT), reverse=reverse)
    arn = arn_of(tx, group_name)
    described = [_described(arn, key[-1], stream) for key, stream in page]
    return {"logStreams": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def _place(token: str) -> tuple[Any, ...]:
    try:
        return pages.decode(token) if token else ()
    except ValueError as error:
        raise bad_token() from error


def _by_name(tx: Tx, group: Group, prefix: str, place: tuple[Any, ...], *, reverse: bool) -> Listed:
    if reverse:
        end = place or ((prefix + "\U0010ffff",) if prefix else None)
        found = tx.scan(STREAMS, group.id, start=(prefix,), end=end, reverse=True)
    else:
        found = tx.scan(STREAMS, group.id, start=place or (prefix,))
    for key, stream in found:
        name = str(key[1])
        if not name.startswith(prefix):
            return
        yield (name,), stream


def _by_time(tx: Tx, group: Group, place: tuple[Any, ...], *, reverse: bool) -> Listed:
    bounds: dict[str, Any] = {("end" if reverse else "start"): place} if place else {}
    for key, _ in tx.scan(RECENT, group.id, reverse=reverse, **bounds):
        stream = tx.get(STREAMS, group.id, key[2])
        assert stream is not None, "a stream by its time that isn't there by its name"
        yield key[1:], stream


def _described(group_arn: str, name: str, stream: Stream) -> dict[str, Any]:
    described: dict[str, Any] = {"logStreamName": name, "creationTime": stream.created}
    if stream.serial:
        described["firstEventTimestamp"] = stream.first
        described["lastEventTimestamp"] = stream.last
        described["lastIngestionTime"] = stream.ingested
        described["uploadSequenceToken"] = sequence_token(stream.serial)
    # Of streams it is always zero: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
    return {**described, "arn": f"{group_arn}:log-stream:{name}", "storedBytes": 0}
