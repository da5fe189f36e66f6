"""A connection that has become a WebSocket's: the transport's protocol from then on, in place of the one that spoke HTTP."""

import asyncio

from .context import Context
from .outlet import Outlet
from .websocket import WebSocket


class Upgraded(asyncio.Protocol):
    """Carries one WebSocket, and asks a client that is silent for long whether it is still there."""

    def __init__(self, context: Context, transport: asyncio.Transport, outlet: Outlet, protocol: str | None) -> None:
        self.websocket = WebSocket(self, context.limits, protocol)
        self._context = context
        self._transport = transport
        self._outlet = outlet
        self._deadline = context.tick + context.limits.websocket_ping_seconds
        self._pinged = False
        """The client was silent for long and has been asked; anything that arrives is an answer."""
        self._goodbye = False
        """The closing handshake runs, which has a time of its own."""

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        self._pinged = False
        self.websocket.feed(data)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._context.remove(self)
        self._outlet.wake()
        self.websocket.lost()

    def pause_writing(self) -> None:
        self._outlet.pause()

    def resume_writing(self) -> None:
        self._outlet.resume()

    # What the WebSocket asks for.

    def write(self, data: bytes, /) -> None:
        self._outlet.write(data)

    async def drain(self) -> None:
        await self._outlet.drain()

    def pause_body(self) -> None:
        self._transport.pause_reading()

    def resume_body(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()
        self._set_deadline()

    def end_websocket(self, seconds: float) -> None:
        if seconds:
            self._goodbye = True
            self._deadline = self._context.tick + seconds
        else:
            self._transport.close()

    # Time, and the end.

    def _set_deadline(self) -> None:
        if not self._goodbye:
            self._deadline = self._context.tick + self._context.limits.websocket_ping_seconds

    def check(self, now: float) -> None:
        if self._outlet.has_stalled(now):
            self._transport.abort()
        elif now <= self._deadline:
            return
        elif self._pinged or self._goodbye:
            self._transport.abort()
        else:
            self._pinged = True
            self.websocket.ping()
            self._deadline = now + self._context.limits.websocket_pong_seconds_max

    def shut(self) -> None:
        self.websocket.close(1001, "the server is stopping")

    def abort(self) -> None:
        self._transport.abort()
