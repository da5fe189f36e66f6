"""Request bodies: cut out of what arrives, by Content-Length or chunks, and either collected or streamed with back pressure."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Protocol, Self

from windtunnel.wire.message import Request

from .head import Refusal
from .limits import READ_AHEAD_BYTES, READ_AHEAD_RESUME_BYTES, Limits

_JOIN_BYTES_MAX = 16_384
"""Waiting pieces are joined where they are smaller than this on average: a step in Python costs more than copying these."""
_EXTENSION = rb"(?:;[\t\x20-\x7e\x80-\xff]*)?"
_FIRST_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})" + _EXTENSION + rb"\r\n")
_NEXT_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})" + _EXTENSION + rb"\r\n")
_FIRST_PART = re.compile(rb"[0-9A-Fa-f]{0,15}" + _EXTENSION + rb"\r?")
_NEXT_PART = re.compile(rb"(?:\r?|\r\n[0-9A-Fa-f]{0,15}" + _EXTENSION + rb"\r?)")
_TRAILER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_TRAILERS_REFUSED = frozenset(
    ("content-length", "transfer-encoding", "host", "authorization", "trailer", "te", "connection", "content-encoding", "content-type")
)
"""Trailers that would change how the head was already understood (RFC 9110, 6.5.1)."""


class Flow(Protocol):
    """What a body asks of its connection."""

    def pause_body(self) -> None: ...

    def resume_body(self) -> None: ...

    def proceed(self) -> None: ...


class RequestStream:
    """A body that is read while it arrives; the gateway's side of `BodyStream`. `trailers` is filled when it has ended."""

    __slots__ = ("_done", "_error", "_flow", "_paused", "_pieces", "_unread", "_waiter", "length", "trailers")

    def __init__(self, flow: Flow, length: int | None) -> None:
        self.length = length
        self.trailers: dict[str, str] = {}
        self._flow = flow
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._paused = False
        self._done = False
        self._error: str | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def paused(self) -> bool:
        return self._paused

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise ConnectionResetError(self._error)
            if self._done:
                raise StopAsyncIteration
            self._flow.proceed()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._take()

    def _take(self) -> bytes:
        pieces = self._pieces
        if len(pieces) > 1 and self._unread < _JOIN_BYTES_MAX * len(pieces):
            piece = b"".join(pieces)
            pieces.clear()
            self._unread = 0
        else:
            piece = pieces.popleft()
            self._unread -= len(piece)
        if self._paused and self._unread < READ_AHEAD_RESUME_BYTES:
            self._paused = False
            self._flow.resume_body()
        return piece

    def push(self, piece: bytes) -> None:
        if self._error is not None:
            return
        self._pieces.append(piece)
        self._unread += len(piece)
        if self._unread > READ_AHEAD_BYTES and not self._paused:
            self._paused = True
            self._flow.pause_body()
        self._wake()

    def finish(self, trailers: dict[str, str]) -> None:
        self.trailers.update(trailers)
        self._done = True
        self._wake()

    def fail(self, reason: str) -> None:
        """No more will come, and nobody shall read what is left: the client has gone, or was answered already."""
        if self._done or self._error is not None:
            return
        self._error = reason
        self._pieces.clear()
        self._unread = 0
        if self._paused:
            self._paused = False
            self._flow.resume_body()
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Chunks:
    """Takes the framing of a chunked body off. Refuses whatever is not exactly RFC 9112's grammar."""

    __slots__ = ("_limits", "_line", "_part", "_remaining", "_trailing", "complete", "trailers")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line = _FIRST_SIZE
        self._part = _FIRST_PART
        self._remaining = 0
        self._trailing = False
        self.complete = False
        self.trailers: dict[str, str] = {}

    def feed(self, data: bytes, position: int, push: Callable[[bytes], None]) -> int:
        """Push the pieces found in `data` from `position`; the position of what could not be used yet is returned."""
        end = len(data)
        while position < end:
            if self._remaining:
                stop = min(end, position + self._remaining)
                self._remaining -= stop - position
                push(data[position:stop])
                position = stop
                continue
            if self._trailing:
                return self._feed_trailers(data, position)
            match = self._line.match(data, position)
            if match is None:
                self._check_part(data, position)
                return position
            if match.end() - position > self._limits.chunk_line_bytes_max:
                raise Refusal(400, "the line of a chunk is too long")
            position = match.end()
            self._remaining = int(match[1], 16)
            self._line, self._part = _NEXT_SIZE, _NEXT_PART
            self._trailing = not self._remaining
        return position

    def _check_part(self, data: bytes, position: int) -> None:
        if len(data) - position > self._limits.chunk_line_bytes_max or not self._part.fullmatch(data, position):
            raise Refusal(400, "the size of a chunk is malformed")

    def _feed_trailers(self, data: bytes, position: int) -> int:
        if data.startswith(b"\r\n", position):
            self.complete = True
            return position + 2
        stop = data.find(b"\r\n\r\n", position)
        if (len(data) if stop < 0 else stop) - position > self._limits.trailer_bytes_max:
            raise Refusal(431, "the trailers are too large")
        if stop < 0:
            return position
        for line in data[position:stop].split(b"\r\n"):
            match = _TRAILER.fullmatch(line)
            if match is None:
                raise Refusal(400, "a trailer is malformed")
            name = match[1].decode("latin-1").lower()
            value = match[2].decode("latin-1").rstrip(" \t")
            if name not in _TRAILERS_REFUSED:
                self.trailers[name] = f"{self.trailers[name]},{value}" if name in self.trailers else value
        self.complete = True
        return stop + 4


class Incoming:
    """The body that a connection is reading now."""

    __slots__ = ("_chunks", "_limit", "_pieces", "_size", "complete", "remaining", "request", "stream", "take")

    def __init__(self, request: Request, length: int | None, stream: RequestStream | None, limits: Limits) -> None:
        self.request = request
        self.stream = stream
        self.remaining = length or 0
        self.complete = False
        self._chunks = Chunks(limits) if length is None else None
        self._limit = limits.body_bytes_max
        self._pieces: list[bytes] = []
        self._size = 0
        self.take = self._collect if stream is None else stream.push

    @property
    def length_left(self) -> int | None:
        """How many bytes are still to come; None where the client has not said."""
        return self.remaining if self._chunks is None else None

    def feed(self, data: bytes, position: int) -> int:
        if self._chunks is not None:
            position = self._chunks.feed(data, position, self.take)
            self.complete = self._chunks.complete
            return position
        stop = min(len(data), position + self.remaining)
        self.remaining -= stop - position
        if stop > position:
            self.take(data[position:stop])
        self.complete = not self.remaining
        return stop

    def _collect(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._limit:
            raise Refusal(413, "the body is too large")

    def finish(self) -> None:
        """Give the whole body, and its trailers, to the request."""
        trailers = self._chunks.trailers if self._chunks is not None else {}
        if self.stream is not None:
            self.stream.finish(trailers)
            return
        self.request.body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        for name, value in trailers.items():
            self.request.headers.setdefault(name, value)
