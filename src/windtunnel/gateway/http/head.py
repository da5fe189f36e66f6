"""Reads the head of a request, strictly: what two servers might read differently is refused, not guessed (request smuggling).

The connection cuts the head out of what arrives, so the parser never sees a body and one parser serves all connections.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

import httptools
import msgspec

from windtunnel.wire.message import Request

from .limits import Limits

NAMES_MAX = 2_000
_SCHEME = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_BARE_LF = re.compile(rb"(?<!\r)\n|\r[^\n]|\x00")
_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}
_VERSIONS = frozenset((b" HTTP/1.1", b" HTTP/1.0"))
_SINGULAR = frozenset(("host", "content-length", "transfer-encoding", "authorization", "content-type"))
_VISIBLE_ASCII = "".join(map(chr, range(33, 127)))


class Refusal(Exception):
    """The client broke HTTP or one of the limits: it is told `status` and the connection ends."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class Framing(msgspec.Struct, frozen=True, gc=False):
    """How a request is delimited, and how its connection goes on after it."""

    keep_alive: bool
    http_1_1: bool
    length: int = 0
    chunked: bool = False
    expects_continue: bool = False
    upgrades: bool = False


_PLAIN = Framing(keep_alive=True, http_1_1=True)


class _Names(dict[bytes, str]):
    """Header names as they came, to the same in lower case. Clients repeat theirs, so each is converted once."""

    def __missing__(self, name: bytes) -> str:
        if len(self) >= NAMES_MAX:
            self.clear()
        lower = self[name] = name.decode("latin-1").lower()
        return lower


class HeadParser:
    """Turns the bytes of a head into a `Request` and its `Framing`.

    The parser's callbacks are methods of a list and a dict, so that no Python runs for each header. That forgets repeated
    headers; the number of lines tells, and such a head is read again.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._names = _Names()
        self._sized: dict[str, Framing] = {}
        self._targets: list[bytes] = []
        self._fields: dict[bytes, bytes] = {}
        self._callbacks = _Callbacks(self._targets.append, self._fields.__setitem__)
        self._parser = httptools.HttpRequestParser(self._callbacks)

    def parse(self, head: bytes, source_ip: str, scheme: str) -> tuple[Request, Framing]:
        """Parse a head, blank line included. Raises `Refusal`."""
        line_end = head.find(b"\r\n")
        lines = head.count(b"\n") - 2
        limits = self._limits
        if line_end > limits.target_bytes_max or len(head) > limits.header_bytes_max or lines > limits.headers_max:
            self._check_sizes(head, line_end, lines)
        fields, targets = self._fields, self._targets
        fields.clear()
        targets.clear()
        method = self._feed(head)
        if len(targets) != 1:
            raise Refusal(400, "the request has no head")
        names = self._names
        headers = {names[name]: value.decode("latin-1").rstrip(" \t") for name, value in fields.items()}
        if len(headers) != lines:
            headers = self._repeated(head)
        target = targets[0].decode("latin-1")
        if target[0] != "/" or not target.isascii():
            target = _unusual_target(target, method, headers)
        path, _, query = target.partition("?")
        version = head[line_end - 9 : line_end]
        if version not in _VERSIONS:
            raise Refusal(505, "the versions known are HTTP/1.1 and HTTP/1.0")
        framing = self._framing(headers, version == b" HTTP/1.1")
        return Request(method, path, query, headers, b"", None, scheme, source_ip), framing

    def _feed(self, head: bytes) -> str:
        parser = self._parser
        try:
            parser.feed_data(head)
            method = parser.get_method()
        except httptools.HttpParserUpgrade:
            method = parser.get_method()
            if method == b"CONNECT":
                raise Refusal(405, "CONNECT is for proxies") from None
        except httptools.HttpParserInvalidMethodError as error:
            raise Refusal(501, str(error)) from None
        except httptools.HttpParserError as error:
            raise Refusal(400, str(error)) from None
        finally:
            # It may be waiting now for a body that it will not be shown, or for the end of the connection. A new one costs
            # less than finding out.
            self._parser = httptools.HttpRequestParser(self._callbacks)
        return _METHODS.get(method) or method.decode("latin-1")

    def _check_sizes(self, head: bytes, line_end: int, lines: int) -> None:
        limits = self._limits
        if line_end > limits.target_bytes_max:
            raise Refusal(414, "the request target is too long")
        if lines > limits.headers_max:
            raise Refusal(431, "there are too many headers")
        if len(head) > limits.head_bytes_max or max(map(len, head[line_end:].split(b"\r\n"))) > limits.header_bytes_max:
            raise Refusal(431, "the request head is too large")

    def _repeated(self, head: bytes) -> dict[str, str]:
        """Headers with repeated ones joined, which the order of a dict of the last ones can't tell."""
        fields: list[tuple[bytes, bytes]] = []
        try:
            httptools.HttpRequestParser(_Callbacks(_ignore, lambda name, value: fields.append((name, value)))).feed_data(head)
        except httptools.HttpParserUpgrade:
            pass
        headers: dict[str, str] = {}
        for name, value in fields:
            lower = self._names[name]
            text = value.decode("latin-1").rstrip(" \t")
            if lower not in headers:
                headers[lower] = text
            elif lower in _SINGULAR:
                raise Refusal(400, f"there is more than one {lower} header")
            else:
                headers[lower] += ("; " if lower == "cookie" else ",") + text
        return headers

    def _framing(self, headers: dict[str, str], http_1_1: bool) -> Framing:
        text = headers.get("content-length")
        if (
            http_1_1
            and "host" in headers
            and "connection" not in headers
            and "transfer-encoding" not in headers
            and "expect" not in headers
        ):
            return _PLAIN if text is None else self._sized.get(text) or self._framing_of_size(text)
        if http_1_1 and "host" not in headers:
            raise Refusal(400, "an HTTP/1.1 request needs a Host header")
        expect = headers.get("expect")
        if expect is not None and expect.lower() != "100-continue":
            raise Refusal(417, "the only expectation known is 100-continue")
        options = [option.strip() for option in headers.get("connection", "").lower().split(",")]
        return Framing(
            keep_alive="close" not in options if http_1_1 else "keep-alive" in options,
            http_1_1=http_1_1,
            length=0 if text is None else _length(text),
            chunked=_chunked(headers.get("transfer-encoding"), text, http_1_1),
            expects_continue=expect is not None and http_1_1,
            upgrades=http_1_1 and "upgrade" in options and headers.get("upgrade", "").lower() == "websocket",
        )

    def _framing_of_size(self, text: str) -> Framing:
        if len(self._sized) >= NAMES_MAX:
            self._sized.clear()
        framing = self._sized[text] = Framing(keep_alive=True, http_1_1=True, length=_length(text))
        return framing


