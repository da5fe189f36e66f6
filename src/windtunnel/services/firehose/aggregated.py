"""Records that the Kinesis Producer Library has put several of into one: Firehose takes them apart.

Such a record is a mark, a message of protocol buffers, and the message's MD5.
https://docs.aws.amazon.com/streams/latest/dev/kinesis-kpl-concepts.html#kinesis-kpl-concepts-aggretation
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

MARK = b"\xf3\x89\x9a\xc2"
DIGEST_BYTES = 16
_VARINT, _BYTES = 0, 2
_RECORDS, _DATA = 3, 3
"""Fields: the records of a message, the data of a record."""


def parts(data: bytes) -> list[bytes]:
    """What is in a record: itself, unless it was put together."""
    message, digest = data[len(MARK) : -DIGEST_BYTES], data[-DIGEST_BYTES:]
    if not data.startswith(MARK) or hashlib.md5(message, usedforsecurity=False).digest() != digest:
        return [data]
    try:
        return [inner for number, record in _fields(message) if number == _RECORDS for field, inner in _fields(record) if field == _DATA]
    except (IndexError, ValueError):
        return [data]


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that hold bytes, by their numbers. Raises where it is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == _VARINT:
            _, at = _varint(message, at)
        elif key & 7 == _BYTES:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field ends too early")
            yield key >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError("no field of such a message")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
