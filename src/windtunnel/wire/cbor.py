"""CBOR (RFC 8949), as far as AWS uses it: what data holds, and how values are written."""

import struct
from collections.abc import Callable
from math import isfinite
from typing import Any, Final

_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS: Final = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE: Final[dict[int, Any]] = {20: False, 21: True, 22: None, 23: None}
_BREAK: Final = object()
LIST: Final = 4
MAP: Final = 5
NULL: Final = 0xF6

Document = dict[str, Any] | list[Any] | str | bytes | float | bool | None
Write = Callable[[Any, bytearray], None]


class MalformedCbor(Exception):
    """The bytes are no CBOR, or end too early."""


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


def head(major: int, count: int) -> bytes:
    """What a value begins with: its kind, and how long or great it is."""
    if count < 24:
        return bytes((major << 5 | count,))
    for info, size in _SIZES.items():
        if count < 1 << (8 * size):
            return bytes((major << 5 | info,)) + count.to_bytes(size, "big")
    raise OverflowError(count)


def write_int(value: int, out: bytearray) -> None:
    out += head(0, value) if value >= 0 else head(1, -1 - value)


def write_text(value: str, out: bytearray) -> None:
    raw = value.encode()
    out += head(3, len(raw))
    out += raw


def write_blob(value: bytes | str, out: bytearray) -> None:
    raw = value.encode() if isinstance(value, str) else value
    out += head(2, len(raw))
    out += raw


def write_flag(value: bool, out: bytearray) -> None:
    out.append(0xF5 if value else 0xF4)


def write_double(value: float, out: bytearray) -> None:
    out += b"\xfb" + struct.pack(">d", value)


def write_single(value: float, out: bytearray) -> None:
    out += b"\xfa" + struct.pack(">f", value) if isfinite(value) else b"\xf9" + struct.pack(">e", value)


def write_time(value: float, out: bytearray) -> None:
    milli = round(value * 1000)
    out.append(0xC1)
    if milli % 1000 == 0:
        write_int(milli // 1000, out)
    else:
        write_double(milli / 1000, out)


def write_any(value: Document, out: bytearray) -> None:
    """A value without a shape: documents, and members of undocumented faults."""
    if value is None:
        out.append(NULL)
    elif isinstance(value, dict):
        out += head(MAP, len(value))
        for key, item in value.items():
            write_text(key, out)
            write_any(item, out)
    elif isinstance(value, list):
        out += head(LIST, len(value))
        for item in value:
            write_any(item, out)
    else:
        _BY_TYPE[type(value)](value, out)


_BY_TYPE: Final[dict[type, Write]] = {bool: write_flag, int: write_int, float: write_double, str: write_text, bytes: write_blob}
