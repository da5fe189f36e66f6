"""Event streams: a body of framed messages, each with typed headers, a payload and two checksums.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import Shape
from windtunnel.wire.message import Request

Header = bool | int | float | bytes | str
Headers = dict[str, Header]
Dumps = Callable[[Any], bytes]
Loads = Callable[[bytes], Any]
Compile = Callable[[Shape], Callable[[Any], Any]]

_OVERHEAD: Final = 16
_FIXED: Final = {2: ">b", 3: ">h", 4: ">i", 5: ">q"}


def frame(headers: Mapping[str, Header], payload: bytes) -> bytes:
    """One message. Floats among the headers are times, whole numbers 32 bits wide."""
    written = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", len(written) + len(payload) + _OVERHEAD, len(written))
    message = b"".join((prelude, struct.pack(">I", zlib.crc32(prelude)), written, payload))
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: Header) -> bytes:
    raw = name.encode()
    head = struct.pack(">B", len(raw)) + raw
    if isinstance(value, bool):
        return head + (b"\x00" if value else b"\x01")
    if isinstance(value, int):
        return head + (struct.pack(">Bi", 4, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", 5, value))
    if isinstance(value, float):
        return head + struct.pack(">Bq", 8, round(value * 1000))
    kind, content = (7, value.encode()) if isinstance(value, str) else (6, value)
    return head + struct.pack(">BH", kind, len(content)) + content


def unframe(data: bytes) -> tuple[Headers, bytes, int] | None:
    """The first message of the data: headers, payload, and how long it was; None where it isn't complete yet."""
    if len(data) < 12:
        return None
    total, header_length, checksum = struct.unpack_from(">III", data)
    if zlib.crc32(data[:8]) != checksum or total < header_length + _OVERHEAD:
        raise _broken("prelude")
    if len(data) < total:
        return None
    if zlib.crc32(data[: total - 4]) != struct.unpack_from(">I", data, total - 4)[0]:
        raise _broken("message")
    end = 12 + header_length
    return _headers(data[12:end]), data[end : total - 4], total


def _broken(part: str) -> Fault:
    return Fault("SerializationException", f"Event stream {part} checksum mismatch", status=400)


def _headers(data: bytes) -> Headers:
    found: Headers = {}
    at = 0
    while at < len(data):
        length = data[at]
        name = data[at + 1 : at + 1 + length].decode()
        kind = data[at + 1 + length]
        at += 2 + length
        if kind in {0, 1}:
            found[name] = kind == 0
        elif kind in _FIXED:
            found[name] = struct.unpack_from(_FIXED[kind], data, at)[0]
            at += struct.calcsize(_FIXED[kind])
        elif kind == 8:
            found[name] = struct.unpack_from(">q", data, at)[0] / 1000
            at += 8
        elif kind == 9:
            found[name] = data[at : at + 16]
            at += 16
        else:
            size = struct.unpack_from(">H", data, at)[0]
            content = data[at + 2 : at + 2 + size]
            found[name] = content.decode() if kind == 7 else content
            at += 2 + size
    return found


def initial_response(payload: bytes, media: str) -> bytes:
    """The frame with which RPC protocols send what stands beside the stream in a result."""
    return frame({":event-type": "initial-response", ":content-type": media, ":message-type": "event"}, payload)


def writer(
    shape: Shape, compile_encoder: Compile, dumps: Dumps, media: str
) -> Callable[[AsyncIterator[Mapping[str, Any]], bytes], AsyncIterator[bytes]]:
    """Compiles the serialiser of a stream's events; `{"Records": {…}}` is one event. A Fault ends the stream as its exception."""
    events = {name: _event_encoder(name, member, compile_encoder, dumps, media) for name, member in shape.members.items()}

    async def write(source: AsyncIterator[Mapping[str, Any]], first: bytes) -> AsyncGenerator[bytes]:
        if first:
            yield first
        try:
            async for event in source:
                for name, value in event.items():
                    yield events[name](value)
        except Fault as fault:
            yield _exception(shape, fault, dumps, compile_encoder, media)

    return lambda source, first: _Frames(source, write(source, first))


