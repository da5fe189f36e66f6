"""Two servers of one region behind a balancer, as a load balancer would stand before them: each connection goes to the other server.

The servers are processes over one PostgreSQL and one folder of bytes. boto3's clients open a connection for each request, so that their
requests alternate as well; to everybody else the balancer is the region.
"""

from __future__ import annotations

import asyncio
import tarfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tests.app.kit import up
from tests.postgres import Server
from windtunnel import LocalRegion
from windtunnel.app.local import Clients
from windtunnel.app.remote import Remote
from windtunnel.fabric.peers import CLOCK
from windtunnel.fabric.snapshot import BLOBS_NAME, STORE_NAME
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.store.snapshots import write_rows


class Balancer:
    """Hands each connection to the next of several ports that accepts it; a thread of its own."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._turns = count()
        self._loop = asyncio.new_event_loop()
        self.sides: set[Side] = set()
        self._joining: set[asyncio.Task[None]] = set()
        self._server = self._loop.run_until_complete(self._loop.create_server(lambda: Side(self), "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, name="balancer", daemon=True)
        self._thread.start()

    def join(self, client: Side) -> None:
        """Finds a server for a client."""
        task = self._loop.create_task(self._join(client))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, client: Side) -> None:
        turn = next(self._turns)
        for number in range(len(self._ports)):
            with suppress(OSError):
                port = self._ports[(turn + number) % len(self._ports)]
                await self._loop.create_connection(lambda: Side(self, client), "127.0.0.1", port)
                return
        client.transport.abort()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for task in self._joining:
            task.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)
        for _ in range(3):  # connections are made and lost a turn or two later
            for side in set(self.sides):
                side.transport.abort()
            await asyncio.sleep(0)


class Side(asyncio.Protocol):
    """The client's or the server's side of a connection: what comes from there, its end or its break included, goes to the other one."""

    transport: asyncio.Transport

    def __init__(self, balancer: Balancer, other: Side | None = None) -> None:
        self._balancer = balancer
        self._other = other
        self._over = False
        self._early: list[bytes] = []
        """What a client sent before a server was found: not every Python lets a protocol pause reading as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._balancer.sides.add(self)
        if self._other is None:
            self._balancer.join(self)
            return
        self._other._other = self
        if self._other.transport.is_closing():
            self.transport.abort()
            return
        self.transport.write(b"".join(self._other._early))
        if self._other._over:
            self.transport.write_eof()

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early.append(data)
        else:
            self._other.transport.write(data)

    def eof_received(self) -> bool:
        self._over = True
        if self._other is None:
            return True
        if self._there._over:
            self._there.transport.close()
            return False
        self._there.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        self._there.transport.pause_reading()

    def resume_writing(self) -> None:
        self._there.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._balancer.sides.discard(self)
        if self._other is not None:
            self._other.transport.abort() if exc else self._other.transport.close()

    @property
    def _there(self) -> Side:
        assert self._other is not None
        return self._other


class Balanced(LocalRegion):
    """As the region of a test's own process, of two servers; whoever asks may be answered by either."""

    def __init__(self, folder: Path, servers: list[str]) -> None:
        self._folder = folder
        self._servers = [Remote(server) for server in servers]
        self._balancer = Balancer([urlsplit(server).port or 0 for server in servers])
        self._clients = EachApart(self.endpoint)
        self._remote = Remote(self.endpoint)
        self._seen = [0 for _ in servers]

    @property
    def endpoint(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def port(self) -> int:
        return self._balancer.port

    @property
    def account(self) -> str:
        return self._remote.get("health")["account"]

    @property
    def now(self) -> float:
        return self._remote.get("clock")["now"]

    def rest(self) -> None:
        self.jump("0s")

    def calls(self) -> list[dict[str, Any]]:
        """Each server knows its own: those of the first come first."""
        lists = [server.get("calls", after=seen)["calls"] for server, seen in zip(self._servers, self._seen, strict=True)]
        return sorted((call for calls in lists for call in calls), key=lambda call: call["time"])

    def begin_anew(self) -> None:
        """A region that is loaded may have an earlier time than the one before; a reset lets time go on."""
        now = float(int(time.time()))
        fresh = self._folder / "fresh"
        write_rows(str(fresh), [(CLOCK.prefix("", ""), CLOCK.encode(Anchor(now, now, 0.0)))])
        with tarfile.open(fresh.with_suffix(".tar"), "w") as whole:
            whole.add(fresh, STORE_NAME)
            blobs = tarfile.TarInfo(BLOBS_NAME)
            blobs.type = tarfile.DIRTYPE
            whole.addfile(blobs, BytesIO())
        fresh.unlink()
        self.load(fresh.with_suffix(".tar"))
        self._seen = [next((call["serial"] for call in server.get("calls")["calls"][-1:]), 0) for server in self._servers]

    def close(self) -> None:
        self._clients.close()
        self._balancer.close()


class EachApart(Clients):
    """Clients of which each request has a connection of its own."""

    def _open(self) -> Any:
        made = self._session is None
        session = super()._open()
        if made:
            session.events.register("before-send", _closing)
        return session


def _closing(request: Any, **_: Any) -> None:
    request.headers["Connection"] = "close"


@contextmanager
def balanced(folder: Path, store: Server) -> Generator[Balanced]:
    """A region that two processes serve for as long as the `with` lasts."""
    store.empty()
    with ExitStack() as stack:
        words = ("--store", store.url, "--blobs", f"file://{folder}/bytes", "--clock", "still")
        servers = [stack.enter_context(up(folder / name, *words))[1] for name in ("one", "two")]
        region = Balanced(folder, servers)
        stack.callback(region.close)
        yield region
