"""Opens a port and keeps its connections: how many, how long, and how they end. Any number of listeners may run in one process."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import cast

from .app import App
from .connection import Connection
from .context import Context
from .limits import Limits
from .secure import SecureTransport

Tls = ssl.SSLContext | Callable[[], ssl.SSLContext]
_TLS_HANDSHAKE = 0x16
_SWEEP_SECONDS_MAX = 1.0
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Door(asyncio.Protocol):
    """Looks at the first byte of a connection, which tells TLS from HTTP, and hands the connection on."""

    def __init__(self, context: Context, tls: Callable[[], ssl.SSLContext] | None) -> None:
        self._context = context
        self._tls = tls
        self._deadline = context.tick + context.limits.handshake_seconds_max
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        context = self._context
        if len(context.peers) >= context.limits.connections_max:
            self._transport.write(_FULL)
            self._transport.close()
        elif self._tls is None:
            self._hand_to(Connection(context, "http"))
        else:
            context.add(self)

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._context.remove(self)
        if self._tls is not None and data[0] == _TLS_HANDSHAKE:
            self._hand_to(SecureTransport(self._context, self._tls(), Connection(self._context, "https")))
        else:
            self._hand_to(Connection(self._context, "http"))
        cast(asyncio.Protocol, self._transport.get_protocol()).data_received(data)

    def _hand_to(self, protocol: asyncio.Protocol) -> None:
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._context.remove(self)

    def check(self, now: float) -> None:
        if now > self._deadline:
            self._transport.close()

    def shut(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class Server:
    """A listener that runs. `port` is the one it got where 0 was asked for."""

    def __init__(self, context: Context, listeners: list[asyncio.Server], port: int) -> None:
        self._context = context
        self._listeners = listeners
        self.port = port
        limits = context.limits
        shortest = min(limits.idle_seconds_max, limits.head_seconds_max, limits.body_stall_seconds_max, limits.linger_seconds)
        self._interval = min(_SWEEP_SECONDS_MAX, shortest / 4)
        self._sweeper = context.loop.call_later(self._interval, self._sweep)

    @property
    def connections(self) -> int:
        return len(self._context.peers)

    def _sweep(self) -> None:
        now = self._context.tick = self._context.loop.time()
        for peer in list(self._context.peers):
            peer.check(now)
        self._sweeper = self._context.loop.call_later(self._interval, self._sweep)

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Accept no more, let what runs finish for some time, then cut the rest off."""
        context = self._context
        context.closing = True
        for listener in self._listeners:
            listener.close()
        for peer in list(context.peers):
            peer.shut()
        if context.peers and grace_seconds > 0:
            try:
                await asyncio.wait_for(context.emptied.wait(), grace_seconds)
            except TimeoutError:
                pass
        for peer in list(context.peers):
            peer.abort()
        if context.peers:
            await context.emptied.wait()
        self._sweeper.cancel()


async def serve(
    app: App,
    host: str,
    port: int,
    *,
    tls: Tls | None = None,
    limits: Limits | None = None,
    now: Callable[[], float] | None = None,
    name: str = "windtunnel",
    reuse_port: bool = False,
    sockets: Sequence[socket.socket] = (),
) -> Server:
    """Serve `app` at every address of `host`, or on `sockets` that are bound already. `tls` is a context, or makes one at the first TLS
    client; TLS and plain HTTP share the port. `now` gives the epoch seconds for the Date header."""
    loop = asyncio.get_running_loop()
    context = Context(app, limits or Limits(), loop, now, name)
    listeners: list[asyncio.Server] = []
    make_tls = None if tls is None else functools.cache(lambda: tls if isinstance(tls, ssl.SSLContext) else tls())
    for bound in sockets:
        listeners.append(await loop.create_server(lambda: _Door(context, make_tls), sock=bound, backlog=1024))
        port = int(bound.getsockname()[1])
    if sockets:
        return Server(context, listeners, port)
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE) if host else []
    hosts = list(dict.fromkeys(str(address[4][0]) for address in addresses)) or [None]
    for address in hosts:
        # Port 0 takes any free port for the first address, and the same one for the others.
        listener = await loop.create_server(lambda: _Door(context, make_tls), address, port, backlog=1024, reuse_port=reuse_port or None)
        listeners.append(listener)
        port = port or int(listener.sockets[0].getsockname()[1])
    return Server(context, listeners, port)
