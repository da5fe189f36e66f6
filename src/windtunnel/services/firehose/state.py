"""What Data Firehose remembers: streams, and the records that wait in their buffers.

A buffer is a number: records lie under `(stream's id, buffer, number)`, and BUFFERS says which of a stream's buffers is being filled. When
it is full, or its time is over, a timer takes it to the destination and removes its rows; records that come meanwhile lie in the next.
So what was answered is delivered, also after a kill -9, and a record at least once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Table, Tx

DIRECT, KINESIS = "DirectPut", "KinesisStreamAsSource"


class Stream(msgspec.Struct, frozen=True):
    """A delivery stream. `settings` is its destination as it was given, under the API's names."""

    id: int
    created: float
    type: str
    kind: str
    """"s3" or "http"."""
    settings: dict[str, Any]
    version: int = 1
    updated: float = 0.0
    source: dict[str, Any] = {}
    """The Kinesis stream and the role that it is read by."""
    direct: dict[str, Any] = {}
    encryption: dict[str, Any] = {}

    @property
    def place(self) -> dict[str, Any]:
        """The bucket that objects, or those that an endpoint didn't take, go to."""
        return self.settings if self.kind == "s3" else self.settings["S3Configuration"]


class Buffer(msgspec.Struct, frozen=True, array_like=True):
    """The buffer that is being filled."""

    number: int
    bytes: int = 0
    records: int = 0


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A record that waits, and when it came. One of a Kinesis stream says where it was there."""

    data: bytes
    arrived: float
    origin: dict[str, Any] = {}


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """How far a shard of the source has been read."""

    after: str = ""
    iterator: str = ""
    since: float = 0.0
    done: bool = False


STREAMS = Table("firehose.streams", Stream, hot=True, counters={"all": lambda key, row: ()})
"""name -> Stream"""
BUFFERS = Table("firehose.buffers", Buffer)
"""stream's id -> Buffer"""
RECORDS = Table("firehose.records", Record)
"""(stream's id, buffer, number) -> Record"""
CHECKPOINTS = Table("firehose.checkpoints", Checkpoint)
"""(stream's id, shard) -> Checkpoint"""
STORED: tuple[Table[Any], ...] = (RECORDS, CHECKPOINTS)
"""Every table whose keys begin with a stream's id, and that holds more than one row of it."""


def arn_of(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:firehose:{tx.region}:{tx.account}:deliverystream/{name}"


def find(tx: Tx, req: Mapping[str, Any]) -> tuple[str, Stream]:
    """The stream of a request. Raises ResourceNotFoundException."""
    name = req["DeliveryStreamName"]
    stream = tx.get(STREAMS, name)
    if stream is None:
        raise Fault("ResourceNotFoundException", f"Firehose {name} under account {tx.account} not found.")
    return name, stream


def keep(tx: Tx, name: str, stream: Stream, **changes: Any) -> Stream:
    """Writes a stream down with changes."""
    changed = msgspec.structs.replace(stream, **changes, updated=tx.now)
    tx.put(STREAMS, name, value=changed)
    return changed


def gone(stream: int) -> tuple[str, int]:
    """The channel that is woken when a stream is deleted or changed."""
    return ("firehose.stream", stream)
