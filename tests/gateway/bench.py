"""A cloud behind a front without any socket: what tests of the front ask, and how they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from windtunnel.app.boot import make_cloud
from windtunnel.fabric import Scope
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.scope import root
from windtunnel.gateway.admin import Admin
from windtunnel.gateway.front import Front
from windtunnel.kernel.clock import Anchor
from windtunnel.wire.message import Request, Response

SCOPE = Scope("000000000000", "us-east-1", root("000000000000"))


class Reply:
    """What a front answers one request with, and the client's way to leave."""

    def __init__(self) -> None:
        self.response: Response | None = None
        self.closed = False
        self._callbacks: list[Callable[[], None]] = []

    def __call__(self, response: Response, /) -> None:
        assert self.response is None, "answered twice"
        self.response = response

    def on_close(self, callback: Callable[[], None], /) -> None:
        self._callbacks.append(callback)
        if self.closed:
            callback()

    @property
    def may_be_left(self) -> bool:
        return bool(self._callbacks)

    def leave(self) -> None:
        self.closed = True
        for callback in self._callbacks:
            callback()

    @property
    def said(self) -> tuple[int, bytes]:
        assert self.response is not None, "not answered"
        assert isinstance(self.response.body, bytes)
        return self.response.status, self.response.body


class Bench:
    """A cloud behind a front, in the test's own loop."""

    def __init__(self, data: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.cloud: Cloud = make_cloud(data, seed=1, anchor=Anchor(1_767_225_600.0, 1_767_225_600.0, 0))
        self.front = Front(self.cloud, Admin(self.cloud, version=""))
        self.run(self._start())

    async def _start(self) -> None:
        self.cloud.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def ask(self, request: Request, *, leave: bool = False) -> Reply:
        """One request, until nothing is under way; `leave`: the client goes as soon as it has asked."""

        async def play() -> Reply:
            reply = Reply()
            self.front.handle(request, reply)
            if leave:
                reply.leave()
            await self.cloud.rest()
            return reply

        return self.run(play())

    def break_(self, operation: str, function: Callable[..., Any], *, plain: bool) -> None:
        """Puts a function with a bug in an operation's place."""
        handled = self.cloud.handled("sqs", operation)
        self.cloud.services._handled["sqs", operation] = msgspec.structs.replace(handled, function=function, plain=plain)

    def close(self) -> None:
        self.run(self.cloud.close())
        self.loop.close()


def call(operation: str, body: bytes = b"{}") -> Request:
    headers = {"host": "localhost", "x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
    return Request("POST", "/", "", headers, body)
