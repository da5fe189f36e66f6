"""What DynamoDB remembers, and under which keys.

An item lies under `(table, slot, hash[, range])`: the slot is a digest of the partition key, so that a scan goes through partitions in
the order that AWS has, and a segment of a parallel scan is one range. Numbers in keys are bytes that sort as the numbers do.

An index is a table of keys: `(table, index, slot, hash[, range], digest of the item's own key)` leads to the item's key. Sizes and counts
are numbers that are added to in the transaction of each write. `table` and `index` are numbers that are never given out again: the rows
of one that was deleted are out of sight at once and are removed in slices later.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Table


class Index(msgspec.Struct, frozen=True, omit_defaults=True):
    """A secondary index; a local one has the partition key of its table."""

    name: str
    number: int
    hash: str
    range: str = ""
    projection: str = "ALL"
    attributes: list[str] = []
    """Those that are projected beside the keys (INCLUDE)."""
    local: bool = False
    read: int = 0
    write: int = 0
    on_demand: dict[str, int] = {}
    warm: dict[str, int] = {}
    filling: bool = False
    """Whether items that were there before it are still being taken in."""


class Destination(msgspec.Struct, frozen=True):
    """Whether a Kinesis stream gets the changes (ACTIVE), and how precise the times in them are."""

    status: str
    precision: str = ""


class TableRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A table and its settings."""

    name: str
    number: int
    id: str
    created: float
    types: dict[str, str]
    """Attribute definitions: name -> S, N or B."""
    hash: str
    range: str = ""
    indexes: list[Index] = []
    on_demand: bool = False
    billing_changed: float = 0.0
    """When it was last made on-demand; 0 where it was never told."""
    read: int = 0
    write: int = 0
    decreases: int = 0
    increased: float = 0.0
    decreased: float = 0.0
    limits: dict[str, int] = {}
    """On-demand throughput."""
    warm: dict[str, int] = {}
    stream: int = 0
    """The number of the stream that is written; 0 where there is none."""
    view: str = ""
    label: str = ""
    """Of the last stream, which may be disabled by now."""
    protected: bool = False
    class_: str = ""
    key: str = ""
    """The ARN of the KMS key; "" is DynamoDB's own."""
    ttl: str = ""
    """The attribute that says when an item expires."""
    recovery: float = 0.0
    """Since when point-in-time recovery is on; 0: it is off."""
    recovery_days: int = 35
    destinations: dict[str, Destination] = {}
    """Kinesis streams that get the changes, by their ARN."""
    replicas: list[str] = []
    """Other regions that hold a copy."""
    restored: dict[str, Any] = {}
    """Of what it was made."""
    filling: bool = False
    """Whether it is still being restored or imported."""

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.hash, self.range) if self.range else (self.hash,)

    def index(self, name: str) -> Index | None:
        return next((index for index in self.indexes if index.name == name), None)


class Shard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stream and its one shard."""

    number: int
    table: str
    label: str
    view: str
    keys: list[str]
    created: float
    first: int
    """The sequence number it begins with."""
    last: int = 0
    """The one it ended with; 0 while it is open."""
    trimmed: int = 0
    """The last of those that are gone."""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One change of an item, as it stands in a stream; what the view leaves out is None."""

    at: float
    event: str
    keys: Item
    new: Item | None
    old: Item | None
    size: int
    id: str
    by: str = ""
    """The service that did it by itself."""


class Insight(msgspec.Struct, frozen=True):
    """Contributor Insights of a table, which its number tells from a later one of its name, or of an index."""

    table: int
    at: float
    mode: str
    enabled: bool


class Token(msgspec.Struct, frozen=True):
    """A transaction that was made under a client's token."""

    at: float
    digest: str
    result: dict[str, Any]


TABLES = Table("dynamodb.tables", TableRow, hot=True, counters={"all": lambda key, row: ()})
"""name -> TableRow"""
ITEMS: Table[Item] = Table("dynamodb.items", dict[str, Any])
"""(table, slot, hash[, range]) -> the item"""
INDEXED: Table[list[Any]] = Table("dynamodb.indexed", list[Any])
"""(table, index, slot, hash[, range], digest) -> the key of the item: slot, hash[, range]"""
NUMBERS = Table("dynamodb.numbers", int)
"""(table, index or 0, "items" | "bytes") -> how many"""
EXPIRING = Table("dynamodb.expiring", bool)
"""(table, when, slot, hash[, range]) of the items that expire"""
STREAMS = Table("dynamodb.streams", Shard)
"""(table's name, label) -> Shard; of the last day"""
CHANGES = Table("dynamodb.changes", Change)
"""(stream, sequence number) -> Change"""
TOKENS = Table("dynamodb.tokens", Token)
"""client request token -> Token"""
INSIGHTS = Table("dynamodb.insights", Insight)
"""(table's name, index or "") -> Insight"""
POLICIES = Table("dynamodb.policies", list[str])
"""ARN -> [policy, revision id]"""


@lru_cache(maxsize=1024)
def arn_of(region: str, account: str, name: str) -> str:
    """A table's ARN."""
    return f"arn:{partition_of(region)}:dynamodb:{region}:{account}:table/{name}"


def stream_arn(region: str, account: str, name: str, label: str) -> str:
    return f"{arn_of(region, account, name)}/stream/{label}"
