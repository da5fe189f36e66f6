"""Places in a shard: where a reader begins, and what lies from there on."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.services.kinesis.resharding import children_of
from windtunnel.services.kinesis.rules import MILLISECONDS, READ_BYTES_MAX, invalid, place_of, sequence_of, shard_id
from windtunnel.services.kinesis.state import RECORDS, TAILS, Found, Shard, Tail

NUMBERED = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class Read(msgspec.Struct, frozen=True):
    """What was read from a place on."""

    records: list[dict[str, Any]]
    bytes: int
    time: int
    number: int
    """The place after the last of them."""
    behind: int
    ended: list[dict[str, Any]] | None
    """The shards that go on from here, where the shard is at its end."""
    last: str
    """The sequence number up to which all was read."""


def read_from(found: Found, number: int, shard: Shard, time: int, start: int, limit: int) -> Read:
    """The records from a place on, at most `limit` of them and 10 MB."""
    tx, stream = found.tx, found.stream
    horizon = stream.horizon(tx.now)
    if time < horizon:
        time, start = horizon, 0
    records: list[dict[str, Any]] = []
    size, more = 0, False
    for key, record in tx.scan(RECORDS, stream.id, number, start=(time, start), limit=limit + 1):
        came, place = int(key[2] or 0), int(key[3] or 0)
        length = len(record.data) + len(record.key)
        if len(records) == limit or (records and size + length > READ_BYTES_MAX):
            more = True
            break
        shown: dict[str, Any] = {
            "SequenceNumber": sequence_of(came, place, number),
            "ApproximateArrivalTimestamp": came / MILLISECONDS,
            "Data": record.data,
        }
        if record.key:
            shown["PartitionKey"] = record.key
        if record.encryption != "NONE":
            shown["EncryptionType"] = record.encryption
        records.append(shown)
        size += length
        time, start = came, place + 1
    tail = tx.get(TAILS, stream.id, number) or Tail(time)
    last = records[-1]["SequenceNumber"] if records else sequence_of(max(tail.time, time), tail.number, number)
    behind = max(int(tx.now * MILLISECONDS) - time, 0) if more else 0
    ended = children_of(found, shard) if shard.closed and not more else None
    return Read(records, size, time, start, behind, ended, last)


def start_of(
    found: Found, number: int, shard: Shard, kind: str, sequence: str | None, timestamp: float | None, operation: str
) -> tuple[int, int]:
    """The place in a shard at which a kind of iterator begins."""
    if kind in NUMBERED:
        if sequence is None:
            raise invalid(f"{_choice()}Request specified {kind} and no StartingSequenceNumber.")
        time, at = _numbered(found, number, sequence, operation)
        return time, at + (kind == "AFTER_SEQUENCE_NUMBER")
    if sequence is not None:
        raise invalid(f"{_choice()}Request specified {kind} and also a StartingSequenceNumber.")
    if kind == "AT_TIMESTAMP":
        if timestamp is None:
            raise invalid(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter."
            )
        now, then = int(found.tx.now * MILLISECONDS), int(timestamp * MILLISECONDS)
        if then > now:
            raise invalid(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                f"timestampInMillis: {then}, currentTimestampInMillis: {now}"
            )
        return max(then, 0), 0
    if kind == "LATEST":
        tail = found.tx.get(TAILS, found.stream.id, number) or Tail(int(shard.closed * MILLISECONDS))
        return tail.time, tail.number + 1
    return 0, 0


def _numbered(found: Found, number: int, sequence: str, operation: str) -> tuple[int, int]:
    place = place_of(sequence)
    if place is None:
        if sequence == "0":
            return 0, 0
        raise invalid(
            f"StartingSequenceNumber {sequence} used in {operation} on shard {shard_id(number)} in stream {found.name} "
            f"under account {found.tx.account} is invalid."
        )
    time, at, of = place
    if of != number:
        raise invalid(
            f"Invalid StartingSequenceNumber. It encodes {shard_id(of)}, while it was used in a call to a shard with {shard_id(number)}"
        )
    return time, at


def _choice() -> str:
    return (
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
        "(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
    )
