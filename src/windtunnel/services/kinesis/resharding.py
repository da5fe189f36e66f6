"""How shards come about and look: ranges are opened, taken apart and put together; what is closed stays to be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kinesis.life import watch
from windtunnel.services.kinesis.rules import (
    HOUR_SECONDS,
    MILLISECONDS,
    ON_DEMAND_STREAMS_MAX,
    SHARDS_MAX,
    not_valid,
    ranges,
    sequence_of,
    shard_id,
)
from windtunnel.services.kinesis.state import COUNTS, PROVISIONED, SHARDS, STREAMS, TAILS, Found, Shard, Tail, changed

GROWTH_SECONDS = 900
ON_DEMAND_SHARDS_MAX = 200
"""AWS's default of 200 MB a second."""
Numbered = tuple[int, Shard]


def check_provisioned(found: Found, operation: str) -> None:
    if found.stream.mode != PROVISIONED:
        raise not_valid(f"{operation} is only supported for data streams with the provisioned capacity mode.")


def check_room(found: Found, more: int) -> None:
    """Whether the account may have so many shards more. Raises LimitExceededException."""
    tx = found.tx
    has = int(tx.amount(COUNTS, "shards"))
    if has + more > SHARDS_MAX:
        raise Fault(
            "LimitExceededException",
            f"This request would exceed the shard limit for the account {tx.account} in {tx.region}. Current shard count for the account: "
            f"{has}. Limit: {SHARDS_MAX}. Number of additional shards that would have resulted from this request: {more}. "
            "Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "
            "for current limits and how to request higher limits.",
        )


def check_on_demand(tx: Tx) -> None:
    """Whether the account may have one more stream on demand. Raises LimitExceededException."""
    if tx.amount(COUNTS, "streams") >= ON_DEMAND_STREAMS_MAX:
        raise Fault("LimitExceededException", f"On-demand stream limit of {ON_DEMAND_STREAMS_MAX} exceeded for account {tx.account}.")


def open_shards(found: Found, *pieces: tuple[int, int], parents: tuple[int, ...] = ()) -> list[Numbered]:
    """Opens shards for ranges of hash keys, as the children of those that are closed for them."""
    tx, stream = found.tx, found.tx.get(STREAMS, found.name) or found.stream
    time = int(tx.now * MILLISECONDS)
    opened: list[Numbered] = []
    for number, (start, end) in enumerate(pieces, stream.shards):
        first = sequence_of(time, 0, number)
        shard = Shard(
            str(start), str(end), tx.now, first, parent=parents[0] if parents else None, adjacent=parents[1] if parents[1:] else None
        )
        tx.put(SHARDS, stream.id, number, value=shard)
        tx.put(TAILS, stream.id, number, value=Tail(time))
        opened.append((number, shard))
    more = len(pieces) - len(parents)
    found.keep(shards=stream.shards + len(pieces), open=stream.open + more)
    if stream.mode == PROVISIONED:
        tx.add(COUNTS, "shards", amount=more)
    return opened


def split(found: Found, number: int, shard: Shard, at: int) -> list[Numbered]:
    """Closes a shard, and opens two: below a hash key, and from it on."""
    children = open_shards(found, (int(shard.start), at - 1), (at, int(shard.end)), parents=(number,))
    _close(found, (number, shard), children)
    return children


def grow(found: Found, number: int, shard: Shard) -> None:
    """Halves a shard on demand that takes more than half of what it can: so capacity doubles within 15 minutes.

    https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html#ondemandmode
    """
    start, end = int(shard.start), int(shard.end)
    if found.tx.now - shard.opened >= GROWTH_SECONDS and found.stream.open < ON_DEMAND_SHARDS_MAX and end - start > 1:
        split(found, number, shard, (start + end) // 2 + 1)


def merge(found: Found, first: Numbered, second: Numbered) -> Numbered:
    """Closes two neighbours, and opens one in their place."""
    start, end = min(int(first[1].start), int(second[1].start)), max(int(first[1].end), int(second[1].end))
    children = open_shards(found, (start, end), parents=(first[0], second[0]))
    _close(found, first, children)
    _close(found, second, children)
    return children[0]


def take_apart(found: Found, count: int) -> None:
    """Splits and merges until there are so many shards of one size; those that are too small on the way are short-lived, as AWS's."""
    tx, stream = found.tx, found.stream
    pieces = [(int(key[1] or 0), shard) for key, shard in tx.find(SHARDS, "open", stream.id)]
    for start, _ in ranges(count):
        at = next(place for place, (_, shard) in enumerate(pieces) if int(shard.end) >= start)
        if int(pieces[at][1].start) < start:
            pieces[at : at + 1] = split(found, *pieces[at], start)
    for place, (_, end) in enumerate(ranges(count)):
        while int(pieces[place][1].end) < end:
            pieces[place : place + 2] = [merge(found, pieces[place], pieces[place + 1])]


def _close(found: Found, one: Numbered, children: list[Numbered]) -> None:
    tx, (number, shard), stream = found.tx, one, found.stream
    tail = tx.get(TAILS, stream.id, number) or Tail(0)
    last = sequence_of(max(tail.time, int(tx.now * MILLISECONDS)), tail.number + 1, number)
    closed = msgspec.structs.replace(shard, last=last, closed=tx.now, children=[child for child, _ in children])
    tx.put(SHARDS, stream.id, number, value=closed)
    watch(tx, found.name, stream.id, number, tx.now + stream.retention * HOUR_SECONDS + 1)
    tx.wake(*changed(stream.id, number))


def children_of(found: Found, shard: Shard) -> list[dict[str, object]]:
    """The shards that go on where a closed one ended, as GetRecords and SubscribeToShard tell of them."""
    shown: list[dict[str, object]] = []
    for number in shard.children:
        child = found.tx.get(SHARDS, found.stream.id, number)
        if child is not None:
            parents = [shard_id(parent) for parent in (child.parent, child.adjacent) if parent is not None]
            hash_keys = {"StartingHashKey": child.start, "EndingHashKey": child.end}
            shown.append({"ShardId": shard_id(number), "ParentShards": parents, "HashKeyRange": hash_keys})
    return shown


def listed(found: Found, start: int = 0) -> Iterator[tuple[int, Shard]]:
    """The shards whose records may still be kept, from a number on."""
    for key, shard in found.tx.scan(SHARDS, found.stream.id, start=(start,)):
        if not found.is_gone(shard):
            yield int(key[1] or 0), shard


def printed(number: int, shard: Shard) -> dict[str, Any]:
    sequence = {"StartingSequenceNumber": shard.first}
    if shard.closed:
        sequence["EndingSequenceNumber"] = shard.last
    shown: dict[str, Any] = {"ShardId": shard_id(number)}
    if shard.parent is not None:
        shown["ParentShardId"] = shard_id(shard.parent)
    if shard.adjacent is not None:
        shown["AdjacentParentShardId"] = shard_id(shard.adjacent)
    hash_keys = {"StartingHashKey": shard.start, "EndingHashKey": shard.end}
    return shown | {"HashKeyRange": hash_keys, "SequenceNumberRange": sequence}
