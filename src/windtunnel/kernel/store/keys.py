"""Tuples as bytes that sort as the tuples do: the idea that keys carry the truth rests on this encoding.

Each part is a tag and its bytes. Text and bytes end in NUL, a NUL inside is escaped as NUL 255; whole numbers carry their
length in the tag; floats are IEEE 754 with the sign folded in. Parts of one type sort as in Python, parts of different types
by tag: None, bytes, text, whole numbers, floats, booleans.
"""

from collections.abc import Iterable
from struct import Struct

Part = str | bytes | int | float | bool | None
Key = tuple[Part, ...]

_NONE = b"\x01"
_BYTES, _TEXT, _FLOAT = 0x02, 0x03, 0x21
_ZERO = 0x14
_FALSE, _TRUE = b"\x26", b"\x27"
_DOUBLE = Struct(">Q")
_AS_DOUBLE = Struct(">d")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1

INT_BYTES_MAX = 8
_POSITIVE = tuple(bytes((_ZERO + size,)) for size in range(INT_BYTES_MAX + 1))
AFTER = b"\xff"
"""Sorts after every part: `pack(prefix) + AFTER` ends the range of all keys that begin with the prefix."""


def pack(parts: Iterable[Part]) -> bytes:
    """The bytes of a tuple."""
    out = b""
    for part in parts:
        if isinstance(part, str):
            text = part.encode("utf-8", "surrogatepass")
            out += b"\x03" + (text.replace(b"\0", b"\0\xff") if b"\0" in text else text) + b"\0"
        elif type(part) is int and 0 < part <= _ALL:
            size = (part.bit_length() + 7) >> 3
            out += _POSITIVE[size] + part.to_bytes(size, "big")
        elif type(part) is float and part > 0:
            # The sign's bit alone differs between a number and its negative.
            out += b"\x21" + _AS_DOUBLE.pack(-part)
        else:
            out += _pack_other(part)
    return out


def _pack_other(part: Part) -> bytes:
    if part is None:
        return _NONE
    if isinstance(part, bool):
        return _TRUE if part else _FALSE
    if isinstance(part, float):
        (bits,) = _DOUBLE.unpack(_AS_DOUBLE.pack(part))
        return b"\x21" + _DOUBLE.pack(bits ^ _SIGN if bits < _SIGN else bits ^ _ALL)
    if isinstance(part, int):
        if part == 0:
            return b"\x14"
        size = (abs(part).bit_length() + 7) // 8
        assert size <= INT_BYTES_MAX, f"a key's number has at most {INT_BYTES_MAX} bytes"
        if part > 0:
            return bytes((_ZERO + size,)) + part.to_bytes(size, "big")
        return bytes((_ZERO - size,)) + (part + (1 << 8 * size) - 1).to_bytes(size, "big")
    assert isinstance(part, bytes), f"not a key's part: {part!r}"
    return b"\x02" + part.replace(b"\0", b"\0\xff") + b"\0"


def unpack(data: bytes, at: int = 0) -> Key:
    """The tuple whose bytes stand in `data` from `at` to its end."""
    end = len(data)
    if at < end and data[at] == _TEXT and data.find(0, at) == end - 1:
        return (data[at + 1 : -1].decode("utf-8", "surrogatepass"),)
    parts: list[Part] = []
    while at < end:
        tag = data[at]
        at += 1
        if tag in (_TEXT, _BYTES):
            stop = data.index(0, at)
            while data[stop + 1 : stop + 2] == AFTER:
                stop = data.index(0, stop + 2)
            raw = data[at:stop].replace(b"\0\xff", b"\0")
            parts.append(raw.decode("utf-8", "surrogatepass") if tag == _TEXT else raw)
            at = stop + 1
        elif tag == _FLOAT:
            (bits,) = _DOUBLE.unpack_from(data, at)
            parts.append(_AS_DOUBLE.unpack(_DOUBLE.pack(bits ^ _SIGN if bits & _SIGN else bits ^ _ALL))[0])
            at += 8
        elif _ZERO - INT_BYTES_MAX <= tag <= _ZERO + INT_BYTES_MAX:
            size = abs(tag - _ZERO)
            number = int.from_bytes(data[at : at + size], "big")
            parts.append(number if tag >= _ZERO else number - (1 << 8 * size) + 1)
            at += size
        else:
            parts.append(None if tag == _NONE[0] else tag == _TRUE[0])
    return tuple(parts)
