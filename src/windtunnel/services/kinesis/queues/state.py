"""What queues remember: how far each shard was taken, and what has been received and not acknowledged yet.

A record that was never received has no row: it lies behind the queue's cursor in its shard. A received one has a row until it is
acknowledged, found by the moment at which it can be received again. Its last receive makes it a dead letter, from that moment on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import parse, partition_of
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.kinesis.state import Found, find_name


class Queue(msgspec.Struct, frozen=True, array_like=True):
    """A queue's settings. `receives` is 0 where nothing becomes a dead letter."""

    name: str
    stream: str
    stream_id: int
    created: float
    start: dict[str, Any]
    visibility: int = 30
    receives: int = 6
    policy: str = ""


class Flight(msgspec.Struct, frozen=True, array_like=True):
    """A record that was received: when it can be received again, and as what."""

    visible: float
    dead: bool
    count: int
    first: float
    serial: int
    """Which receive was its last: the receipt handle's."""


QUEUES = Table(
    "kinesis.queues",
    Queue,
    hot=True,
    indexes={"name": lambda key, row: (row.name,), "stream": lambda key, row: (row.stream_id, key[0])},
    counters={"of": lambda key, row: (row.stream_id,)},
)
"""id -> Queue"""
CURSORS = Table("kinesis.cursors", tuple[int, int])
"""(queue, shard) -> the place of the first record that was never received"""
FLIGHTS = Table("kinesis.flights", Flight, indexes={"due": lambda key, row: (key[0], row.dead, row.visible)})
"""(queue, shard, time, number) -> Flight; "due" by (queue, whether it is dead, when it can be received)"""


class Opened(msgspec.Struct, frozen=True):
    """A queue with its stream, as seen from their account and region."""

    found: Found
    id: str
    queue: Queue

    @property
    def tx(self) -> Tx:
        return self.found.tx


def queue_arn(tx: Tx, queue_id: str) -> str:
    return f"arn:{partition_of(tx.region)}:kinesis:{tx.region}:{tx.account}:queue/{queue_id}"


def find_queue(tx: Tx, arn: str) -> Opened:
    """The queue of an ARN. Raises ResourceNotFoundException."""
    place = parse(arn)
    tx = tx.at(account=place.account, region=place.region)
    queue = tx.get(QUEUES, place.id)
    if queue is None:
        raise Fault("ResourceNotFoundException", f"Queue {arn} not found.")
    return Opened(find_name(tx, queue.stream), place.id, queue)


def grown(queue_id: str) -> tuple[str, str]:
    """The channel that is woken when something of a queue can be received earlier than was said."""
    return ("kinesis.queue", queue_id)


def attributes_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What of a queue its attributes set. Raises ValidationException."""
    changes: dict[str, Any] = {}
    if "VisibilityTimeoutSeconds" in given:
        changes["visibility"] = given["VisibilityTimeoutSeconds"]
    letters = given.get("DeadLetterConfiguration")
    if letters is not None:
        dead = letters["TargetType"] == "BUILT_IN"
        if dead != ("MaxReceiveCount" in letters):
            wants = "must" if dead else "must not"
            raise Fault("ValidationException", f"MaxReceiveCount {wants} be specified where TargetType is {letters['TargetType']}.")
        changes["receives"] = letters.get("MaxReceiveCount", 0)
    return changes
