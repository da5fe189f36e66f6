"""Records are read: an iterator is a place in a shard's range, and each answer holds the next.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.pages import decode, encode
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.kinesis.places import read_from, start_of
from windtunnel.services.kinesis.rules import (
    ITERATOR_SECONDS,
    MILLISECONDS,
    READ_BYTES_PER_SECOND,
    READ_CALLS_PER_SECOND,
    READ_RECORDS_MAX,
    check_dry_run,
    invalid,
    moment,
    shard_id,
)
from windtunnel.services.kinesis.state import ON_DEMAND, READS, SHARDS, STREAMS, WAIT, Found, Reads, changed, find

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

GIB = 1 << 30


class Place(msgspec.Struct, frozen=True, array_like=True):
    """What an iterator says: a place in a shard, and when it was given out. `serial` makes each another."""

    account: str
    name: str
    stream: int
    shard: int
    time: int
    number: int
    issued: float
    serial: int


def get_shard_iterator(tx: Tx, req: t.GetShardIteratorInput) -> dict[str, Any]:
    found = find(tx, req)
    number, shard = found.shard(req["ShardId"])
    kind, sequence = req["ShardIteratorType"], req.get("StartingSequenceNumber")
    place = start_of(found, number, shard, kind, sequence, req.get("Timestamp"), "GetShardIterator")
    check_dry_run(req)
    return {"ShardIterator": _iterator(found, number, *place)}


async def get_records(call: Call, req: t.GetRecordsInput) -> dict[str, Any]:
    place = _place(req["ShardIterator"])
    if call.now() - place.issued > ITERATOR_SECONDS:
        raise Fault(
            "ExpiredIteratorException",
            f"Iterator expired. The iterator was created at time {moment(place.issued)} while right now it is {moment(call.now())} "
            f"which is further in the future than the tolerated delay of {ITERATOR_SECONDS * MILLISECONDS} milliseconds.",
        )
    by_service = call.scope.principal.kind == "AWSService"
    deadline = call.now() + (float(req.get(WAIT, 0)) if by_service else 0)  # pyright: ignore[reportArgumentType]
    limit = req.get("Limit", READ_RECORDS_MAX)
    while True:
        answer = await call.gather(_get, place, limit, not by_service, bool(req.get("DryRun")))
        if answer["Records"] or "NextShardIterator" not in answer or call.now() >= deadline:
            return answer
        if not await call.wait(changed(place.stream, place.shard), until=deadline):
            return answer


def _get(tx: Tx, place: Place, limit: int, counted: bool, dry: bool) -> dict[str, Any]:
    tx.owed = False  # what was read is counted, but not refused where the count can't be kept
    tx = tx.at(account=place.account)
    stream = tx.get(STREAMS, place.name)
    shard = tx.get(SHARDS, place.stream, place.shard)
    if stream is None or stream.id != place.stream or shard is None:
        raise Fault(
            "ResourceNotFoundException",
            f"Shard {shard_id(place.shard)} in stream {place.name} under account {place.account} does not exist",
        )
    found = Found(tx, place.name, stream)
    reads = _reads(found, place.shard) if counted else None
    check_dry_run({"DryRun": dry})
    read = read_from(found, place.shard, shard, place.time, place.number, limit)
    if reads is not None:
        tx.put(READS, stream.id, place.shard, value=msgspec.structs.replace(reads, bytes=reads.bytes + read.bytes))
    if read.bytes and stream.mode == ON_DEMAND:
        tx.meter("OnDemand-BilledOutgoingBytes", read.bytes / GIB, found.name)
    answer: dict[str, Any] = {"Records": read.records, "MillisBehindLatest": read.behind}
    if read.ended is None:
        return answer | {"NextShardIterator": _iterator(found, place.shard, read.time, read.number)}
    return answer | {"ChildShards": read.ended}


def _reads(found: Found, shard: int) -> Reads:
    """What was read of a shard in this second, this call included. Raises ProvisionedThroughputExceededException.

    An answer that is larger than a second's share takes up the seconds after it as well.
    """
    now = found.tx.now
    reads = found.tx.get(READS, found.stream.id, shard)
    if reads is None or now - reads.second >= max(1.0, reads.bytes / READ_BYTES_PER_SECOND):
        return Reads(now, 1)
    if reads.calls >= READ_CALLS_PER_SECOND or reads.bytes >= READ_BYTES_PER_SECOND:
        raise Fault(
            "ProvisionedThroughputExceededException",
            f"Rate exceeded for shard {shard_id(shard)} in stream {found.name} under account {found.tx.account}.",
        )
    return msgspec.structs.replace(reads, calls=reads.calls + 1)


def _iterator(found: Found, shard: int, time: int, number: int) -> str:
    tx = found.tx
    return encode((tx.account, found.name, found.stream.id, shard, time, number, tx.now, tx.serial()))


def _place(text: str) -> Place:
    """What an iterator says; some clients put it in quotes."""
    try:
        return msgspec.convert(decode(text.strip('"')), Place)
    except (ValueError, msgspec.ValidationError) as error:
        raise invalid("Invalid ShardIterator.") from error
