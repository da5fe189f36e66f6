"""How a stream is read: iterators, sequence numbers, and records as they are printed."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.state import CHANGES, STREAMS, Change, Shard
from windtunnel.services.dynamodb.streams.journal import RETENTION_SECONDS

SEQUENCE_BASE = 10**20
"""Sequence numbers have 21 digits."""
ITERATOR_SECONDS = 15 * 60


class Found(msgspec.Struct, frozen=True):
    """A stream, and the transaction as seen from its account and region."""

    tx: Tx
    shard: Shard


class Iterator(msgspec.Struct, frozen=True):
    """A place in a stream: the first sequence number to be read."""

    arn: str
    at: int
    made: float

    def text(self) -> str:
        return f"{self.arn}|1|{pages.encode((self.at, self.made))}"


def find_stream(tx: Tx, arn: str) -> Found:
    parsed = parse_or_none(arn)
    parts = parsed.resource.split("/") if parsed is not None else []
    if parsed is None or parsed.service != "dynamodb" or len(parts) != 4 or parts[0] != "table" or parts[2] != "stream":
        raise invalid(f"Invalid StreamArn: {arn}")
    tx = tx.at(account=parsed.account, region=parsed.region)
    shard = tx.get(STREAMS, parts[1], parts[3])
    if shard is None:
        raise Fault("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    return Found(tx, shard)


def read_iterator(tx: Tx, text: str) -> Iterator:
    """The iterator that is written in a text; refuses one that is too old, or none."""
    arn, _, token = text.rpartition("|1|")
    try:
        at, made = pages.decode(token)
        iterator = msgspec.convert((at, made), tuple[int, float])
    except (ValueError, msgspec.ValidationError) as error:
        raise invalid("Invalid ShardIterator") from error
    if tx.now > iterator[1] + ITERATOR_SECONDS:
        raise Fault("ExpiredIteratorException", "The shard iterator is expired and can no longer be used.")
    return Iterator(arn, *iterator)


def check_there(tx: Tx, shard: Shard, at: int) -> None:
    """Refuses a place whose record is gone by now; 0 is wherever the stream begins."""
    change = tx.get(CHANGES, shard.number, at) if at else None
    if 0 < at <= shard.trimmed or (change is not None and change.at <= tx.now - RETENTION_SECONDS):
        raise Fault(
            "TrimmedDataAccessException",
            "The operation attempted to read past the oldest stream record in a shard, which has been trimmed.",
        )


def sequence(number: int) -> str:
    """A sequence number as it is printed."""
    return str(SEQUENCE_BASE + number)


def sequence_of(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"Invalid SequenceNumber: {text}")
    return max(int(text) - SEQUENCE_BASE, 0)


def shard_id(shard: Shard) -> str:
    return f"shardId-{int(shard.created * 1000):020d}-{shard.number & 0xFFFFFFFF:08x}"


def printed(tx: Tx, shard: Shard, at: int, change: Change) -> dict[str, Any]:
    """A record of a stream."""
    data: dict[str, Any] = {"ApproximateCreationDateTime": float(int(change.at)), "Keys": change.keys}
    if change.new is not None:
        data["NewImage"] = change.new
    if change.old is not None:
        data["OldImage"] = change.old
    data |= {"SequenceNumber": sequence(at), "SizeBytes": change.size, "StreamViewType": shard.view}
    record: dict[str, Any] = {
        "eventID": change.id.replace("-", ""),
        "eventName": change.event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": tx.region,
        "dynamodb": data,
    }
    return {**record, "userIdentity": {"PrincipalId": change.by, "Type": "Service"}} if change.by else record
