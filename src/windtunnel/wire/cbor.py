"""Smithy's RPC v2 protocol, which speaks CBOR, with a small reader and writer of CBOR's types as AWS uses them.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html and RFC 8949.
"""

import struct
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire import eventstream
from windtunnel.wire.json import fault_body, type_of
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response
from windtunnel.wire.scalar import GREATEST, LEAST

_MEDIA: Final = "application/cbor"
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS: Final = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE: Final[dict[int, Any]] = {20: False, 21: True, 22: None, 23: None}
_BREAK: Final = object()

Document = dict[str, Any] | list[Any] | str | bytes | float | bool | None
Write = Callable[[Any, bytearray], None]
Read = Callable[[Any], Any]


class MalformedCbor(Exception):
    """The bytes are no CBOR, or end too early."""


# ---------------------------------------------------------------- CBOR itself


def loads(data: bytes) -> Any:
    """The one value that the data holds; times (tag 1) as epoch seconds. Raises MalformedCbor."""
    try:
        value, end = _item(data, 0)
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise MalformedCbor from error
    if value is _BREAK or end != len(data):
        raise MalformedCbor
    return value


def _item(data: bytes, at: int) -> tuple[Any, int]:
    head = data[at]
    major, info = head >> 5, head & 31
    at += 1
    if major == 7:
        return _simple(data, at, info)
    if info < 24:
        count = info
    elif info in _SIZES:
        size = _SIZES[info]
        if at + size > len(data):
            raise MalformedCbor
        count = int.from_bytes(data[at : at + size], "big")
        at += size
    elif info == 31 and 2 <= major <= 5:
        return _indefinite(data, at, major)
    else:
        raise MalformedCbor
    if major == 0:
        return count, at
    if major == 1:
        return -1 - count, at
    if major <= 3:
        end = at + count
        if end > len(data):
            raise MalformedCbor
        return (data[at:end] if major == 2 else str(data[at:end], "utf-8")), end
    if major == 6:
        return _item(data, at)
    return _container(data, at, major, count)


def _container(data: bytes, at: int, major: int, count: int) -> tuple[Any, int]:
    if major == 4:
        items: list[Any] = []
        for _ in range(count):
            item, at = _item(data, at)
            items.append(item)
        return items, at
    entries: dict[Any, Any] = {}
    for _ in range(count):
        key, at = _item(data, at)
        entries[_key(key)], at = _item(data, at)
    return entries, at


def _indefinite(data: bytes, at: int, major: int) -> tuple[Any, int]:
    items: list[Any] = []
    while True:
        item, at = _item(data, at)
        if item is _BREAK:
            break
        items.append(item)
    if major == 4:
        return items, at
    if major == 5:
        if len(items) % 2:
            raise MalformedCbor
        return {_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}, at
    kind = bytes if major == 2 else str
    if not all(type(item) is kind for item in items):
        raise MalformedCbor
    return (b"" if major == 2 else "").join(items), at


def _key(value: Any) -> str:
    if type(value) is not str:
        raise MalformedCbor
    return value


def _simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info in _SIMPLE:
        return _SIMPLE[info], at
    if info == 31:
        return _BREAK, at
    if info not in _FLOATS:
        raise MalformedCbor
    form, size = _FLOATS[info]
    return struct.unpack_from(form, data, at)[0], at + size


def _head(major: int, count: int) -> bytes:
    if count < 24:
        return bytes((major << 5 | count,))
    for info, size in _SIZES.items():
        if count < 1 << (8 * size):
            return bytes((major << 5 | info,)) + count.to_bytes(size, "big")
    raise OverflowError(count)


def write_int(value: int, out: bytearray) -> None:
    """Writes a whole number."""
    out += _head(0, value) if value >= 0 else _head(1, -1 - value)


def _write_text(value: str, out: bytearray) -> None:
    raw = value.encode()
    out += _head(3, len(raw))
    out += raw


def _write_blob(value: bytes | str, out: bytearray) -> None:
    raw = value.encode() if isinstance(value, str) else value
    out += _head(2, len(raw))
    out += raw


def _write_flag(value: bool, out: bytearray) -> None:
    out.append(0xF5 if value else 0xF4)


