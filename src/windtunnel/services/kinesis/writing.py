"""Records are put: each goes to the shard that has its hash key, as far as the shard's second has room for it.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kinesis import life
from windtunnel.services.kinesis.resharding import grow
from windtunnel.services.kinesis.rules import (
    HASH_KEY_MAX,
    HOUR_SECONDS,
    KIB,
    MILLISECONDS,
    PUT_RECORDS_BYTES_MAX,
    WRITE_BYTES_PER_SECOND,
    WRITE_RECORDS_PER_SECOND,
    check_dry_run,
    hash_of,
    invalid,
    not_valid,
    padded,
    place_of,
    sequence_of,
    shard_id,
)
from windtunnel.services.kinesis.state import ON_DEMAND, RECORDS, SHARDS, TAILS, Found, Record, Shard, Tail, changed, find

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

UNIT_BYTES = 25 * KIB
GIB = 1 << 30
THROTTLED = "ProvisionedThroughputExceededException"


def put_record(tx: Tx, req: t.PutRecordInput) -> dict[str, Any]:
    found = find(tx, req)
    size = _check(found, req)
    after = req.get("SequenceNumberForOrdering")
    if after is not None:
        place = place_of(after)
        if place is None or place[0] > tx.now * MILLISECONDS:
            where = f"stream {found.name} under account {found.tx.account}"
            raise invalid(f"ExclusiveMinimumSequenceNumber {after} used in PutRecord on {where} is invalid.")
    check_dry_run(req)
    put = _put(found, req, size)
    if put is None:
        raise Fault(THROTTLED, _exceeded(found, _shard(found, req)[0]))
    shard, sequence = put
    return {"ShardId": shard_id(shard), "SequenceNumber": sequence} | _encryption(found)


def put_records(tx: Tx, req: t.PutRecordsInput) -> dict[str, Any]:
    found = find(tx, req)
    sizes = [_check(found, record) for record in req["Records"]]
    if sum(sizes) > PUT_RECORDS_BYTES_MAX:
        raise invalid(f"Records size exceeds {PUT_RECORDS_BYTES_MAX // KIB // KIB} MB limit")
    check_dry_run(req)
    results: list[dict[str, Any]] = []
    failed = 0
    for record, size in zip(req["Records"], sizes, strict=True):
        put = _put(found, record, size)
        if put is None:
            failed += 1
            results.append({"ErrorCode": THROTTLED, "ErrorMessage": _exceeded(found, _shard(found, record)[0])})
        else:
            results.append({"SequenceNumber": put[1], "ShardId": shard_id(put[0])})
    return {"FailedRecordCount": failed, "Records": results} | _encryption(found)


def _check(found: Found, record: Mapping[str, Any]) -> int:
    """A record's size. Raises the faults of one that can't be put."""
    explicit = record.get("ExplicitHashKey")
    if explicit is not None and int(explicit) > HASH_KEY_MAX:
        raise invalid(f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {explicit}")
    key = record.get("PartitionKey")
    if key is None and found.stream.distribution != "AUTO":
        raise not_valid("1 validation error detected: Value at 'partitionKey' failed to satisfy constraint: Member must not be null")
    size = len(record["Data"]) + len((key or "").encode())
    if size > found.stream.record_kib * KIB:
        raise invalid(f"Record size of {size} bytes exceeds the stream's limit of {found.stream.record_kib} KiB.")
    return size


def _put(found: Found, record: Mapping[str, Any], size: int) -> tuple[int, str] | None:
    """Puts one record; its shard and sequence number, or None where the shard has taken enough this second."""
    tx, stream, (number, shard) = found.tx, found.stream, _shard(found, record)
    tail = tx.get(TAILS, stream.id, number) or Tail(0)
    fresh = tx.now - tail.second >= 1
    second, records, held = (tx.now, 1, size) if fresh else (tail.second, tail.records + 1, tail.bytes + size)
    # A record larger than a second's share is taken by a shard that had nothing in this second.
    if not fresh and (records > WRITE_RECORDS_PER_SECOND or held > WRITE_BYTES_PER_SECOND):
        return None
    time = max(int(tx.now * MILLISECONDS), tail.time)
    after = Tail(time, tail.number + 1, second, records, held, True)
    if not tail.watched:
        life.watch(tx, found.name, stream.id, number, tx.now + stream.retention * HOUR_SECONDS + 1)
    tx.put(TAILS, stream.id, number, value=after)
    row = Record(record["Data"], record.get("PartitionKey") or "", stream.encryption)
    tx.put(RECORDS, stream.id, number, time, after.number, value=row)
    tx.wake(*changed(stream.id, number))
    if stream.mode == ON_DEMAND:
        tx.meter("OnDemand-BilledIncomingBytes", size / GIB, found.name)
        if 2 * records > WRITE_RECORDS_PER_SECOND or 2 * held > WRITE_BYTES_PER_SECOND:
            grow(found, number, shard)
    else:
        tx.meter("PutRequestPayloadUnits", math.ceil(size / UNIT_BYTES), found.name)
    return number, sequence_of(time, after.number, number)


def _shard(found: Found, record: Mapping[str, Any]) -> tuple[int, Shard]:
    """The open shard that has a record's hash key."""
    tx, stream = found.tx, found.stream
    explicit = record.get("ExplicitHashKey")
    if stream.distribution == "AUTO":
        key = int(tx.ids.fraction() * HASH_KEY_MAX)
    else:
        key = hash_of(record["PartitionKey"]) if explicit is None else int(explicit)
    row, shard = next(tx.find(SHARDS, "open", stream.id, start=(padded(key),), limit=1))
    return int(row[1] or 0), shard


def _exceeded(found: Found, shard: int) -> str:
    return f"Rate exceeded for shard {shard_id(shard)} in stream {found.name} under account {found.tx.account}."


def _encryption(found: Found) -> dict[str, str]:
    return {} if found.stream.encryption == "NONE" else {"EncryptionType": found.stream.encryption}
