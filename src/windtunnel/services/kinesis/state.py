"""What Kinesis Data Streams remembers, and under which keys: order, time and retention are ranges of keys.

A record lies under `(stream's id, shard, time, number)`: when it came, in milliseconds, and which of its shard's it is. A sequence number
says the same, so that an iterator of any kind is a place in one range, and what is older than the retention period lies before it,
whether it has been swept away yet or not.

Open shards are found by hash key in an index by the end of their ranges: the first that ends at a key or after it holds it.

TAILS has one row a shard for what each write needs: the place of its last record, and how much came in this second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import parse, partition_of
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.kinesis.rules import HOUR_SECONDS, MILLISECONDS, invalid, no_shard, no_stream, padded, shard_number

PROVISIONED, ON_DEMAND = "PROVISIONED", "ON_DEMAND"
WAIT = "WaitSeconds"
"""A member of GetRecords that no client can give: services that poll a stream wait so long for the next record."""


class Stream(msgspec.Struct, frozen=True, array_like=True):
    """A stream's settings."""

    id: int
    created: int
    """In whole seconds: consumers and listings tell streams of one name apart by it."""
    mode: str
    shards: int = 0
    """How many were ever made: the number of the next."""
    open: int = 0
    retention: int = 24
    trimmed: float = 0.0
    """What came before is gone, whatever the retention period has become since."""
    encryption: str = "NONE"
    key: str = ""
    metrics: list[str] = []
    record_kib: int = 1024
    warm: int | None = None
    distribution: str = "USER_PARTITION_KEY"
    scaled: list[float] = []
    """When its shard count was updated within the last day."""
    policy: str = ""

    def horizon(self, now: float) -> int:
        """The first millisecond that is still kept."""
        return int(max(self.trimmed, now - self.retention * HOUR_SECONDS) * MILLISECONDS)


class Shard(msgspec.Struct, frozen=True, array_like=True):
    """A range of hash keys, from when it was opened to when it was split or merged."""

    start: str
    end: str
    opened: float
    first: str
    """The sequence numbers that it begins and, once it is closed, ends with."""
    last: str = ""
    closed: float = 0.0
    parent: int | None = None
    adjacent: int | None = None
    children: list[int] = []


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """The end of a shard."""

    time: int
    """The last record's, in milliseconds."""
    number: int = 0
    second: float = 0.0
    """Since when `records` and `bytes` are counted."""
    records: int = 0
    bytes: int = 0
    watched: bool = False
    """Whether there is a timer that looks for records that are too old."""


class Reads(msgspec.Struct, frozen=True, array_like=True):
    """What was read of a shard in this second."""

    second: float
    calls: int = 0
    bytes: int = 0


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A record; when it came and where it lies is in its key."""

    data: bytes
    key: str
    encryption: str = "NONE"


class Consumer(msgspec.Struct, frozen=True, array_like=True):
    """A consumer with its own throughput."""

    created: int
    policy: str = ""


class Subscription(msgspec.Struct, frozen=True, array_like=True):
    """Who reads a shard for a consumer now."""

    id: str
    since: float
    until: float


class Commitment(msgspec.Struct, frozen=True, array_like=True):
    """An account's minimum throughput: since when it pays for it, and, once it has said so, until when."""

    started: float
    ends: float = 0.0


STREAMS = Table("kinesis.streams", Stream, hot=True)
"""name -> Stream"""
SHARDS = Table("kinesis.shards", Shard, hot=True, indexes={"open": lambda key, row: None if row.closed else (key[0], padded(int(row.end)))})
"""(stream's id, number) -> Shard; "open" by (stream's id, the last of its hash keys)"""
TAILS = Table("kinesis.tails", Tail)
"""(stream's id, shard) -> Tail"""
READS = Table("kinesis.reads", Reads)
"""(stream's id, shard) -> Reads"""
RECORDS = Table("kinesis.records", Record)
"""(stream's id, shard, time, number) -> Record"""
CONSUMERS = Table("kinesis.consumers", Consumer, counters={"stream": lambda key, row: (key[0],)})
"""(stream's id, name) -> Consumer"""
SUBSCRIPTIONS = Table("kinesis.subscriptions", Subscription)
"""(stream's id, consumer, shard) -> Subscription"""
COUNTS = Table("kinesis.counts", int)
"""("shards") -> open shards of provisioned streams, ("streams") -> streams on demand"""
ACCOUNTS = Table("kinesis.accounts", Commitment)
"""() -> Commitment"""
STORED: tuple[Table[Any], ...] = (SHARDS, TAILS, READS, RECORDS, CONSUMERS, SUBSCRIPTIONS)
"""Every table whose keys begin with a stream's id."""


class Found(msgspec.Struct, frozen=True):
    """A stream, and the transaction as seen from its account and region."""

    tx: Tx
    name: str
    stream: Stream

    @property
    def arn(self) -> str:
        return arn_of(self.tx, self.name)

    def shard(self, text: str) -> tuple[int, Shard]:
        """A shard by its id. Raises ResourceNotFoundException."""
        number = shard_number(text)
        shard = None if number is None else self.tx.get(SHARDS, self.stream.id, number)
        if number is None or shard is None or self.is_gone(shard):
            raise no_shard(text, self.name, self.tx.account)
        return number, shard

    def is_gone(self, shard: Shard) -> bool:
        """Whether a shard was closed before all that is still kept."""
        return bool(shard.closed) and shard.closed * MILLISECONDS < self.stream.horizon(self.tx.now)

    def keep(self, **changes: Any) -> Stream:
        """Writes the stream down with changes."""
        changed = msgspec.structs.replace(self.tx.get(STREAMS, self.name) or self.stream, **changes)
        self.tx.put(STREAMS, self.name, value=changed)
        return changed


def arn_of(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:kinesis:{tx.region}:{tx.account}:stream/{name}"


def find(tx: Tx, req: Mapping[str, Any]) -> Found:
    """The stream of a request, by its ARN or its name. Raises ResourceNotFoundException."""
    arn, name = req.get("StreamARN"), req.get("StreamName")
    if arn:
        found = find_arn(tx, arn)
        if name and name != found.name:
            raise invalid("StreamARN and StreamName do not match.")
        return found
    if not name:
        raise invalid("Either StreamARN or StreamName must be provided.")
    return find_name(tx, name)


def find_arn(tx: Tx, text: str) -> Found:
    """The stream of an ARN, also of one of its consumers' ARNs."""
    arn = parse(text)
    return find_name(tx.at(account=arn.account, region=arn.region), arn.id.partition("/")[0])


def find_name(tx: Tx, name: str) -> Found:
    stream = tx.get(STREAMS, name)
    if stream is None:
        raise no_stream(name, tx.account)
    return Found(tx, name, stream)


def find_consumer(tx: Tx, text: str) -> tuple[Found, str, Consumer]:
    """The consumer of an ARN. Raises ResourceNotFoundException."""
    stream, _, rest = parse(text).id.partition("/")
    found = find_arn(tx, text)
    name, _, created = rest.removeprefix("consumer/").rpartition(":")
    consumer = found.tx.get(CONSUMERS, found.stream.id, name)
    if consumer is None or str(consumer.created) != created:
        raise Fault("ResourceNotFoundException", f"Consumer {name}, ARN {text} not found under stream {stream}.")
    return found, name, consumer


def changed(stream: int, shard: int) -> tuple[str, int, int]:
    """The channel that is woken when a shard has more to read, or is closed or gone."""
    return ("kinesis.shard", stream, shard)
