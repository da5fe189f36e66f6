"""Limits, sequence numbers, hash keys and sentences of Kinesis Data Streams as pure functions.

https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from windtunnel.fabric import Fault

HASH_KEY_MAX = 2**128 - 1
HASH_DIGITS = 39
KIB, MIB = 1024, 1024 * 1024
MILLISECONDS = 1000
HOUR_SECONDS = 3600
ON_DEMAND_SHARDS = 4
SHARDS_MAX = 20_000
"""Open shards of provisioned streams in an account and region; AWS's default in its largest regions."""
ON_DEMAND_STREAMS_MAX = 50
STREAM_SHARDS_MAX = 10_000
RETENTION_HOURS_MIN, RETENTION_HOURS_MAX = 24, 8760
PUT_RECORDS_BYTES_MAX = 10 * MIB
WRITE_BYTES_PER_SECOND = MIB
WRITE_RECORDS_PER_SECOND = 1000
READ_BYTES_PER_SECOND = 2 * MIB
READ_CALLS_PER_SECOND = 5
READ_BYTES_MAX = 10 * MIB
READ_RECORDS_MAX = 10_000
ITERATOR_SECONDS = 300
CONSUMERS_MAX = 20
SCALINGS_PER_DAY = 10
LISTED_MAX = 100
SHARDS_LISTED_MAX = 1000

_MARK = 1 << 185
_TIME_SHIFT, _NUMBER_SHIFT, _SHARD_SHIFT, _VERSION = 136, 36, 4, 2
_SHARD_MASK, _NUMBER_MASK = (1 << 32) - 1, (1 << 100) - 1


def sequence_of(time: int, number: int, shard: int) -> str:
    """A sequence number: when the record came (in milliseconds), which of the shard's it is, and the shard. They order as records do."""
    return str(_MARK | time << _TIME_SHIFT | number << _NUMBER_SHIFT | shard << _SHARD_SHIFT | _VERSION)


def place_of(sequence: str) -> tuple[int, int, int] | None:
    """Time, number and shard that a sequence number says; None where it is none of ours."""
    value = int(sequence)
    if value >> 185 != 1 or value & 15 != _VERSION:
        return None
    value ^= _MARK
    return value >> _TIME_SHIFT, value >> _NUMBER_SHIFT & _NUMBER_MASK, value >> _SHARD_SHIFT & _SHARD_MASK


def shard_id(number: int) -> str:
    return f"shardId-{number:012d}"


def shard_number(text: str) -> int | None:
    """The number of a shard, by its whole id or by the digits alone, as AWS takes it; None for any other text."""
    digits = text.removeprefix("shardId-")
    return int(digits) if digits.isdecimal() and digits.isascii() and int(digits) < 2**31 else None


def hash_of(key: str) -> int:
    """Where a partition key lies: https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key"""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")


def padded(hash_key: int) -> str:
    """A hash key as texts that order as the numbers do: 128 bits are more than a key's number holds."""
    return f"{hash_key:0{HASH_DIGITS}d}"


def ranges(count: int) -> Iterator[tuple[int, int]]:
    """The hash keys from 0 to 2^128-1 in so many parts of one size."""
    size = (HASH_KEY_MAX + 1) // count
    for number in range(count):
        yield number * size, HASH_KEY_MAX if number == count - 1 else (number + 1) * size - 1


def invalid(message: str) -> Fault:
    return Fault("InvalidArgumentException", message)


def not_valid(message: str) -> Fault:
    return Fault("ValidationException", message)


def no_stream(name: str, account: str) -> Fault:
    return Fault("ResourceNotFoundException", f"Stream {name} under account {account} not found.")


def no_shard(shard: str, name: str, account: str) -> Fault:
    return Fault("ResourceNotFoundException", f"Could not find shard {shard} in stream {name} under account {account}.")


def check_dry_run(req: Mapping[str, Any]) -> None:
    """Ends a request that only asks whether it would succeed: it would."""
    if req.get("DryRun"):
        raise Fault("DryRunOperationException", "Request would have succeeded, but DryRun flag is set.")


def moment(seconds: float) -> str:
    """A time as Kinesis writes it in sentences: Thu Jan 22 01:22:02 UTC 2015."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