class _Callbacks:
    __slots__ = ("on_header", "on_url")

    def __init__(self, on_url: Callable[[bytes], None], on_header: Callable[[bytes, bytes], None]) -> None:
        self.on_url = on_url
        self.on_header = on_header


def _ignore(target: bytes) -> None:
    pass


def check_partial(data: bytes, limits: Limits) -> None:
    """Refuse the beginning of a head that can't become a good one, so that its sender need not be waited for."""
    if len(data) > limits.head_bytes_max:
        raise Refusal(431, "the request head is too large")
    if _BARE_LF.search(data):
        raise Refusal(400, "a line of the head does not end with CR LF")


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refusal(400, "the Content-Length is not a number")
    return int(text)


def _chunked(coding: str | None, length_text: str | None, http_1_1: bool) -> bool:
    if coding is None:
        return False
    if length_text is not None:
        raise Refusal(400, "Content-Length and Transfer-Encoding exclude each other")
    if not http_1_1:
        raise Refusal(400, "HTTP/1.0 has no Transfer-Encoding")
    if coding.lower() != "chunked":
        raise Refusal(501, "the only transfer coding known is chunked")
    return True


def _unusual_target(target: str, method: str, headers: dict[str, str]) -> str:
    """A target in absolute form, as sent to proxies, names the host: it counts, not the header (RFC 9112, 3.2.2)."""
    if target == "*" and method == "OPTIONS":
        return target
    if target[0] != "/":
        match = _SCHEME.match(target)
        if not match:
            raise Refusal(400, "the request target is neither a path nor an URL")
        headers["host"] = match[1]
        target = target[match.end() :]
        target = target if target.startswith("/") else "/" + target
    return quote(target, safe=_VISIBLE_ASCII, encoding="latin-1")
