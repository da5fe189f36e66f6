"""What the gateway and the codecs hand each other: one HTTP request, one HTTP response."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import msgspec


class BodyStream(Protocol):
    """The body of a request that is read while it arrives.

    Iterating yields its pieces (bytes, never empty) in order and slows the sender down while nobody reads. Raises
    `ConnectionResetError` where the client went away before the end. `length` is the Content-Length, None when chunked.
    """

    length: int | None

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Request(msgspec.Struct, eq=False):
    """One HTTP request. `path` and `query` are raw (percent-encoded, query without "?"); header names are in lower case,
    values without space around them, repeated headers joined with ","."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    stream: BodyStream | None = None
    """Set instead of `body` where the operation reads its body while it arrives."""
    scheme: str = "http"
    source_ip: str = "127.0.0.1"

    @property
    def host(self) -> str:
        """The Host header, port included, "" when absent."""
        return self.headers.get("host", "")


class FileSlice(msgspec.Struct, frozen=True):
    """Bytes of a file on disk, sent without passing through Python. `length` in bytes, from `offset`."""

    path: Path
    offset: int
    length: int


class Response(msgspec.Struct, eq=False):
    """One HTTP response. The gateway adds Content-Length (unless given), Date, Server, Connection and, for an iterator,
    chunked framing; it leaves the body out for HEAD, 204 and 304."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | FileSlice | AsyncIterator[bytes] = b""
