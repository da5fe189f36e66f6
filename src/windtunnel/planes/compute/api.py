"""The Lambda Runtime API, one for each environment (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

Our own runtimes inherit a connected socket, so that nobody else can reach it and there is nothing to
connect; custom runtimes get a loopback port of their own.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable

import httptools
import msgspec

from windtunnel.planes.compute.records import RESPONSE_BYTES_MAX, STREAMED_BYTES_MAX, Invocation, Kind
from windtunnel.planes.compute.stream import Stream

PREFIX = b"/2018-06-01/runtime/"
ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
TOO_LARGE = "Response payload size exceeded maximum allowed payload size ({limit} bytes)."


class Report(msgspec.Struct, frozen=True):
    """What the runtime posted for an invocation, or for its init phase (`init-error`)."""

    kind: Kind
    payload: bytes
    error_type: str = ""
    peak_kb: int = 0
    content_type: str = ""
    last: bool = False
    """Whether the runtime ends after it."""


class Exchange:
    """One invocation on its way through the runtime. A `stream` gets the response as it comes, where the runtime streams it."""

    def __init__(self, invocation: Invocation, timeout: float, stream: Stream | None = None) -> None:
        self.invocation = invocation
        self.timeout = timeout
        self.stream = stream

    def head(self) -> bytes:
        """The response to `next`, up to its body."""
        given = self.invocation
        lines = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {given.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {given.deadline_ms}\r\nWindtunnel-Remaining-Ms: {self.timeout * 1000:.0f}\r\n"
        )
        for name, value in (
            ("Lambda-Runtime-Invoked-Function-Arn", given.arn),
            ("Lambda-Runtime-Trace-Id", given.trace_id),
            ("Lambda-Runtime-Client-Context", given.client_context),
            ("Lambda-Runtime-Cognito-Identity", given.cognito_identity),
            ("Lambda-Runtime-Aws-Tenant-Id", given.tenant_id),
        ):
            if value:
                lines += f"{name}: {value.replace(chr(13), ' ').replace(chr(10), ' ')}\r\n"
        return f"{lines}Content-Length: {len(given.payload)}\r\n\r\n".encode()


class RuntimeApi:
    """The region's side: hands the next invocation to whoever asks, and reports what comes back.

    `on_ready` is called when the runtime asks for work the first time, `on_report` for each report, `on_silence` when the last
    connection has ended.
    """

    def __init__(self, on_ready: Callable[[], None], on_report: Callable[[Report], None], on_silence: Callable[[], None]) -> None:
        self.on_ready = on_ready
        self.on_report = on_report
        self.on_silence = on_silence
        self.connections: set[Connection] = set()
        self._asking: Connection | None = None
        self._waiting: Exchange | None = None
        self.current: Exchange | None = None
        self.uid: int | None = None
        """The user that alone may connect to a loopback port, where each sandbox has its own."""

    def connection(self) -> "Connection":
        """A protocol for a new connection."""
        return Connection(self)

    def give(self, exchange: Exchange) -> None:
        """Hands over an invocation, at once if the runtime asks already."""
        self.current = exchange
        if self._asking is None:
            self._waiting = exchange
        else:
            self._asking.send(exchange.head() + exchange.invocation.payload)
            self._asking = None

    def ask(self, connection: "Connection") -> None:
        """The runtime is ready for an invocation."""
        self._asking = connection
        self.on_ready()
        if self._waiting is not None and self._asking is connection:
            exchange, self._waiting = self._waiting, None
            self.give(exchange)

    def is_asking(self, connection: "Connection") -> bool:
        """Whether this connection waits for an invocation."""
        return self._asking is connection

    def gone(self, connection: "Connection") -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if self._asking is connection:
            self._asking = None
        if not self.connections:
            self.on_silence()

    def is_current(self, request_id: str) -> bool:
        """Whether this is the invocation that runs."""
        return self.current is not None and self.current.invocation.request_id == request_id and self._waiting is None

    def report(self, report: Report) -> None:
        """Ends the invocation."""
        self.current = None
        self.on_report(report)

    def close(self) -> None:
        """Ends all connections."""
        for connection in list(self.connections):
            connection.transport.abort()


class Connection(asyncio.Protocol):
    """One HTTP connection of a runtime; requests may be sent one behind the other without waiting."""

    transport: asyncio.Transport

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._held = b""
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        if self._api.uid is not None and isinstance(peer, tuple) and _owner(peer[1]) != self._api.uid:  # pyright: ignore[reportUnknownArgumentType]
            transport.close()  # another sandbox, or a curious user of the machine
            return
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]  # uvloop's transports don't derive from asyncio's
        self._api.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._api.gone(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()
        # A runtime that asks for its next event in the same breath gets the receipt with that event: one system call
        # less on both sides, and the runtime isn't woken for nothing.
        if self._held and not self._api.is_asking(self):
            self.send(b"")

    def send(self, data: bytes) -> None:
        """Writes a whole response, behind those that were held back."""
        self.transport.write(self._held + data if self._held else data)
        self._held = b""

    def on_url(self, url: bytes) -> None:
        """httptools: the target, perhaps in parts."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer after the body."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """httptools: a streamed response is passed on from here."""
        current = self._api.current
        if current is None or current.stream is None or self._text(b"lambda-runtime-function-response-mode").lower() != "streaming":
            return
        if self._url.endswith(b"/response") and self._is_current(self._url):
            self._stream = current.stream
            self._stream.begin(self._text(b"content-type"), self.transport)

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of the body."""
        self._size += len(body)
        if self._stream is not None:
            if self._size <= STREAMED_BYTES_MAX:
                self._stream.put(body)
        elif self._size <= RESPONSE_BYTES_MAX:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        url, path = self._url, self._url.removeprefix(PREFIX)
        if url == path:
            self._refuse(404, "NotFound", "not found")
        elif path == b"invocation/next":
            self._reset()
            self._api.ask(self)
            return
        elif path == b"init/error":
            self._held += ACCEPTED
            self._api.report(self._report(Kind.INIT_ERROR))
        elif not self._is_current(url):
            self._refuse(400, "InvalidRequestID", "Invalid request ID")
        elif path.endswith(b"/response"):
            self._response()
        elif path.endswith(b"/error"):
            self._held += ACCEPTED
            self._api.report(self._report(Kind.ERROR))
        else:
            self._refuse(404, "NotFound", "not found")
        self._reset()

    def _response(self) -> None:
        failed = self._text(b"lambda-runtime-function-error-type")
        if failed:
            # A stream that fails midway says so in trailers: what was sent stays sent.
            self._body = [_decoded(self._headers.get(b"lambda-runtime-function-error-body", b""))]
            self._held += ACCEPTED
            self._api.report(self._report(Kind.ERROR))
        elif self._size > (limit := RESPONSE_BYTES_MAX if self._stream is None else STREAMED_BYTES_MAX):
            self._refuse(413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({limit} bytes).")
            shape = {"errorMessage": TOO_LARGE.format(limit=limit), "errorType": "Function.ResponseSizeTooLarge"}
            self._api.report(Report(Kind.ERROR, msgspec.json.encode(shape), "Function.ResponseSizeTooLarge", self._peak()))
        else:
            self._held += ACCEPTED
            self._api.report(Report(Kind.OK, self._payload(), "", self._peak(), self._text(b"content-type")))

    def _report(self, kind: Kind) -> Report:
        payload = self._payload()
        error_type = self._text(b"lambda-runtime-function-error-type")
        if not error_type:
            try:
                error_type = str(msgspec.json.decode(payload, type=dict[str, object]).get("errorType", ""))
            except msgspec.MsgspecError:
                error_type = ""
        return Report(kind, payload, error_type, self._peak(), last=b"windtunnel-last" in self._headers)

    def _is_current(self, url: bytes) -> bool:
        parts = url.removeprefix(PREFIX).split(b"/")
        return len(parts) == 3 and parts[0] == b"invocation" and self._api.is_current(parts[1].decode("latin-1"))

    def _payload(self) -> bytes:
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    def _peak(self) -> int:
        given = self._headers.get(b"windtunnel-peak-kb", b"")
        return int(given) if given.isdigit() else 0

    def _text(self, name: bytes) -> str:
        return self._headers.get(name, b"").decode("latin-1")

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        body = msgspec.json.encode({"errorMessage": message, "errorType": error_type})
        self._held += f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return text


def _owner(port: int) -> int:
    """Which user holds the other end of a loopback connection, as the kernel tells it; -1 when it is gone.

    Sockets that speak both versions of IP, as those of Java and .NET do, stand in the table of the newer one.
    """
    for table, loopback in (("tcp", "0100007F"), ("tcp6", "0000000000000000FFFF00000100007F")):
        try:
            with open(f"/proc/net/{table}", encoding="ascii") as file:
                for line in file:
                    fields = line.split()
                    if fields[1] == f"{loopback}:{port:04X}" and fields[3] == "01":
                        return int(fields[7])
        except FileNotFoundError:
            pass  # a kernel without IPv6
    return -1
