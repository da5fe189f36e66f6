"""How far each lane of each shard has come: rows, so that a restart goes on where it was."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric.call import Call
from windtunnel.fabric.streams.feed import Feed
from windtunnel.fabric.streams.reading import Lane, Reading
from windtunnel.fabric.tx import Tx
from windtunnel.kernel.store import Table

ITERATOR_SECONDS = 300


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a lane of a shard has come."""

    after: str = ""
    """The sequence number of the last record that is done with; "" before the first."""
    iterator: str = ""
    """Where it begins, if it takes what came since `since`: exact for as long as it hasn't expired."""
    since: float = 0.0
    done: bool = False
    """The shard is at its end."""
    window: float | None = None
    """When the tumbling window began that is open, and the state in it."""
    state: bytes = b"{}"


READERS = Table("streams.readers", bool)
"""id of a reading -> True, while what it is read for is there"""
CHECKPOINTS = Table("streams.checkpoints", Checkpoint)
"""(id of a reading, shard, lane) -> Checkpoint"""


async def latest(call: Call, feed: Feed) -> list[tuple[str, Checkpoint]]:
    """Where who takes what comes from now on begins: at the end of each open shard, and not at all in closed ones."""
    begins: list[tuple[str, Checkpoint]] = []
    for shard in await feed.shards(call):
        if "EndingSequenceNumber" in shard["SequenceNumberRange"]:
            begins.append((shard["ShardId"], Checkpoint(done=True)))
        else:
            iterator = await feed.iterator(call, shard["ShardId"], "LATEST")
            begins.append((shard["ShardId"], Checkpoint(iterator=iterator, since=call.now())))
    return begins


def begin(tx: Tx, id: str, begins: list[tuple[str, Checkpoint]], lanes: int) -> None:
    """A reading that is new, where it begins."""
    tx.put(READERS, id, value=True)
    for shard, checkpoint in begins:
        for number in range(lanes):
            write(tx, Lane(id, shard, number), checkpoint)


def checkpoint_of(tx: Tx, lane: Lane) -> Checkpoint:
    return tx.get(CHECKPOINTS, lane.id, lane.shard, lane.number) or Checkpoint()


def write(tx: Tx, lane: Lane, checkpoint: Checkpoint) -> None:
    """Writes a place down, unless what it is read for went away while a batch was under way."""
    if tx.get(READERS, lane.id):
        tx.put(CHECKPOINTS, lane.id, lane.shard, lane.number, value=checkpoint)


def advance(tx: Tx, lane: Lane, sequence: str, **own: Any) -> None:
    """All up to a record is done with; `own` are members of the checkpoint that are the service's."""
    write(tx, lane, msgspec.structs.replace(checkpoint_of(tx, lane), after=sequence, iterator="", since=0.0, **own))


def forget(tx: Tx, id: str) -> None:
    """What it was read for is gone."""
    for key, _ in tx.scan(CHECKPOINTS, id):
        tx.delete(CHECKPOINTS, *key)
    tx.delete(READERS, id)


def relane(tx: Tx, id: str, lanes: int) -> None:
    """Another number of lanes goes on where the slowest of a shard was: what the others had done already comes again."""
    shards: dict[str, list[Checkpoint]] = {}
    for key, row in list(tx.scan(CHECKPOINTS, id)):
        shards.setdefault(str(key[1]), []).append(row)
        tx.delete(CHECKPOINTS, *key)
    begin(tx, id, [(shard, min(rows, key=lambda row: (row.done, int(row.after or 0)))) for shard, rows in shards.items()], lanes)


def startable(tx: Tx, reading: Reading, shards: list[dict[str, Any]]) -> list[Lane]:
    """The lanes that may run: of shards that are not done with, once their parents are."""
    numbers = range(reading.parallel)
    known = {shard["ShardId"] for shard in shards}
    lanes = {shard["ShardId"]: [Lane(reading.id, shard["ShardId"], number) for number in numbers] for shard in shards}
    done = {lane for several in lanes.values() for lane in several if checkpoint_of(tx, lane).done}
    found: list[Lane] = []
    for shard in shards:
        parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} & known
        if all(lane in done for parent in parents for lane in lanes[str(parent)]):
            found += [lane for lane in lanes[shard["ShardId"]] if lane not in done]
    return found


def tidy(tx: Tx, id: str, shards: list[dict[str, Any]]) -> None:
    """Forgets the places in shards that are no more."""
    known = {shard["ShardId"] for shard in shards}
    for key, _ in tx.scan(CHECKPOINTS, id):
        if key[1] not in known:
            tx.delete(CHECKPOINTS, *key)


async def resume(call: Call, feed: Feed, reading: Reading, lane: Lane) -> str:
    """An iterator for where a lane goes on, or begins."""
    checkpoint = call.read(checkpoint_of, lane)
    if checkpoint.after:
        return await feed.iterator(call, lane.shard, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=checkpoint.after)
    if checkpoint.iterator and call.now() - checkpoint.since < ITERATOR_SECONDS:
        return checkpoint.iterator
    since = checkpoint.since or reading.start_at
    if feed.is_kinesis and since is not None and (checkpoint.since or reading.start == "AT_TIMESTAMP"):
        return await feed.iterator(call, lane.shard, "AT_TIMESTAMP", Timestamp=min(since, call.now()))
    return await feed.iterator(call, lane.shard, "TRIM_HORIZON")
