"""Values of botocore's shapes in CBOR: closures that write them, and that check what was read."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import Shape
from windtunnel.wire.cbor import (
    LIST,
    MAP,
    NULL,
    Write,
    head,
    write_any,
    write_blob,
    write_double,
    write_flag,
    write_int,
    write_single,
    write_text,
    write_time,
)
from windtunnel.wire.scalar import GREATEST, LEAST

Read = Callable[[Any], Any]


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
        return write_any if shape.is_document_type else _structure_writer(shape, memo, scalars)
    if kind == "list":
        inner = _writer(shape.member, memo, scalars)

        def write_list(value: list[Any], out: bytearray) -> None:
            out += head(LIST, len(value))
            for item in value:
                inner(item, out) if item is not None else out.append(NULL)

        return write_list
    if kind == "map":
        inner = _writer(shape.value, memo, scalars)

        def write_map(value: Mapping[str, Any], out: bytearray) -> None:
            out += head(MAP, len(value))
            for key, item in value.items():
                write_text(key, out)
                inner(item, out) if item is not None else out.append(NULL)

        return write_map
    return scalars.get(kind, write_text)


def _structure_writer(shape: Shape, memo: dict[str, Write], scalars: Mapping[str, Write]) -> Write:
    if shape.name in memo:
        return memo[shape.name]
    members: dict[str, tuple[bytes, Write]] = {}

    def write(value: Mapping[str, Any], out: bytearray) -> None:
        given = [(members[name], item) for name, item in value.items() if item is not None]
        out += head(MAP, len(given))
        for (name, inner), item in given:
            out += name
            inner(item, out)

    memo[shape.name] = write
    for name, member in shape.members.items():
        key = bytearray()
        write_text(member.serialization.get("name", name), key)
        members[name] = (bytes(key), _writer(member, memo, scalars))
    return write


_SCALARS: Final[dict[str, Write]] = {
    "integer": write_int,
    "long": write_int,
    "boolean": write_flag,
    "blob": write_blob,
    "timestamp": write_time,
    "float": write_single,
    "double": write_double,
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
