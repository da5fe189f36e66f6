"""The opening handshake of a WebSocket (RFC 6455, 4.2): checked here, decided by the application."""

from collections.abc import Callable, Sequence

from windtunnel.wire.message import Request, Response

from .exchange import Exchange
from .websocket import WebSocket, accept_key, valid_key

Open = Callable[[Exchange, Response, str | None], WebSocket]
"""Answers with the response and makes the connection a WebSocket's, which speaks the subprotocol."""


def check_handshake(request: Request) -> Response | None:
    """The refusal of a handshake that this server can't follow; None where all is well."""
    headers = request.headers
    if request.method == "GET" and headers.get("sec-websocket-version") != "13":
        return Response(426, [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket"), ("Connection", "close")])
    if request.method != "GET" or not valid_key(headers.get("sec-websocket-key", "")):
        return Response(400, [("Content-Type", "text/plain"), ("Connection", "close")], b"this does not open a WebSocket\n")
    return None


class Handshake:
    """The application's handle on a handshake: `accept` or `refuse`, once."""

    def __init__(self, open: Open, exchange: Exchange, request: Request) -> None:
        self._open = open
        self._exchange = exchange
        self._key = request.headers["sec-websocket-key"]
        offered = request.headers.get("sec-websocket-protocol", "")
        self.protocols: Sequence[str] = [name.strip() for name in offered.split(",")] if offered else []

    @property
    def closed(self) -> bool:
        return self._exchange.closed

    def on_close(self, callback: Callable[[], None], /) -> None:
        self._exchange.on_close(callback)

    def accept(self, *, protocol: str | None = None, headers: Sequence[tuple[str, str]] = ()) -> WebSocket:
        given = [("Upgrade", "websocket"), ("Sec-WebSocket-Accept", accept_key(self._key)), *headers]
        if protocol is not None:
            given.append(("Sec-WebSocket-Protocol", protocol))
        return self._open(self._exchange, Response(101, given), protocol)

    def refuse(self, response: Response, /) -> None:
        self._exchange(response)
