"""PutLogEvents: a batch is checked as a whole, what is too old or too new is left out, the rest becomes a chunk or a few."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.logs.anomalies import watching
from windtunnel.services.logs.events import intake, subscribed
from windtunnel.services.logs.filters import measured
from windtunnel.services.logs.retention import cutoff
from windtunnel.services.logs.rules import (
    AGE_MILLISECONDS_MAX,
    EVENT_OVERHEAD_BYTES,
    FUTURE_MILLISECONDS_MAX,
    MILLISECONDS,
    SPAN_MILLISECONDS_MAX,
    batch_size,
    byte_length,
    invalid,
    sequence_token,
)
from windtunnel.services.logs.state import (
    ACCOUNT_POLICIES,
    CHUNK_BYTES_MAX,
    CHUNK_EVENTS_MAX,
    CHUNKS,
    RECENT,
    SPAN_MILLISECONDS,
    STORED,
    STREAM_CHUNKS,
    STREAMS,
    Chunk,
    Group,
    Stream,
    find_group,
    find_stream,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

GIGABYTE = 1 << 30
USAGE = {
    "STANDARD": "DataProcessing-Bytes",
    "INFREQUENT_ACCESS": "DataProcessingIA-Bytes",
    "ESSENTIALS": "DataProcessingIA-Bytes",
    "DELIVERY": "VendedLog-Bytes",
}


def put_log_events(tx: Tx, req: t.PutLogEventsRequest) -> t.PutLogEventsResponse:
    events = req["logEvents"]
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    messages = [event["message"] for event in events]
    size = batch_size(messages)
    name, stream_name = req["logGroupName"], req["logStreamName"]
    group = find_group(tx, name)
    stream = find_stream(tx, group, stream_name)
    now = int(tx.now * MILLISECONDS)
    begin, end, rejected = _accepted(times, now, cutoff(tx, name, group))
    if begin < end and times[end - 1] - times[begin] > SPAN_MILLISECONDS_MAX:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    if rejected:
        times, messages = times[begin:end], messages[begin:end]
        size = sum(map(byte_length, messages)) + EVENT_OVERHEAD_BYTES * len(messages)
    serial = tx.serial()
    if times:
        ruled = tx.count(ACCOUNT_POLICIES, "all") > 0
        chunks = _chunks(stream.id, stream_name, now, size, times, messages)
        for raw in chunks:
            chunk = intake.taken_in(tx, name, group, raw) if group.policies or ruled else raw
            tx.put(CHUNKS, group.id, chunk.times[0], serial, value=chunk)
            tx.put(STREAM_CHUNKS, stream.id, chunk.times[0], serial, value=group.id)
            if group.subscriptions or ruled:
                subscribed.tell(tx, name, group, chunk, serial)
            if group.metric_filters:
                measured.measure(tx, name, group, chunk)
            measured.extract(tx, name, raw, ruled=ruled)
            if group.detectors:
                watching.leave(tx, group.id, chunk.times[0], serial)
            if group.tailed > tx.now:
                subscribed.leave(tx, group.id, chunk.times[0], serial)
            serial = tx.serial()
        _remember(tx, group, stream_name, stream, times, now, serial)
        tx.add(STORED, group.id, amount=size)
        tx.meter(USAGE.get(group.kind, USAGE["STANDARD"]), size / GIGABYTE, name)
    result: dict[str, Any] = {"nextSequenceToken": sequence_token(serial)}
    if rejected:
        result["rejectedLogEventsInfo"] = rejected
    return result  # pyright: ignore[reportReturnType]


def _accepted(times: list[int], now: int, cutoff: int) -> tuple[int, int, dict[str, int]]:
    """From where to where the events are taken, and what is said of the others."""
    oldest, newest = now - AGE_MILLISECONDS_MAX, now + FUTURE_MILLISECONDS_MAX
    begin, end = 0, len(times)
    rejected: dict[str, int] = {}
    if times[-1] > newest:
        rejected["tooNewLogEventStartIndex"] = end = bisect_right(times, newest)
    if times[0] < oldest:
        rejected["tooOldLogEventEndIndex"] = begin = bisect_left(times, oldest)
    if times[0] < cutoff and cutoff > oldest:
        rejected["expiredLogEventEndIndex"] = begin = bisect_left(times, cutoff)
    return begin, end, rejected


def _chunks(stream: int, name: str, now: int, size: int, times: list[int], messages: list[str]) -> list[Chunk]:
    """The batch as rows: one where its events are few and close together, as most are."""
    if times[-1] - times[0] <= SPAN_MILLISECONDS and len(times) <= CHUNK_EVENTS_MAX and size <= CHUNK_BYTES_MAX:
        return [Chunk(stream, name, now, size, times, messages)]
    chunks: list[Chunk] = []
    begin = bytes_so_far = 0
    for at, (time, message) in enumerate(zip(times, messages, strict=True)):
        one = byte_length(message) + EVENT_OVERHEAD_BYTES
        full = at - begin >= CHUNK_EVENTS_MAX or bytes_so_far + one > CHUNK_BYTES_MAX
        if at > begin and (full or time - times[begin] > SPAN_MILLISECONDS):
            chunks.append(Chunk(stream, name, now, bytes_so_far, times[begin:at], messages[begin:at]))
            begin, bytes_so_far = at, 0
        bytes_so_far += one
    chunks.append(Chunk(stream, name, now, bytes_so_far, times[begin:], messages[begin:]))
    return chunks


def _remember(tx: Tx, group: Group, name: str, stream: Stream, times: list[int], now: int, serial: int) -> None:
    first = min(stream.first, times[0]) if stream.first else times[0]
    last = max(stream.last, times[-1])
    tx.put(STREAMS, group.id, name, value=Stream(stream.id, stream.created, first, last, now, serial))
    if last != stream.last:
        tx.delete(RECENT, group.id, stream.last, name)
        tx.put(RECENT, group.id, last, name, value=True)
