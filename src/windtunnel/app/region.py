"""A region that serves: the cloud behind the gateway, on one port, in one event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import uvloop

from windtunnel import __version__
from windtunnel.app.boot import make_cloud
from windtunnel.gateway.admin import Admin
from windtunnel.gateway.cors import Cors
from windtunnel.gateway.front import Front
from windtunnel.gateway.server import Server, serve
from windtunnel.gateway.tls import NAMES, self_signed
from windtunnel.wire.message import Request

PORT = 4566


class Settings(msgspec.Struct, frozen=True):
    """What `windtunnel up` can be told."""

    data: Path
    host: str = "127.0.0.1"
    port: int = PORT
    account: str = "000000000000"
    clock: str = "real"
    """"real", "still", or a rate such as "60"."""
    seed: int | None = None


class Region:
    """One region under way: `await Region.start(settings)`, then `close`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cloud = make_cloud(settings.data, account=settings.account, seed=settings.seed, endpoint=f"http://localhost:{settings.port}")
        self._server: Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None, "the region has not started"
        return self._server.port

    async def start(self) -> None:
        """Opens the port and lets happen what is due."""
        cloud = self.cloud
        cloud.start()
        if self.settings.clock != "real":
            cloud.clock.run(0.0 if self.settings.clock == "still" else float(self.settings.clock))
        front = Front(cloud, Admin(cloud, version=__version__))
        folder = self.settings.data
        self._server = await serve(
            Cors(front, _permissive),
            self.settings.host,
            self.settings.port,
            tls=lambda: self_signed(NAMES, cloud.clock.machine(), folder),
            now=cloud.clock.now,
        )
        cloud.endpoint = f"http://localhost:{self._server.port}"

    async def close(self) -> None:
        """Lets running requests finish for a moment, and writes what is pending."""
        if self._server is not None:
            await self._server.close()
        await self.cloud.close()


def _permissive(request: Request) -> bool:
    """Whether a browser may call from any page. A bucket's objects follow the bucket's own CORS rules."""
    return "x-amz-target" in request.headers or request.path.startswith("/_windtunnel/") or "authorization" in request.headers


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which is twice as fast as asyncio's own."""
    return uvloop.new_event_loop()
