"""Events in the order of their times, out of chunks that overlap: forwards and backwards, of a whole group or of some streams."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, heapreplace, merge

from windtunnel.fabric import Tx
from windtunnel.services.logs.rules import Place
from windtunnel.services.logs.state import CHUNKS, SPAN_MILLISECONDS, STREAM_CHUNKS, STREAMS, Chunk

Row = tuple[int, int, Chunk]
"""Time of the first event, serial, chunk."""
Found = tuple[Place, Chunk]

TIME_MAX = 1 << 62
"""Later than any event, and still a number of a key, whatever a request asks for."""


def forwards(tx: Tx, group: int, after: Place, end: int, streams: Sequence[int] | None = None) -> Iterator[Found]:
    """Events after a place (exclusive) and before the time `end`, oldest first."""
    waiting: list[tuple[int, int, int, Chunk]] = []
    for first, serial, chunk in _rows(tx, group, after.time, end, streams, reverse=False):
        # Whatever comes later begins at `first` or after it: what lies before it is in its final order.
        while waiting and waiting[0][0] < first:
            yield _next(waiting)
        number = bisect_left(chunk.times, after.time) if first <= after.time else 0
        while number < len(chunk.times) and (chunk.times[number], serial, number) <= after:
            number += 1
        if number < len(chunk.times):
            heappush(waiting, (chunk.times[number], serial, number, chunk))
    while waiting and waiting[0][0] < end:
        yield _next(waiting)


def backwards(tx: Tx, group: int, before: Place, start: int, streams: Sequence[int] | None = None) -> Iterator[Found]:
    """Events before a place (exclusive) and not before the time `start`, newest first."""
    waiting: list[tuple[int, int, int, Chunk]] = []
    for first, serial, chunk in _rows(tx, group, start, before.time + 1, streams, reverse=True):
        # Whatever comes later begins at `first` or before it, so it can't reach further than SPAN after it.
        while waiting and -waiting[0][0] > first + SPAN_MILLISECONDS:
            yield _previous(waiting)
        number = bisect_right(chunk.times, before.time) - 1
        while number >= 0 and (chunk.times[number], serial, number) >= before:
            number -= 1
        if number >= 0:
            heappush(waiting, (-chunk.times[number], -serial, -number, chunk))
    while waiting and -waiting[0][0] >= start:
        yield _previous(waiting)


def stands(tx: Tx, group: int, chunk: Chunk, known: dict[int, bool]) -> bool:
    """Whether the stream of a chunk is still there: rows of a deleted one go little by little."""
    standing = known.get(chunk.stream)
    if standing is None:
        stream = tx.get(STREAMS, group, chunk.name)
        standing = known[chunk.stream] = stream is not None and stream.id == chunk.stream
    return standing


def _next(waiting: list[tuple[int, int, int, Chunk]]) -> Found:
    time, serial, number, chunk = waiting[0]
    if number + 1 < len(chunk.times):
        heapreplace(waiting, (chunk.times[number + 1], serial, number + 1, chunk))
    else:
        heappop(waiting)
    return Place(time, serial, number), chunk


def _previous(waiting: list[tuple[int, int, int, Chunk]]) -> Found:
    time, serial, number, chunk = waiting[0]
    if number < 0:
        heapreplace(waiting, (-chunk.times[-number - 1], serial, number + 1, chunk))
    else:
        heappop(waiting)
    return Place(-time, -serial, -number), chunk


def _rows(tx: Tx, group: int, start: int, end: int, streams: Sequence[int] | None, *, reverse: bool) -> Iterator[Row]:
    """The chunks that can reach into a range of times, in the order of their first events."""
    first, end = (max(0, min(start, TIME_MAX) - SPAN_MILLISECONDS),), min(end, TIME_MAX)
    if streams is None:
        for key, chunk in tx.scan(CHUNKS, group, start=first, end=(end,), reverse=reverse):
            yield _number(key[1]), _number(key[2]), chunk
        return
    runs = [_places(tx, stream, first, end, reverse=reverse) for stream in streams]
    for time, serial in runs[0] if len(runs) == 1 else merge(*runs, reverse=reverse):
        chunk = tx.get(CHUNKS, group, time, serial)
        if chunk is not None:
            yield time, serial, chunk


def _places(tx: Tx, stream: int, start: tuple[int], end: int, *, reverse: bool) -> Iterator[tuple[int, int]]:
    for key, _ in tx.scan(STREAM_CHUNKS, stream, start=start, end=(end,), reverse=reverse):
        yield _number(key[1]), _number(key[2])


def _number(part: object) -> int:
    assert isinstance(part, int), "keys of chunks are numbers"
    return part
