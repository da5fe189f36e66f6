"""Reads the head of a request, strictly: what two servers might read differently is refused, not guessed (request smuggling).

The connection cuts the head out of what arrives, so the parser never sees a body and one parser serves all connections.
"""

import re
from urllib.parse import quote

import httptools
import msgspec

from windtunnel.wire.message import Request

from .limits import Limits

NAMES_MAX = 2_000
_SCHEME = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_BARE_LF = re.compile(rb"(?<!\r)\n|\r[^\n]|\x00")
_HTTP_1_1 = 49
"""The last digit of "HTTP/1.1"."""
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
    """Turns the bytes of a head into a `Request` and its `Framing`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._names = _Names()
        self._headers: dict[str, str] = {}
        self._target = b""
        self._parser = httptools.HttpRequestParser(self)

    def on_url(self, target: bytes) -> None:
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = self._names[name]
        headers = self._headers
        if lower in headers:
            separator = "; " if lower == "cookie" else ","
            headers[lower] += separator + value.decode("latin-1").strip(" \t")
        else:
            headers[lower] = value.decode("latin-1").rstrip(" \t")

    def parse(self, head: bytes, source_ip: str, scheme: str) -> tuple[Request, Framing]:
        """Parse a head, blank line included. Raises `Refusal`."""
        line_end = head.find(b"\r\n")
        self._check_sizes(head, line_end)
        headers: dict[str, str] = {}
        self._headers = headers
        self._target = b""
        method = self._feed(head)
        http_1_1 = head[line_end - 1] == _HTTP_1_1
        if not http_1_1 or "content-length" in headers or "transfer-encoding" in headers or "connection" in headers:
            # The parser now waits for a body that it will not be shown, or for the end of the connection.
            self._parser = httptools.HttpRequestParser(self)
        if not self._target:
            self._parser = httptools.HttpRequestParser(self)
            raise Refusal(400, "the request has no head")
        target = self._target.decode("latin-1")
        if target[:1] != "/":
            target = _origin_form(target, method, headers)
        elif not target.isascii():
            target = quote(target, safe=_VISIBLE_ASCII, encoding="latin-1")
        path, _, query = target.partition("?")
        framing = self._framing(headers, http_1_1)
        return Request(method, path, query, headers, b"", None, scheme, source_ip), framing

    def _feed(self, head: bytes) -> str:
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            method = self._parser.get_method()
            self._parser = httptools.HttpRequestParser(self)
            if method == b"CONNECT":
                raise Refusal(405, "CONNECT is for proxies") from None
            return method.decode("latin-1")
        except httptools.HttpParserInvalidMethodError as error:
            self._parser = httptools.HttpRequestParser(self)
            raise Refusal(501, str(error)) from None
        except httptools.HttpParserError as error:
            self._parser = httptools.HttpRequestParser(self)
            raise Refusal(400, str(error)) from None
        return self._parser.get_method().decode("latin-1")

    def _check_sizes(self, head: bytes, line_end: int) -> None:
        limits = self._limits
        if line_end > limits.target_bytes_max:
            raise Refusal(414, "the request target is too long")
        if len(head) > limits.header_bytes_max:
            if len(head) > limits.head_bytes_max:
                raise Refusal(431, "the request head is too large")
            if max(map(len, head[line_end:].split(b"\r\n"))) > limits.header_bytes_max:
                raise Refusal(431, "a header is too large")
        if head.count(b"\n") - 2 > limits.headers_max:
            raise Refusal(431, "there are too many headers")

    def _framing(self, headers: dict[str, str], http_1_1: bool) -> Framing:
        length_text = headers.get("content-length")
        coding = headers.get("transfer-encoding")
        connection = headers.get("connection")
        if http_1_1 and "host" not in headers:
            raise Refusal(400, "an HTTP/1.1 request needs a Host header")
        if "," in headers.get("host", ""):
            raise Refusal(400, "there is more than one Host header")
        expect = headers.get("expect")
        if expect is not None and expect.lower() != "100-continue":
            raise Refusal(417, "the only expectation known is 100-continue")
        if length_text is None and coding is None and connection is None and http_1_1 and expect is None:
            return _PLAIN
        options = [option.strip() for option in connection.lower().split(",")] if connection else ()
        return Framing(
            keep_alive="close" not in options if http_1_1 else "keep-alive" in options,
            http_1_1=http_1_1,
            length=_length(length_text),
            chunked=_chunked(coding, length_text, http_1_1),
            expects_continue=expect is not None and http_1_1,
            upgrades=http_1_1 and "upgrade" in options and headers.get("upgrade", "").lower() == "websocket",
        )


def check_partial(data: bytes, limits: Limits) -> None:
    """Refuse the beginning of a head that can't become a good one, so that its sender need not be waited for."""
    if len(data) > limits.head_bytes_max:
        raise Refusal(431, "the request head is too large")
    if _BARE_LF.search(data):
        raise Refusal(400, "a line of the head does not end with CR LF")


def _length(text: str | None) -> int:
    if text is None:
        return 0
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


def _origin_form(target: str, method: str, headers: dict[str, str]) -> str:
    """A target in absolute form, as sent to proxies, names the host: it counts, not the header (RFC 9112, 3.2.2)."""
    if target == "*" and method == "OPTIONS":
        return target
    match = _SCHEME.match(target)
    if not match:
        raise Refusal(400, "the request target is neither a path nor an URL")
    headers["host"] = match[1]
    rest = target[match.end() :]
    rest = rest if rest.startswith("/") else "/" + rest
    return rest if rest.isascii() else quote(rest, safe=_VISIBLE_ASCII, encoding="latin-1")
