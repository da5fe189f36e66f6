"""SubscribeToShard: records are pushed as they come, for five minutes.

A subscription is a row; whoever subscribes next takes it over, and the one before sees that the row is no longer its own.
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.kinesis.places import Read, read_from, start_of
from windtunnel.services.kinesis.rules import check_dry_run
from windtunnel.services.kinesis.state import SUBSCRIPTIONS, Subscription, changed, find_consumer

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

SUBSCRIBED_SECONDS = 300
EXCLUSIVE_SECONDS = 5
"""So long after a call another for the same shard is refused; after that it takes over."""
EVENT_SECONDS = 5
"""An event comes so often, even if it has no records: it tells how far the shard has got."""
EVENT_RECORDS_MAX = 1000
GIB = 1 << 30


class Reader(msgspec.Struct, frozen=True):
    """One subscription: whose, and the place it begins at."""

    id: str
    consumer: str
    stream: int
    shard: int
    time: int
    number: int
    until: float


async def subscribe_to_shard(call: Call, req: t.SubscribeToShardInput) -> dict[str, Any]:
    reader = await call.transact(_open, req)
    return {"EventStream": _events(call, reader)}


def _open(tx: Tx, req: t.SubscribeToShardInput) -> Reader:
    found, name, _ = find_consumer(tx, req["ConsumerARN"])
    tx, stream = found.tx, found.stream
    number, shard = found.shard(req["ShardId"])
    position = req["StartingPosition"]
    place = start_of(found, number, shard, position["Type"], position.get("SequenceNumber"), position.get("Timestamp"), "SubscribeToShard")
    before = tx.get(SUBSCRIPTIONS, stream.id, name, number)
    if before is not None and tx.now < min(before.since + EXCLUSIVE_SECONDS, before.until):
        raise Fault(
            "ResourceInUseException",
            f"Another active subscription exists for this consumer: {req['ConsumerARN']} and shard {req['ShardId']}",
        )
    check_dry_run(req)
    subscription = Subscription(tx.new_id(), tx.now, tx.now + SUBSCRIBED_SECONDS)
    tx.put(SUBSCRIPTIONS, stream.id, name, number, value=subscription)
    tx.wake(*changed(stream.id, number))
    return Reader(subscription.id, req["ConsumerARN"], stream.id, number, *place, subscription.until)


async def _events(call: Call, reader: Reader) -> AsyncIterator[dict[str, Any]]:
    time, number, told = reader.time, reader.number, -inf
    try:
        while call.now() < reader.until:
            read = call.read(_read, reader, time, number)
            if not read.records and read.ended is None and call.now() < told + EVENT_SECONDS:
                until = min(told + EVENT_SECONDS, reader.until)
                if not await call.wait(changed(reader.stream, reader.shard), until=until):
                    told = -inf  # the clock stands, but the reader has waited by its own
                continue
            time, number, told = read.time, read.number, call.now()
            if read.records:
                await call.transact(_meter, reader, read.bytes)
            event = {"Records": read.records, "ContinuationSequenceNumber": read.last, "MillisBehindLatest": read.behind}
            yield {"SubscribeToShardEvent": event if read.ended is None else event | {"ChildShards": read.ended}}
            if read.ended is not None:
                return
    finally:
        await call.transact(_close, reader)


def _read(tx: Tx, reader: Reader, time: int, number: int) -> Read:
    found, name, _ = find_consumer(tx, reader.consumer)
    subscription = found.tx.get(SUBSCRIPTIONS, found.stream.id, name, reader.shard)
    if subscription is None or subscription.id != reader.id:
        raise Fault("ResourceInUseException", f"Another subscription has taken over for this consumer: {reader.consumer}")
    _, shard = found.shard(str(reader.shard))
    return read_from(found, reader.shard, shard, time, number, EVENT_RECORDS_MAX)


def _meter(tx: Tx, reader: Reader, size: int) -> None:
    found, name, _ = find_consumer(tx, reader.consumer)
    found.tx.meter("EnhancedFanoutHour-GB", size / GIB, f"{found.name}/{name}")


def _close(tx: Tx, reader: Reader) -> None:
    try:
        found, name, _ = find_consumer(tx, reader.consumer)
    except Fault:
        return  # the consumer went away, and its subscriptions with it
    subscription = found.tx.get(SUBSCRIPTIONS, found.stream.id, name, reader.shard)
    if subscription is not None and subscription.id == reader.id:
        found.tx.delete(SUBSCRIPTIONS, found.stream.id, name, reader.shard)
