"""A real server on a free port and raw clients to it, in one event loop, for the gateway's tests."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import uvloop

from windtunnel.gateway.http.app import Reply, Upgrade
from windtunnel.gateway.http.limits import Limits
from windtunnel.gateway.http.server import Server, serve
from windtunnel.wire.message import Request, Response

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
ANSWER_SECONDS_MAX = 60
"""So that a test fails, and doesn't hang, where an answer never comes."""


class Application:
    """An application out of functions: `handle` gets request and reply, `wants` says which bodies are streamed."""

    def __init__(
        self,
        handle: Callable[[Request, Reply], None] | None = None,
        wants: Callable[[Request], bool] = lambda request: False,
        upgrade: Callable[[Request, Upgrade], None] | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self._handle = handle or (lambda request, reply: reply(Response(200, [], request.body)))
        self._upgrade = upgrade or (lambda request, upgrade: upgrade.refuse(Response(404, [])))
        self.streams = wants

    def handle(self, request: Request, reply: Reply, /) -> None:
        self.requests.append(request)
        self._handle(request, reply)

    def websocket(self, request: Request, upgrade: Upgrade, /) -> None:
        self.requests.append(request)
        self._upgrade(request, upgrade)


class Client:
    """A raw connection: bytes out, and bytes in as far as a test wants to look."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def takes(self, piece: bytes) -> bool:
        """Send a piece, and say whether there was room for it within a moment; it goes out in any case."""
        self.writer.write(piece)
        try:
            await asyncio.wait_for(self.writer.drain(), 0.3)
        except TimeoutError:
            return False
        return True

    async def until(self, end: bytes) -> bytes:
        return await _soon(self.reader.readuntil(end))

    async def exactly(self, count: int) -> bytes:
        return await _soon(self.reader.readexactly(count))

    async def rest(self) -> bytes:
        """All until the server closes."""
        return await _soon(self.reader.read())

    async def lost(self) -> None:
        """Wait for the end, be it a reset."""
        try:
            await self.rest()
        except ConnectionResetError:
            pass

    async def response(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        head = (await self.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        status = int(head[0].split(" ")[1])
        body = b""
        if head_only or status in {100, 101, 204, 304}:
            pass
        elif "content-length" in headers:
            body = await self.exactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            while size := int(await self.until(b"\r\n"), 16):
                body += (await self.exactly(size + 2))[:-2]
            await self.exactly(2)
        else:
            body = await self.rest()
        return status, headers, body

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.send(request)
        return await self.response()

    def reset(self) -> None:
        self.writer.transport.abort()


class House:
    """A running server, and clients that are closed with it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: list[Client] = []

    async def client(self, *, tls: ssl.SSLContext | None = None, receive_buffer_bytes: int | None = None) -> Client:
        if receive_buffer_bytes is None:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.server.port, ssl=tls, server_hostname="localhost" if tls else None
            )
        else:
            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            slow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(slow, ("127.0.0.1", self.server.port))
            reader, writer = await asyncio.open_connection(sock=slow, limit=1024)
        client = Client(reader, writer)
        self.clients.append(client)
        return client


Run = Callable[..., None]


def run_with(loop_name: str) -> Run:
    """`run(app, scenario, **settings)`: serve the application, play the scenario, stop; nothing may have gone wrong unseen."""

    def run(app: Any, scenario: Callable[[House], Coroutine[Any, Any, None]], limits: Limits | None = None, **settings: Any) -> None:
        failures: list[dict[str, Any]] = []

        async def play() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
            house = House(await serve(app, "127.0.0.1", 0, limits=limits, **settings))
            try:
                await _soon(scenario(house))
            finally:
                for client in house.clients:
                    client.reset()
                await house.server.close(0)

        with asyncio.Runner(loop_factory=LOOPS[loop_name]) as runner:
            runner.run(play())
        assert failures == []

    return run


async def _soon(awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaitable, ANSWER_SECONDS_MAX)


def get(path: str = "/", *headers: str, version: str = "1.1") -> bytes:
    lines = [f"GET {path} HTTP/{version}", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(body: bytes, *headers: str, path: str = "/") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
