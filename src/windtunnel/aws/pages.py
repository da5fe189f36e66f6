"""Pages of a listing: every service answers a limited number of items and an opaque token for the rest.

A token names a place in the store's key order and nothing else. So it needs no memory on our side, it survives a restart, and a
listing that changes between two pages neither repeats nor loses what was there all the time.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar
from zlib import crc32

import msgspec

Key = tuple[Any, ...]
R = TypeVar("R")

_CHECK_BYTES = 4
_decoder = msgspec.msgpack.Decoder(tuple[Any, ...])


def encode(key: Key) -> str:
    """The token for a key; the same key has the same token always."""
    packed = msgspec.msgpack.encode(key)
    # The checksum is no secret. It makes a token that was typed, cut or taken from elsewhere a refusal instead of an odd page.
    return urlsafe_b64encode(crc32(packed).to_bytes(_CHECK_BYTES) + packed).decode().rstrip("=")


def decode(token: str) -> Key:
    """The key that a token of ours names; ValueError for any other text."""
    try:
        sealed = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        packed = sealed[_CHECK_BYTES:]
        if crc32(packed).to_bytes(_CHECK_BYTES) != sealed[:_CHECK_BYTES]:
            raise ValueError("the token is not one of ours")
        key = _decoder.decode(packed)
    except (ValueError, msgspec.DecodeError) as error:
        raise ValueError("the token is not one of ours") from error
    if encode(key) != token:  # base64 decoders skip characters that they don't know
        raise ValueError("the token is not one of ours")
    return key


def page(items: Iterator[tuple[Key, R]], limit: int, *, reverse: bool = False) -> tuple[list[tuple[Key, R]], str | None]:
    """The first `limit` items and the token for the rest, None when there is no rest; takes one item more than it gives.

    The token holds the full key of the first item that was left over, to be the inclusive `start` of the next scan. A scan that
    runs backwards ends before an exclusive `end`: with `reverse` the token holds the key of the last item given.
    """
    assert limit >= 1, "a page without items would never end"
    taken = list(islice(items, limit + 1))
    if len(taken) <= limit:
        return taken, None
    rest = taken.pop()
    return taken, encode(taken[-1][0] if reverse else rest[0])