def _write_double(value: float, out: bytearray) -> None:
    out += b"\xfb" + struct.pack(">d", value)


def _write_single(value: float, out: bytearray) -> None:
    out += b"\xfa" + struct.pack(">f", value) if isfinite(value) else b"\xf9" + struct.pack(">e", value)


def _write_time(value: float, out: bytearray) -> None:
    milli = round(value * 1000)
    out.append(0xC1)
    if milli % 1000 == 0:
        write_int(milli // 1000, out)
    else:
        _write_double(milli / 1000, out)


def _write_any(value: Document, out: bytearray) -> None:
    """A value without a shape: documents, and members of undocumented faults."""
    if value is None:
        out.append(0xF6)
    elif isinstance(value, dict):
        out += _head(5, len(value))
        for key, item in value.items():
            _write_text(key, out)
            _write_any(item, out)
    elif isinstance(value, list):
        out += _head(4, len(value))
        for item in value:
            _write_any(item, out)
    else:
        _BY_TYPE[type(value)](value, out)


_BY_TYPE: Final[dict[type, Write]] = {bool: _write_flag, int: write_int, float: _write_double, str: _write_text, bytes: _write_blob}


# ---------------------------------------------------------------- shapes


def writer(shape: Shape, scalars: Mapping[str, Write] | None = None) -> Callable[[Any], bytes]:
    """Compiles what writes a value of the shape; `scalars` says for some types how they are written otherwise."""
    write = _writer(shape, {}, _SCALARS | dict(scalars or {}))

    def dumps(value: Any) -> bytes:
        out = bytearray()
        write(value, out)
        return bytes(out)

    return dumps


def _writer(shape: Shape, memo: dict[str, Write], scalars: Mapping[str, Write]) -> Write:
    kind = shape.type_name
    if kind == "structure":
        return _write_any if shape.is_document_type else _structure_writer(shape, memo, scalars)
    if kind == "list":
        inner = _writer(shape.member, memo, scalars)

        def write_list(value: list[Any], out: bytearray) -> None:
            out += _head(4, len(value))
            for item in value:
                inner(item, out) if item is not None else out.append(0xF6)

        return write_list
    if kind == "map":
        inner = _writer(shape.value, memo, scalars)

        def write_map(value: Mapping[str, Any], out: bytearray) -> None:
            out += _head(5, len(value))
            for key, item in value.items():
                _write_text(key, out)
                inner(item, out) if item is not None else out.append(0xF6)

        return write_map
    return scalars.get(kind, _write_text)


def _structure_writer(shape: Shape, memo: dict[str, Write], scalars: Mapping[str, Write]) -> Write:
    if shape.name in memo:
        return memo[shape.name]
    members: dict[str, tuple[bytes, Write]] = {}

    def write(value: Mapping[str, Any], out: bytearray) -> None:
        given = [(members[name], item) for name, item in value.items() if item is not None]
        out += _head(5, len(given))
        for (name, inner), item in given:
            out += name
            inner(item, out)

    memo[shape.name] = write
    for name, member in shape.members.items():
        key = bytearray()
        _write_text(member.serialization.get("name", name), key)
        members[name] = (bytes(key), _writer(member, memo, scalars))
    return write


_SCALARS: Final[dict[str, Write]] = {
    "integer": write_int,
    "long": write_int,
    "boolean": _write_flag,
    "blob": _write_blob,
    "timestamp": _write_time,
    "float": _write_single,
    "double": _write_double,
}


def reader(shape: Shape, scalars: Mapping[str, Read] | None = None) -> Read:
    """Compiles what checks a decoded value and gives its members our names; `scalars` says for some types how they are read otherwise."""
    return _reader(shape, {}, scalars or {})


def _reader(shape: Shape, memo: dict[str, Read], scalars: Mapping[str, Read]) -> Read:
    kind = shape.type_name
    if kind == "structure":
        return _same if shape.is_document_type else _structure_reader(shape, memo, scalars)
    if kind == "list":
        inner = _reader(shape.member, memo, scalars)
        return lambda value: [inner(item) for item in typed(value, (list,)) if item is not None]
    if kind == "map":
        inner = _reader(shape.value, memo, scalars)
        return lambda value: {key: inner(item) for key, item in typed(value, (dict,)).items() if item is not None}
    types = _TYPES.get(kind, (str,))
    if kind in scalars:
        return scalars[kind]
    if kind in ("integer", "long"):
        return _whole
    return lambda value: typed(value, types)


def _structure_reader(shape: Shape, memo: dict[str, Read], scalars: Mapping[str, Read]) -> Read:
    if shape.name in memo:
        return memo[shape.name]
    members: dict[str, tuple[str, Read]] = {}

    def read(value: Any) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for wire, item in typed(value, (dict,)).items():
            found = members.get(wire)
            if found is not None and item is not None:
                out[found[0]] = found[1](item)
        return out

    memo[shape.name] = read
    for name, member in shape.members.items():
        members[member.serialization.get("name", name)] = (name, _reader(member, memo, scalars))
    return read


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "blob": (bytes,),
    "timestamp": (int, float),
    "float": (float, int),
    "double": (float, int),
}


