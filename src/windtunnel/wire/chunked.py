"""Takes `aws-chunked` bodies apart: payloads that SDKs sign, or send a checksum after, while they are still reading them.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

import hashlib
import hmac
from collections.abc import AsyncIterator
from enum import Enum

from windtunnel.aws.errors import Fault
from windtunnel.wire.credential import HMAC, Credential
from windtunnel.wire.message import BodyStream, Request
from windtunnel.wire.sigfaults import s3_does_not_match
from windtunnel.wire.sigv4 import EMPTY_SHA256, payload_hash_of, signing_key

CHUNK_SIZE_MIN = 8192
"""Only the last chunk that has bytes may be smaller."""
LENGTH_DIGITS_MAX = 18
"""As of a Content-Length; the longest that a payload can be takes fewer."""
LINE_LENGTH_MAX = 16_384
"""Of a chunk's head or a trailer: an HTTP header's bound."""


class _At(Enum):
    HEAD = 0
    """Before a chunk's size."""
    BREAK = 1
    """Before the line break that ends a chunk's bytes."""
    TRAILERS = 2
    END = 3


class ChunkSigner:
    """Checks the chain of signatures: each covers its chunk and the signature before it."""

    __slots__ = ("_credential", "_key", "_previous", "_scope")

    def __init__(self, credential: Credential, secret: str) -> None:
        self._credential = credential
        self._key = signing_key(secret, credential.date, credential.region, credential.service)
        self._scope = f"{credential.timestamp}\n{credential.date}/{credential.region}/{credential.service}/aws4_request"
        self._previous = credential.signature

    def check_chunk(self, digest: str, given: str) -> None:
        """Raise unless the chunk with this SHA-256 has this signature."""
        self._check(f"AWS4-HMAC-SHA256-PAYLOAD\n{self._scope}\n{self._previous}\n{EMPTY_SHA256}\n{digest}", given)

    def check_trailers(self, digest: str, given: str) -> None:
        """Raise unless the trailers with this SHA-256 have this signature."""
        self._check(f"AWS4-HMAC-SHA256-TRAILER\n{self._scope}\n{self._previous}\n{digest}", given)

    def _check(self, text: str, given: str) -> None:
        expected = hmac.digest(self._key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise s3_does_not_match(self._credential, text)
        self._previous = given


class ChunkDecoder:
    """Fed with an encoded body piece by piece, gives the payload; `trailers` are complete after `finish`.

    The pieces of a signed chunk are given before the chunk's signature is known to be right, so that they need not be held:
    whoever stores them must be ready to throw them away when a later call raises.
    """

    def __init__(self, decoded_length: int, *, signer: ChunkSigner | None = None, trailer_names: frozenset[str] | None = None) -> None:
        self.trailers: dict[str, str] = {}
        self._signer = signer
        self._hash = hashlib.sha256()
        self._trailer_names = trailer_names
        self._missing = decoded_length
        self._state = _At.HEAD
        self._left = 0
        self._size = CHUNK_SIZE_MIN
        self._chunks = 0
        self._signature = ""
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The payload's bytes in `data`, without copying more than slices of it."""
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if self._signer is not None:
                    self._hash.update(piece)
                pieces.append(piece)
                continue
            stop = data.find(b"\r\n", at)
            if stop < 0:
                if end - at > LINE_LENGTH_MAX:
                    raise _incomplete()
                self._held = data[at:]
                break
            self._line(data[at:stop])
            at = stop + 2
        return pieces

    def finish(self) -> None:
        """Raise unless the body came to its end, and all that was promised came with it."""
        if self._state is not _At.END or self._missing:
            raise _incomplete()
        if self._trailer_names is not None and not self._trailer_names <= self.trailers.keys():
            raise _malformed_trailer()

    def _line(self, line: bytes) -> None:
        if self._state is _At.HEAD:
            self._head(line)
        elif self._state is _At.BREAK:
            if line:
                raise _incomplete()
            self._chunk_done()
            self._state = _At.HEAD
        elif self._state is _At.TRAILERS:
            self._trailer(line)
        else:
            raise _incomplete()

    def _head(self, line: bytes) -> None:
        text, _, extension = line.partition(b";")
        try:
            # int() also takes signs, underscores and spaces, which a size must not have.
            size = int(text, 16) if text.isalnum() else -1
        except ValueError:
            size = -1
        if size < 0:
            raise _incomplete()
        if self._signer is not None:
            name, _, value = extension.partition(b"=")
            if name != b"chunk-signature":
                raise _incomplete()
            self._signature = value.decode("latin-1")
        if size == 0:
            self._chunk_done()
            self._state = _At.TRAILERS
            return
        if self._size < CHUNK_SIZE_MIN:
            raise Fault(
                "InvalidChunkSizeError",
                "Only the last chunk is allowed to have a size less than 8192 bytes",
                status=403,
                Chunk=str(self._chunks),
                BadChunkSize=str(self._size),
            )
        if size > self._missing:
            raise _incomplete()
        self._missing -= size
        self._chunks += 1
        self._size = self._left = size
        self._state = _At.BREAK

    def _chunk_done(self) -> None:
        if self._signer is not None:
            self._signer.check_chunk(self._hash.hexdigest(), self._signature)
            self._hash = hashlib.sha256()

    def _trailer(self, line: bytes) -> None:
        if line:
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or self._trailer_names is None:
                raise _malformed_trailer()
            self.trailers[name.strip().lower()] = value.strip()
            return
        self._state = _At.END
        given = self.trailers.pop("x-amz-trailer-signature", None)
        if self._signer is not None and self._trailer_names is not None:
            if given is None:
                raise _malformed_trailer()
            text = "".join(f"{name}:{value}\n" for name, value in sorted(self.trailers.items()))
            self._signer.check_trailers(hashlib.sha256(text.encode("latin-1")).hexdigest(), given)


class ChunkedBody:
    """A `BodyStream` of the payload inside of an encoded stream. `trailers` are complete when it has been read to its end."""

    def __init__(self, stream: BodyStream, decoder: ChunkDecoder, length: int) -> None:
        self.length: int | None = length
        self._stream = stream
        self._decoder = decoder

    @property
    def trailers(self) -> dict[str, str]:
        """Names in lower case, as `x-amz-checksum-crc32`."""
        return self._decoder.trailers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._stream:
            for piece in self._decoder.feed(data):
                yield piece
        self._decoder.finish()


def decoder_of(request: Request, credential: Credential | None, secret: str | None) -> ChunkDecoder | None:
    """The decoder a request's payload needs, None where it isn't framed.

    Without a secret (an anonymous request, or keys that are not checked) signatures are read and not verified; nor are those
    of SigV4A.
    """
    kind = payload_hash_of(request, credential).kind
    if kind not in ("signed chunks", "signed chunks and trailer", "unsigned trailer"):
        return None
    signer = None
    if kind != "unsigned trailer" and credential is not None and secret is not None and credential.algorithm == HMAC:
        signer = ChunkSigner(credential, secret)
    names = None
    if kind != "signed chunks":
        text = request.headers.get("x-amz-trailer", "")
        names = frozenset(name.strip().lower() for name in text.split(",") if name.strip())
    return ChunkDecoder(decoded_length(request), signer=signer, trailer_names=names)


def decoded_length(request: Request) -> int:
    """How many bytes the payload has without its framing, which a framed request must tell."""
    text = request.headers.get("x-amz-decoded-content-length", "")
    if not text.isascii() or not text.isdigit() or len(text) > LENGTH_DIGITS_MAX:
        raise Fault("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)
    return int(text)


def body_of(request: Request, credential: Credential | None, secret: str | None) -> ChunkedBody | None:
    """The payload of a request with a framed `stream`, as a stream; None where it isn't framed."""
    decoder = decoder_of(request, credential, secret)
    if decoder is None or request.stream is None:
        return None
    return ChunkedBody(request.stream, decoder, decoded_length(request))


def decode(body: bytes, decoder: ChunkDecoder) -> bytes:
    """The payload of a body that is all there."""
    pieces = decoder.feed(body)
    decoder.finish()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _incomplete() -> Fault:
    return Fault("IncompleteBody", "The request body terminated unexpectedly", status=400)


def _malformed_trailer() -> Fault:
    return Fault(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        status=400,
    )