class _Frames:
    """The frames of a stream. What they are made from is let go of with them, also where nobody began to read."""

    def __init__(self, source: AsyncIterator[Mapping[str, Any]], frames: AsyncGenerator[bytes]) -> None:
        self._source, self._frames = source, frames

    def __aiter__(self) -> "_Frames":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._frames)

    async def aclose(self) -> None:
        await self._frames.aclose()
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


def _exception(shape: Shape, fault: Fault, dumps: Dumps, compile_encoder: Compile, media: str) -> bytes:
    known = next((name for name, member in shape.members.items() if fault.code in {name, member.name}), None)
    if known is None:
        return frame({":message-type": "error", ":error-code": fault.code, ":error-message": fault.message}, b"")
    member = shape.members[known]
    message = next((name for name in member.members if name.lower() == "message"), None)
    body = dict(fault.members) | ({message: fault.message} if message else {})
    headers: Headers = {":message-type": "exception", ":exception-type": known, ":content-type": media}
    return frame(headers, dumps(compile_encoder(member)(body)))


def _event_encoder(name: str, shape: Shape, compile_encoder: Compile, dumps: Dumps, media: str) -> Callable[[Mapping[str, Any]], bytes]:
    in_headers = [key for key, member in shape.members.items() if member.serialization.get("eventheader")]
    payload = next((key for key, member in shape.members.items() if member.serialization.get("eventpayload")), None)
    kind = shape.members[payload].type_name if payload else "structure"
    content_type = {"blob": "application/octet-stream", "string": "text/plain"}.get(kind, media)
    base: Headers = {":event-type": name, ":content-type": content_type, ":message-type": "event"}
    encode = compile_encoder(shape.members[payload] if payload and kind == "structure" else shape)

    def write(value: Mapping[str, Any]) -> bytes:
        headers = base | {key: value[key] for key in in_headers if value.get(key) is not None}
        if not shape.members:
            body = b""
        elif payload is None:
            body = dumps(encode({key: item for key, item in value.items() if key not in in_headers}))
        elif kind == "blob":
            body = value.get(payload) or b""
        elif kind == "string":
            body = (value.get(payload) or "").encode()
        else:
            body = dumps(encode(value.get(payload) or {}))
        return frame(headers, body)

    return write


def reader(shape: Shape, compile_decoder: Compile, loads: Loads) -> Callable[[Request], AsyncIterator[dict[str, Any]]]:
    """Compiles the parser of a request's event stream. Signed streams wrap each event in a frame with its signature."""
    events = {name: _event_decoder(name, member, compile_decoder, loads) for name, member in shape.members.items()}

    async def read(request: Request) -> AsyncIterator[dict[str, Any]]:
        async for headers, payload in _messages(request):
            decode = events.get(str(headers.get(":event-type", "")))
            if decode is not None:
                yield decode(headers, payload)

    return read


async def _messages(request: Request) -> AsyncIterator[tuple[Headers, bytes]]:
    pending = b""
    async for piece in _pieces(request):
        pending += piece
        while (found := unframe(pending)) is not None:
            headers, payload, length = found
            pending = pending[length:]
            if ":chunk-signature" in headers:
                inner = unframe(payload)
                if inner is None:
                    return
                headers, payload, _ = inner
            yield headers, payload


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    if request.stream is None:
        yield request.body
        return
    async for piece in request.stream:
        yield piece


def _event_decoder(name: str, shape: Shape, compile_decoder: Compile, loads: Loads) -> Callable[[Headers, bytes], dict[str, Any]]:
    in_headers = [key for key, member in shape.members.items() if member.serialization.get("eventheader")]
    payload = next((key for key, member in shape.members.items() if member.serialization.get("eventpayload")), None)
    kind = shape.members[payload].type_name if payload else "structure"
    decode = compile_decoder(shape.members[payload] if payload and kind == "structure" else shape)

    def read(headers: Headers, body: bytes) -> dict[str, Any]:
        value: dict[str, Any] = {key: headers[key] for key in in_headers if key in headers}
        if payload is None:
            value.update(decode(loads(body)) if body else {})
        elif kind == "blob":
            value[payload] = body
        elif kind == "string":
            value[payload] = body.decode()
        else:
            value[payload] = decode(loads(body))
        return {name: value}

    return read