def typed(value: Any, types: tuple[type, ...]) -> Any:
    """A decoded value that must be of one of these types."""
    if type(value) not in types:
        raise Fault("SerializationException", "Unexpected CBOR type", status=400)
    return value


def _whole(value: Any) -> int:
    """A whole number, of 64 bits at most, as AWS's are."""
    if type(value) is not int or not LEAST <= value <= GREATEST:
        raise Fault("SerializationException", "Unexpected CBOR type", status=400)
    return value


def _same(value: Any) -> Any:
    return value


# ---------------------------------------------------------------- the protocol


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation that is called over RPC v2."""
    shape = operation.input_shape
    return Codec(
        parse=_parser(operation),
        respond=_responder(operation),
        refuse=refuser(operation.service_model.service_name),
        streams_in=shape is not None and shape.event_stream_name is not None,
    )


def loaded(body: bytes) -> Any:
    """A body. Raises SerializationException where it isn't CBOR."""
    try:
        return loads(body)
    except MalformedCbor:
        raise Fault("SerializationException", status=400) from None


def _parser(operation: OperationModel) -> Callable[[Request, Match], dict[str, Any]]:
    shape = operation.input_shape
    if shape is None:
        return lambda request, match: {}
    stream = shape.event_stream_name
    if stream is not None:
        events = eventstream.reader(shape.members[stream], reader, loaded)
        return lambda request, match: {stream: events(request)}
    read = reader(shape)
    return lambda request, match: read(loaded(request.body)) if request.body else {}


def _headers(request_id: str, media: str) -> list[tuple[str, str]]:
    return [("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-RequestId", request_id), ("Content-Type", media)]


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape = operation.output_shape
    if shape is None:
        return lambda result, request_id: Response(200, _headers(request_id, _MEDIA), b"\xa0")
    write = writer(shape)
    stream = shape.event_stream_name
    if stream is None:
        return lambda result, request_id: Response(200, _headers(request_id, _MEDIA), write(result))
    events = eventstream.writer(shape.members[stream], writer, bytes, _MEDIA)

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        first = eventstream.initial_response(write({name: value for name, value in result.items() if name != stream}), _MEDIA)
        return Response(200, _headers(request_id, "application/vnd.amazon.eventstream"), events(result[stream], first))

    return respond


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults in RPC v2."""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        status = fault.status or model.status
        headers = [*_headers(request_id, _MEDIA), *fault.headers.items()]
        if model.query_error:
            headers.append(("x-amzn-query-error", f"{model.query_code};{'Sender' if status < 500 else 'Receiver'}"))
        return Response(status, headers, fault_bytes(service, fault))

    return refuse


def fault_bytes(service: str, fault: Fault) -> bytes:
    """A fault's body."""
    model = fault_of(service, fault.code)
    members = fault_body(fault, None) if model.shape is None else _fault_members(fault, model.shape)
    out = bytearray()
    _write_any(members | {"__type": type_of(service, model.code)}, out)
    return bytes(out)


def _fault_members(fault: Fault, shape: Shape) -> dict[str, Any]:
    message = next((name for name in shape.members if name.lower() == "message"), "message")
    known = {name: value for name, value in fault.members.items() if name in shape.members}
    return {message: fault.message} | loads(writer(shape)(known))
