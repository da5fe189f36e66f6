"""The way out of a connection: writes, the wait for a client that reads slowly, and the moment it has stopped reading."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from math import inf

from .limits import COPY_BYTES_MAX


class Outlet:
    """What bodies are sent through, around a transport."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, stall_seconds: float) -> None:
        self._transport = transport
        self._loop = loop
        self._stall_seconds = stall_seconds
        self._drained: asyncio.Future[None] | None = None
        self._deadline = inf
        self._progress = 0
        self.paused = False
        self.sends_file = False
        self.file_bytes_sent = 0
        self._gathered: list[bytes] = []
        self._large = False

    def gather(self, head: bytes, body: bytes = b"") -> None:
        """Takes what is to leave with the next `flush`, in one write."""
        if len(body) <= COPY_BYTES_MAX:
            self._gathered.append(head + body)
        else:
            self._gathered += (head, body)
            self._large = True

    def flush(self) -> None:
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, []
        large, self._large = self._large, False
        if self._transport.is_closing():
            return
        if large:
            self._transport.writelines(gathered)
        else:
            self._transport.write(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def write_lines(self, pieces: Iterable[bytes]) -> None:
        if not self._transport.is_closing():
            self._transport.writelines(pieces)

    async def drain(self) -> None:
        """Wait until the client has read enough of what was written. Raises `ConnectionResetError` when it has gone."""
        while self.paused:
            if self._transport.is_closing():
                raise ConnectionResetError("the client closed the connection")
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    @asynccontextmanager
    async def flushing(self) -> AsyncGenerator[None]:
        """Inside, `drain` waits until all is written, so that others may write to the socket behind the transport."""
        self._transport.set_write_buffer_limits(0)
        self.sends_file = True
        self._deadline = inf
        try:
            yield
        finally:
            self.sends_file = False
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()

    def plain_socket(self) -> socket.socket | None:
        """The socket, where bytes written to it are the bytes of the connection."""
        return self._transport.get_extra_info("socket") if self._transport.get_extra_info("sslcontext") is None else None

    def pause(self) -> None:
        self.paused = True
        self._deadline = inf

    def resume(self) -> None:
        self.paused = False
        self.wake()

    def wake(self) -> None:
        """Let those who wait look again: there is room, or the connection is lost."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def has_stalled(self, now: float) -> bool:
        """Whether a client that should read has taken nothing for too long; asked now and then."""
        if not self.paused and not self.sends_file:
            return False
        progress = self._transport.get_write_buffer_size() - self.file_bytes_sent
        if progress != self._progress or self._deadline == inf:
            self._progress = progress
            self._deadline = now + self._stall_seconds
        return now > self._deadline
