"""TLS over a transport that has already been read from: the first bytes told that it is TLS, and no loop can be handed them back.

So the cryptography runs in memory (`ssl.MemoryBIO`) between the two, which also works the same on every event loop.
"""

import asyncio
import ssl
from typing import Any, cast

from .context import Context

_READ_BYTES = 262_144


class SecureTransport(asyncio.Transport, asyncio.Protocol):
    """Protocol of the plain transport below, and transport of the connection above."""

    def __init__(self, context: Context, tls: ssl.SSLContext, connection: asyncio.Protocol) -> None:
        super().__init__()
        self._context = context
        self._tls = tls
        self._connection = connection
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = tls.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._below: asyncio.Transport = cast(asyncio.Transport, None)
        self._open = False
        """The handshake is done and the connection above knows of us."""
        self._closing = False
        self._paused = False
        self._deadline = context.tick + context.limits.handshake_seconds_max

    # The protocol of the transport below.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._below = cast(asyncio.Transport, transport)
        self._context.add(self)

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            if not self._open:
                self._session.do_handshake()
                self._open = True
                self._context.remove(self)
                self._connection.connection_made(self)
            self._flush()
            if not self._paused:
                self._read()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:
            # An alert tells the client why, where there is one.
            self._flush()
            self._closing = True
            self._below.close()

    def _read(self) -> None:
        """Hand up at once what was decrypted: records are small, and requests are not cut as they are."""
        pieces: list[bytes] = []
        ended = False
        try:
            while piece := self._session.read(_READ_BYTES):
                pieces.append(piece)
            ended = True
        except ssl.SSLWantReadError:
            pass
        if pieces:
            self._connection.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if ended and not self.is_closing():
            self._on_end()

    def _on_end(self) -> None:
        if not self._connection.eof_received():
            self.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._context.remove(self)
        self._closing = True
        if self._open:
            self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._open:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        if self._open:
            self._connection.resume_writing()

    # The server's, until the handshake is done.

    def check(self, now: float) -> None:
        if now > self._deadline:
            self._below.abort()

    def shut(self) -> None:
        self._below.close()

    # The transport of the connection above.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing:
            self._session.write(data)
            self._flush()

    def writelines(self, list_of_data: Any) -> None:
        if not self._closing:
            for data in list_of_data:
                if data:
                    self._session.write(data)
            self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._below.is_closing():
            self._below.write(self._outgoing.read())

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        try:
            self._session.unwrap()
        except ssl.SSLError:
            # The client's own goodbye isn't waited for; ours is written by now.
            pass
        self._flush()
        self._below.close()

    def abort(self) -> None:
        self._closing = True
        self._below.abort()

    def is_closing(self) -> bool:
        return self._closing or self._below.is_closing()

    def pause_reading(self) -> None:
        self._paused = True
        self._below.pause_reading()

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._below.resume_reading()
            # Decrypted bytes may lie here; not now, for the connection above is in the middle of something.
            self._context.loop.call_soon(self.data_received, b"")

    def is_reading(self) -> bool:
        return not self._paused

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._below.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "sslcontext":
            return self._tls
        if name == "ssl_object":
            return self._session
        return self._below.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._connection

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._connection = cast(asyncio.Protocol, protocol)
