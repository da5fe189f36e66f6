"""The seam between the gateway and what it serves: the application's side and the two handles it is given."""

from collections.abc import Callable, Sequence
from typing import Protocol

from windtunnel.wire.message import Request, Response

from .websocket import WebSocket


class Reply(Protocol):
    """How one request is answered: called exactly once, at once or later. It never blocks and never raises."""

    def __call__(self, response: Response, /) -> None: ...

    @property
    def closed(self) -> bool:
        """Whether the client has gone, so that an answer would reach nobody."""
        ...

    def on_close(self, callback: Callable[[], None], /) -> None:
        """Ask to be told when the client goes away before it was answered; a request that asked so is then given up, and
        need not be answered. A long poll asks; an operation that answers soon does not, and a client that has only
        half-closed its connection still gets the answer."""
        ...


class Upgrade(Protocol):
    """How a WebSocket handshake is answered: with one of the two, once, at once or later."""

    protocols: Sequence[str]
    """The subprotocols that the client offers."""

    def accept(self, *, protocol: str | None = None, headers: Sequence[tuple[str, str]] = ()) -> WebSocket: ...

    def refuse(self, response: Response, /) -> None: ...

    @property
    def closed(self) -> bool: ...

    def on_close(self, callback: Callable[[], None], /) -> None: ...


class App(Protocol):
    """What a listener serves. None of these may block or raise."""

    def streams(self, request: Request, /) -> bool:
        """Asked when the head of a request with a body is there: hand it over now with `request.stream`, or whole later?"""
        ...

    def handle(self, request: Request, reply: Reply, /) -> None: ...

    def websocket(self, request: Request, upgrade: Upgrade, /) -> None: ...
