"""A region that serves: the cloud behind the gateway, on one port, in one event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from socket import socket

import apsw

from windtunnel import __version__
from windtunnel.app.boot import Storage, make_cloud
from windtunnel.app.lock import Lock
from windtunnel.app.problem import Problem
from windtunnel.app.settings import Job, Settings, endpoint_of
from windtunnel.gateway.admin import Admin
from windtunnel.gateway.cors import Cors
from windtunnel.gateway.front import Front
from windtunnel.gateway.http.server import Server, serve
from windtunnel.gateway.http.tls import NAMES, self_signed
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.store import StoreFull
from windtunnel.wire.message import Request

GRACE_SECONDS = 1.0
"""What still runs then is a long poll or a follower, whose client would wait for ever."""


class Region:
    """One region under way: `start` it in the event loop that is to serve it, then `close` it. Raises Problem where its folder is held.

    With a `job` it is one of several workers, for which another process holds the folder.
    """

    def __init__(self, settings: Settings, job: Job | None = None) -> None:
        self.settings = settings
        try:
            self._lock = None if job is not None else Lock(settings.data, shared=bool(settings.store))
        except OSError as error:
            raise Problem(f"Cannot keep a region's state in {settings.data}: {error.strerror or error}.") from error
        try:
            first = job.first if job is not None else not settings.store
            storage = Storage(settings.store, settings.blobs, shared=job is not None, first=first, durable=settings.durability == "fsync")
            endpoint = endpoint_of(settings.host, settings.port)
            self.cloud = make_cloud(settings.data, account=settings.account, seed=settings.seed, endpoint=endpoint, storage=storage)
        except ImportError as error:
            self._unlock()
            raise Problem(f"This needs {error.name}: pip install 'windtunnel[postgres,blobs]'.") from error
        except (OSError, ValueError, apsw.Error, StoreFull) as error:
            self._unlock()
            raise Problem(f"Cannot open the region's state in {settings.store or settings.data}: {error}.") from error
        self._server: Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None, "the region has not started"
        return self._server.port

    async def start(self, sockets: Sequence[socket] = ()) -> None:
        """Opens the port, or takes sockets that are bound already, and lets happen what is due."""
        cloud = self.cloud
        cloud.start()
        if pace := self.settings.clock:
            cloud.clock.run(0.0 if pace == "still" else 1.0 if pace == "real" else float(pace))
        front = Front(cloud, Admin(cloud, version=__version__))
        folder = self.settings.data
        self._server = await serve(
            Cors(front, lambda request: cloud.visits.host(request.host) is None and _permissive(request)),
            self.settings.host,
            self.settings.port,
            tls=lambda: self_signed(NAMES, cloud.clock.machine(), folder),
            now=cloud.clock.now,
            sockets=sockets,
        )
        cloud.endpoint = endpoint_of(self.settings.host, self._server.port)

    async def begin_anew(self, now: float) -> int:
        """Empties the region, its clock standing at `now`. Returns the serial number of the last call before."""
        before = self.cloud.calls.after(0)
        clock = self.cloud.clock
        clock.restore(Anchor(now, clock.machine(), 0.0))
        clock.changed(clock.anchor)
        await self.cloud.reset()
        return before[-1].serial if before else 0

    async def close(self) -> None:
        """Lets running requests finish for a moment, and writes what is pending."""
        if self._server is not None:
            await self._server.close(GRACE_SECONDS)
        await self.cloud.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()


async def started(settings: Settings) -> Region:
    """A region that serves. Raises Problem where it can't listen."""
    region = Region(settings)
    try:
        await region.start()
    except OSError as error:
        await region.close()
        raise Problem(f"Cannot listen at {settings.host}:{settings.port}: {error.strerror or error}.") from error
    return region


def _permissive(request: Request) -> bool:
    """Whether a browser may call from any page. A bucket's objects follow the bucket's own CORS rules."""
    headers = request.headers
    if request.path.startswith("/_windtunnel/") or "authorization" in headers or "x-amz-target" in headers:
        return True
    # Before it sends either, a browser asks whether it may: the question has only their names.
    asked = headers.get("access-control-request-headers", "").lower()
    return "authorization" in asked or "x-amz-target" in asked


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, or winloop's, which take half of the time that asyncio's own does; that where neither is installed."""
    try:
        return import_module("winloop" if sys.platform == "win32" else "uvloop").new_event_loop()
    except ImportError:
        return asyncio.new_event_loop()
