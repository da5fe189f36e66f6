"""Checksums of a body: which one is to be kept, and whether those that came with it are right."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.checksums import ALGORITHMS, Checksum, checksum, is_checksum
from windtunnel.aws.digests import HEADERS, md5_of, wrong_checksum, wrong_md5
from windtunnel.fabric import Fault
from windtunnel.planes.blobs import Digest, DiskFull
from windtunnel.services.s3.rules import INLINE_BYTES_MAX

if TYPE_CHECKING:
    from windtunnel.fabric import Call

MEMBERS = {algorithm: f"Checksum{algorithm}" for algorithm in ALGORITHMS}
DEFAULT = "CRC64NVME"
BODY_READ_BYTES = 1024 * 1024


class Received(msgspec.Struct, frozen=True):
    """A body that was taken in: where its bytes are, and what they add up to."""

    size: int
    inline: bytes
    blob: str
    etag: str
    algorithm: str
    checksum: str
    kept: str = ""
    """The checksum that was asked for besides."""


class Md5:
    """An MD5 that runs with the others."""

    __slots__ = ("_hash", "update")

    def __init__(self) -> None:
        self._hash = hashlib.md5(usedforsecurity=False)
        self.update = self._hash.update

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def given_checksum(req: Mapping[str, Any]) -> tuple[str, str] | None:
    """(algorithm, value) of the checksum among a request's members; several are refused."""
    found = [(algorithm, req[member]) for algorithm, member in MEMBERS.items() if req.get(member)]
    if len(found) > 1:
        raise Fault("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    return found[0] if found else None


def unsupported() -> Fault:
    """In AWS's words, which were recorded when there were five."""
    return Fault(
        "InvalidRequest",
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types:"
        " [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    )


def algorithm_of(req: Mapping[str, Any]) -> str:
    """What ChecksumAlgorithm asks for; "" where it is left to S3."""
    name = (req.get("ChecksumAlgorithm") or "").upper()
    if name and name not in MEMBERS:
        raise unsupported()
    return name


async def receive(call: Call, req: Mapping[str, Any], *, keep: str = "") -> Received:
    """Takes in a request's body and holds it against the digests that came with it. A blob it wrote belongs to the caller.

    `keep` names a checksum that is wanted besides, whichever came; the body is then never kept inline.
    """
    given = given_checksum(req)
    algorithm = given[0] if given else algorithm_of(req) or keep or DEFAULT
    if given and not is_checksum(*given):
        raise Fault("InvalidRequest", f"Value for {HEADERS[algorithm]} header is invalid.")
    expected_md5 = None if req.get("ContentMD5") is None else md5_of(req["ContentMD5"])
    source: Any = req.get("Body", b"")
    try:
        received = await _taken_in(call, source, algorithm, keep)
    except ConnectionResetError:
        raise Fault("IncompleteBody", "The request body terminated unexpectedly") from None
    except DiskFull:
        raise Fault("InternalError", "There is no room left for the object's bytes.") from None
    try:
        if not isinstance(source, bytes) and hasattr(source, "check"):
            source.check()
        _check_md5(req, received, expected_md5)
        return await _checked(call, received, given, getattr(source, "trailers", None))
    except BaseException:
        if received.blob:
            call.blobs.delete(received.blob)
        raise


async def _taken_in(call: Call, source: Any, algorithm: str, keep: str) -> Received:
    # Before the first piece is read: from then on the stream would hash by itself.
    signed = () if isinstance(source, bytes) else _signed(source)
    body = source if isinstance(source, bytes) else await _small(source)
    md5, running = Md5(), checksum(algorithm)
    besides = checksum(keep) if keep not in ("", algorithm) else running
    if isinstance(body, bytes) and len(body) <= INLINE_BYTES_MAX and not keep:
        md5.update(body)
        running.update(body)
        for digest in signed:
            digest.update(body)
        size, inline, blob = len(body), body, ""
    else:
        digests = (md5, running) if besides is running else (md5, running, besides)
        stored = await call.blobs.write(body, digests=(*digests, *signed))
        size, inline, blob = stored.size, b"", stored.id
    return Received(size, inline, blob, md5.hexdigest(), algorithm, running.base64(), besides.base64())


def _check_md5(req: Mapping[str, Any], received: Received, md5: bytes | None) -> None:
    if md5 is not None and md5.hex() != received.etag:
        # The digest is told in base64 of a part, and in hexadecimal digits of an object.
        raise wrong_md5(b64encode(md5).decode() if "PartNumber" in req else md5.hex(), bytes.fromhex(received.etag))


async def _checked(call: Call, received: Received, given: tuple[str, str] | None, trailers: Mapping[str, str] | None) -> Received:
    if given is None and trailers:
        given = next(((name, trailers[header]) for name, header in HEADERS.items() if header in trailers), None)
        if given is not None and not is_checksum(*given):
            raise Fault("InvalidRequest", f"Value for {HEADERS[given[0]]} trailing header is invalid.")
    if given is None:
        return received
    if given[0] != received.algorithm:  # a trailer that nothing announced
        text = await computed(call, given[0], received.blob, received.inline)
        received = msgspec.structs.replace(received, algorithm=given[0], checksum=text)
    if given[1] != received.checksum:
        raise wrong_checksum(given[0])
    return received


def _signed(source: Any) -> tuple[Digest, ...]:
    """The digests of what the client signed, where the stream lets its reader feed them: several threads hash at once then."""
    return source.take_digests() if hasattr(source, "take_digests") else ()


async def _small(stream: AsyncIterable[bytes]) -> bytes | AsyncIterator[bytes]:
    """The whole of a short stream, or a stream that begins anew where it was."""
    head: list[bytes] = []
    size = 0
    pieces = aiter(stream)
    async for piece in pieces:
        head.append(piece)
        size += len(piece)
        if size > INLINE_BYTES_MAX:
            return _rest(head, pieces)
    return b"".join(head)


async def _rest(head: list[bytes], pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for piece in head:
        yield piece
    head.clear()
    async for piece in pieces:
        yield piece


async def computed(call: Call, algorithm: str, blob: str, inline: bytes) -> str:
    """A checksum of bytes that are stored already."""
    running: Checksum = checksum(algorithm)
    if not blob:
        running.update(inline)
        return running.base64()
    async for piece in call.blobs.iter(blob, piece=BODY_READ_BYTES):
        running.update(piece)
    return running.base64()


async def md5_of_blob(call: Call, blob: str, inline: bytes) -> str:
    """The MD5 of bytes that are stored already, in hexadecimal."""
    running = Md5()
    if not blob:
        running.update(inline)
        return running.hexdigest()
    async for piece in call.blobs.iter(blob, piece=BODY_READ_BYTES):
        running.update(piece)
    return running.hexdigest()
