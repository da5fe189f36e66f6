"""Writes the head of a response."""

import re
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

import msgspec

from windtunnel.wire.message import FileSlice, Response

from .exchange import Exchange

_FRAMING = frozenset(("content-length", "transfer-encoding", "connection", "keep-alive"))
_OWN = _FRAMING | {"date", "server"}
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_SWITCHING = 101
_BREAK = re.compile("[\r\n\0]")
NAMES_MAX = 2_000
_BODILESS = frozenset((_SWITCHING, 204, 304))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Sending(msgspec.Struct, frozen=True, gc=False):
    """How a response goes out: its head, and the framing of the body that follows."""

    head: bytes
    has_body: bool
    chunked: bool = False
    length: int | None = None
    keep_alive: bool = True


class _Beginnings(dict[str, str]):
    """Header names to what their lines begin with; "" for those that are looked at one by one. A region's are the same ever again."""

    def __missing__(self, name: str) -> str:
        if len(self) >= NAMES_MAX:
            self.clear()
        begins = self[name] = "" if name.lower() in _OWN or _BREAK.search(name) else f"{name}: "
        return begins


class HeadWriter:
    """Writes heads. `now` gives the seconds that Date shows; without it there is no Date."""

    def __init__(self, now: Callable[[], float] | None, server: str) -> None:
        self._now = now
        self._second = -1
        self._date = ""
        self._server = f"Server: {server}\r\n" if server else ""
        self._beginnings = _Beginnings()

    def write(self, response: Response, exchange: Exchange) -> Sending:
        status = response.status
        body = response.body
        given: dict[str, str] = {}
        lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"]
        beginnings = self._beginnings
        for name, value in response.headers:
            begins = beginnings[name]
            if begins and value.isprintable():
                lines.append(f"{begins}{value}\r\n")
                continue
            lower = name.lower()
            if lower in _OWN:
                given[lower] = value
            # A value taken from a request would otherwise write headers, or whole responses, of its own.
            if lower not in _FRAMING and not _BREAK.search(name) and not _BREAK.search(value):
                lines.append(f"{name}: {value}\r\n")
        if "date" not in given and self._now is not None:
            lines.append(self._date_line(self._now))
        if "server" not in given:
            lines.append(self._server)
        length = len(body) if type(body) is bytes else body.length if type(body) is FileSlice else None
        chunked, keep_alive = False, exchange.keep_alive
        has_body = not exchange.head_only and status not in _BODILESS
        if given:
            keep_alive = keep_alive and given.get("connection", "").lower() != "close"
            if "content-length" in given and (length is None or (exchange.head_only and not length)):
                length = int(given["content-length"])
        if length is None and has_body:
            chunked = exchange.http_1_1
            keep_alive = keep_alive and chunked
        if chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        elif length is not None and status not in _BODILESS:
            lines.append(f"Content-Length: {length}\r\n")
        if status == _SWITCHING:
            lines.append("Connection: Upgrade\r\n")
        elif not keep_alive:
            lines.append("Connection: close\r\n")
        elif not exchange.http_1_1:
            lines.append("Connection: keep-alive\r\n")
        lines.append("\r\n")
        return Sending(_encoded("".join(lines)), has_body, chunked, length, keep_alive)

    def _date_line(self, now: Callable[[], float]) -> str:
        second = int(now())
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._date


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
