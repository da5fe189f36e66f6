"""A response on its way from a function to whoever reads it, piece by piece, at the pace of the slower of the two."""

import asyncio
from collections import deque

AHEAD_BYTES = 1 << 20


class Stream:
    """An iterator over the pieces of one response. The function waits while its reader is too far behind.

    A reader that goes away (`close`) stops nothing: what comes from there on is thrown away
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html).
    """

    def __init__(self) -> None:
        self.content_type = ""
        self.size = 0
        """The bytes that came so far."""
        self.streamed = False
        """Whether the runtime hands over the response while it makes it, and not as a whole."""
        self._pieces: deque[bytes] = deque()
        self._behind = 0
        self._source: asyncio.ReadTransport | None = None
        self._paused = self._ended = self._closed = False
        self._changed = asyncio.Event()

    def begin(self, content_type: str, source: asyncio.ReadTransport) -> None:
        """The runtime has sent the head of a response that it streams."""
        self.content_type, self._source, self.streamed = content_type, source, True
        self._changed.set()

    def put(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._closed or not piece:
            return
        self._pieces.append(piece)
        self._behind += len(piece)
        self._changed.set()
        if self._behind > AHEAD_BYTES and self._source is not None and not self._paused:
            self._source.pause_reading()
            self._paused = True

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._changed.set()

    async def begun(self) -> None:
        """Returns once the response has begun or it is clear that none will."""
        while not (self.streamed or self._pieces or self._ended):
            await self._change()

    def close(self) -> None:
        """Nobody reads on."""
        self._closed = True
        self._pieces.clear()
        self._behind = 0
        self._resume()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._ended or self._closed:
                raise StopAsyncIteration
            await self._change()
        piece = self._pieces.popleft()
        self._behind -= len(piece)
        if self._behind <= AHEAD_BYTES:
            self._resume()
        return piece

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _resume(self) -> None:
        if self._paused and self._source is not None:
            self._paused = False
            if not self._source.is_closing():
                self._source.resume_reading()
