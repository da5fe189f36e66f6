"""A table: a name, a record's type, and what is derived from its rows in the same transaction."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from functools import cached_property, lru_cache
from typing import Any, Generic, Literal, TypeVar

import msgspec

from windtunnel.kernel.store.keys import Key, Part, pack

Record = TypeVar("Record")
HOT_RECORDS_MAX = 2_048
_LIST_HEAD, _LIST = struct.Struct(">BI"), 0xDD
"""How MessagePack begins a list: its mark, and its length in four bytes."""
Scope = Literal["region", "account", "global"]
Derive = Callable[[Key, Any], Key | None]


class Table(Generic[Record]):
    """Rows of one record type under ordered keys.

    `scope` says what part of the caller's place goes before each key: account and region, the account, or nothing.
    `indexes` derive another key from a row (None: not in this index); the row is then found under it, in its order.
    `counters` derive the key of a counter that counts the rows. Both are kept in the transaction that writes the row.

    `hot` is for rows that every call reads (a queue, a key): the decoded record is remembered by its bytes, and the bytes of its key.
    """

    def __init__(
        self,
        name: str,
        record: type[Record],
        *,
        scope: Scope = "region",
        indexes: Mapping[str, Derive] | None = None,
        counters: Mapping[str, Derive] | None = None,
        hot: bool = False,
    ) -> None:
        self.name = name
        self.record = record
        self.scope: Scope = scope
        self.indexes = dict(indexes or {})
        self.counters = dict(counters or {})
        assert not self.indexes.keys() & self.counters.keys(), f"{name}: an index and a counter of one name would share their keys"
        self.derived = bool(self.indexes or self.counters)
        self.encode: Callable[[Record], bytes] = msgspec.msgpack.Encoder().encode
        decode = msgspec.msgpack.Decoder(record).decode
        self.decode: Callable[[bytes], Record] = lru_cache(HOT_RECORDS_MAX)(decode) if hot else decode
        self.hot = hot
        self.known_row: Callable[..., bytes] = lru_cache(HOT_RECORDS_MAX, typed=True)(self.row)
        """As `row`, and remembered."""
        self._prefixes: dict[tuple[str, str, str], bytes] = {}

    def __repr__(self) -> str:
        return f"Table({self.name!r})"

    @cached_property
    def _decode_list(self) -> Callable[[bytes], list[Record]]:
        return msgspec.msgpack.Decoder(list[self.record]).decode

    def decode_all(self, values: Collection[bytes]) -> list[Record]:
        """The records of many rows, as one list of MessagePack, which takes less time than a call for each."""
        return self._decode_list(_LIST_HEAD.pack(_LIST, len(values)) + b"".join(values))

    def row(self, account: str, region: str, *key: Part) -> bytes:
        """The bytes of a row's key in one account and region."""
        return self.prefix(account, region) + pack(key)

    def prefix(self, account: str, region: str, derived: str = "") -> bytes:
        """The bytes before the keys of this table (or of one of its indexes or counters) in one account and region."""
        place = (account, region, derived)
        found = self._prefixes.get(place)
        if found is None:
            name = f"{self.name}/{derived}" if derived else self.name
            scoped = {"region": (name, account, region), "account": (name, account), "global": (name,)}[self.scope]
            found = self._prefixes[place] = pack(scoped)
        return found
