"""An HTTP/1.1 client for what the region sends to URLs: small, bounded in time and size, and it keeps connections open.

One request at a time goes over a connection; a host has as many connections as requests are under way, and those that are idle are
used again. Redirects are not followed. Times are the machine's: whoever answers lives in the machine's time, not in the region's.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Collection, Mapping
from functools import cache
from hashlib import sha1
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec
from httptools import HttpParserError, HttpResponseParser

IDLE_SECONDS = 30.0
IDLE_CONNECTIONS_MAX = 8
"""Of one host."""
HEAD_BYTES_MAX = 65_536
BODY_BYTES_MAX = 1 << 20
CONNECT_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = frozenset("\r\n\0")

Place = tuple[str, str, int]
"""(scheme, host, port)"""


class HttpError(Exception):
    """No whole answer came. `code` is a word for why: ConnectionFailed, Untrusted, Timeout, BadResponse, ResponseTooLarge, BadRequest."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Answer(msgspec.Struct, frozen=True):
    """What a server answered. Names of headers are in lower case; of those that came twice the last one stands."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpClient:
    """Sends requests, each to its end or its failure; `close` ends all connections.

    `thumbprints` vouch for servers in place of the machine's authorities: SHA-1 digests, one of which a certificate that the server
    shows must have. Before Python 3.13 only its own certificate can be seen, not those that it sends along.
    """

    def __init__(self, *, verify: bool = True, thumbprints: Collection[str] = (), body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self._verify = verify and not thumbprints
        self._thumbprints = frozenset(thumbprint.lower() for thumbprint in thumbprints)
        self._body_bytes_max = body_bytes_max
        self._idle: dict[Place, deque[_Connection]] = {}
        self._open: set[_Connection] = set()

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, seconds: float) -> Answer:
        """The answer to one request. Raises HttpError when there is none within so many seconds of the machine's time."""
        parts, place = _place_of(url)
        head = _head(method, parts, place, headers, len(body))
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(place, head + body, head_only=method == "HEAD")
        except TimeoutError as error:
            raise HttpError("Timeout", f"{url} did not answer within {seconds:g} s") from error

    async def close(self) -> None:
        """Ends all connections, those under way included."""
        self._idle.clear()
        for connection in list(self._open):
            connection.abort()
            await connection.ended

    async def _exchange(self, place: Place, request: bytes, *, head_only: bool) -> Answer:
        connection = self._reuse(place)
        if connection is not None:
            try:
                return await self._over(connection, place, request, head_only=head_only)
            except _Stale:
                pass  # the server closed it while it was idle, before it saw the request
        connection = await self._connect(place)
        try:
            return await self._over(connection, place, request, head_only=head_only)
        except _Stale as error:
            raise HttpError("ConnectionFailed", f"{place[1]}:{place[2]} closed the connection without an answer") from error

    async def _over(self, connection: _Connection, place: Place, request: bytes, *, head_only: bool) -> Answer:
        whole = False
        try:
            answer = await connection.exchange(request, head_only=head_only)
            whole = True
        finally:
            if not whole:
                connection.abort()
        idle = self._idle.setdefault(place, deque())
        if connection.reusable and len(idle) < IDLE_CONNECTIONS_MAX:
            connection.rest()
            idle.append(connection)
        else:
            connection.abort()
        return answer

    def _reuse(self, place: Place) -> _Connection | None:
        idle = self._idle.get(place)
        while idle:
            connection = idle.pop()
            if connection.reusable:
                connection.wake()
                return connection
        return None

    async def _connect(self, place: Place) -> _Connection:
        scheme, host, port = place
        context = _context(self._verify) if scheme == "https" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                transport, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(self._open, self._body_bytes_max),
                    host,
                    port,
                    ssl=context,
                    server_hostname=host if context else None,
                )
        except TimeoutError as error:
            raise HttpError("ConnectionFailed", f"no connection to {host}:{port} within {CONNECT_SECONDS:g} s") from error
        except (OSError, ValueError) as error:
            raise HttpError("ConnectionFailed", f"no connection to {host}:{port}: {error}") from error
        if context and self._thumbprints and self._thumbprints.isdisjoint(_shown_by(transport)):
            connection.abort()
            raise HttpError("Untrusted", f"{host}:{port} shows no certificate with one of the thumbprints")
        return connection


class _Stale(Exception):
    """A connection ended before the first byte of an answer."""


class _Connection(asyncio.Protocol):
    """One connection; one exchange at a time. The methods named `on_…` are the parser's."""

    def __init__(self, among: set[_Connection], body_bytes_max: int) -> None:
        self._among = among
        self._body_bytes_max = body_bytes_max
        self._transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._done: asyncio.Future[Answer] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._head_only = False
        self._begin()
        self.reusable = True
        self.ended: asyncio.Future[None]

    def _begin(self) -> None:
        self._status, self._headers, self._body = 0, dict[str, str](), bytearray()
        self._head_bytes = 0
        self._heard = False

    async def exchange(self, request: bytes, *, head_only: bool) -> Answer:
        """Writes a request and waits for its answer."""
        if self._transport is None or self._transport.is_closing():
            raise _Stale
        self._begin()
        self._head_only = head_only
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._done
        finally:
            self._done = None

    def rest(self) -> None:
        """Is closed unless it is used again soon."""
        self._expiry = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.abort)

    def wake(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def abort(self) -> None:
        self.reusable = False
        self.wake()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports don't inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self.ended = asyncio.get_running_loop().create_future()
        self._among.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._among.discard(self)
        self.ended.set_result(None)
        self.reusable = False
        if self._done is None or self._done.done():
            return
        if not self._heard:
            self._done.set_exception(_Stale())
        elif self._status and exc is None and self._ends_with_connection():
            self._finish()
        else:
            self._fail("BadResponse", "the connection ended in the middle of an answer")

    def data_received(self, data: bytes) -> None:
        if self._done is None or self._done.done():
            self.abort()  # nothing was asked
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._fail("BadResponse", f"not an HTTP answer: {error}")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            self._fail("ResponseTooLarge", f"the answer's head is longer than {HEAD_BYTES_MAX} bytes")
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._head_only and self._done is not None and not self._done.done():
            # The parser waits for a body that answers to HEAD don't have.
            self.reusable = False
            self._finish()

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > self._body_bytes_max:
            self._fail("ResponseTooLarge", f"the answer is longer than {self._body_bytes_max} bytes")
        else:
            self._body += body

    def on_message_complete(self) -> None:
        if 100 <= self._status < 200:
            self._begin()  # an interim answer; the answer itself follows
            self._heard = True
            return
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._finish()

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self._headers and "chunked" not in self._headers.get("transfer-encoding", "").lower()

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(Answer(self._status, self._headers, bytes(self._body)))

    def _fail(self, code: str, message: str) -> None:
        self.reusable = False
        if self._done is not None and not self._done.done():
            self._done.set_exception(HttpError(code, message))


def _shown_by(transport: asyncio.Transport) -> set[str]:
    """The thumbprints of the certificates that a server shows."""
    secured: Any = transport.get_extra_info("ssl_object")
    chain = secured.get_unverified_chain() if hasattr(secured, "get_unverified_chain") else [secured.getpeercert(binary_form=True)]
    return {sha1(certificate, usedforsecurity=False).hexdigest() for certificate in chain}


@cache
def _context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _place_of(url: str) -> tuple[SplitResult, Place]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise HttpError("BadRequest", f"{url} is not a URL: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise HttpError("BadRequest", f"{url} is not a URL of http or https")
    return parts, (parts.scheme, parts.hostname, port or _PORTS[parts.scheme])


def _head(method: str, parts: SplitResult, place: Place, headers: Mapping[str, str], length: int) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = f"[{place[1]}]" if ":" in place[1] else place[1]
    lines = {"Host": host if place[2] == _PORTS[place[0]] else f"{host}:{place[2]}", **headers}
    if length or method in {"POST", "PUT"}:
        lines["Content-Length"] = str(length)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.setdefault("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    if any(_FORBIDDEN & set(value) for value in (target, *lines, *lines.values())) or " " in target:
        raise HttpError("BadRequest", f"{parts.geturl()} or a header has characters that a request can't carry")
    return text.encode()
