"""How far each lane of each shard has come for a mapping: rows, so that a restart goes on where it was."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Call, Tx
from windtunnel.services.lambda_.sources.feeds import Feed
from windtunnel.services.lambda_.state import CHECKPOINTS, MAPPINGS, RESULTS, Checkpoint, Mapping


class Lane(msgspec.Struct, frozen=True):
    """One batch at a time of a shard: of all its records, or of those whose keys belong to the lane."""

    uuid: str
    shard: str
    number: int = 0


async def latest(call: Call, feed: Feed) -> list[tuple[str, Checkpoint]]:
    """Where a mapping begins that takes what comes from now on: at the end of each open shard, and not at all in closed ones."""
    begins: list[tuple[str, Checkpoint]] = []
    for shard in await feed.shards(call):
        if "EndingSequenceNumber" in shard["SequenceNumberRange"]:
            begins.append((shard["ShardId"], Checkpoint(done=True)))
        else:
            iterator = await feed.iterator(call, shard["ShardId"], "LATEST")
            begins.append((shard["ShardId"], Checkpoint(iterator=iterator, since=call.now())))
    return begins


def begin(tx: Tx, uuid: str, begins: list[tuple[str, Checkpoint]], lanes: int) -> None:
    for shard, checkpoint in begins:
        for number in range(lanes):
            write(tx, Lane(uuid, shard, number), checkpoint)


def checkpoint_of(tx: Tx, lane: Lane) -> Checkpoint:
    return tx.get(CHECKPOINTS, tx.account, tx.region, lane.uuid, lane.shard, lane.number) or Checkpoint()


def write(tx: Tx, lane: Lane, checkpoint: Checkpoint) -> None:
    """Writes a place down, unless the mapping went away while a batch was under way."""
    if tx.get(MAPPINGS, tx.account, tx.region, lane.uuid) is not None:
        tx.put(CHECKPOINTS, tx.account, tx.region, lane.uuid, lane.shard, lane.number, value=checkpoint)


def forget(tx: Tx, uuid: str) -> None:
    """Forgets a mapping's places, with the mapping."""
    for key, _ in tx.scan(CHECKPOINTS, tx.account, tx.region, uuid):
        tx.delete(CHECKPOINTS, *key)
    tx.delete(RESULTS, tx.account, tx.region, uuid)


def relane(tx: Tx, uuid: str, lanes: int) -> None:
    """Another number of lanes goes on where the slowest of a shard was: what the others had done already comes again."""
    shards: dict[str, list[Checkpoint]] = {}
    for key, row in list(tx.scan(CHECKPOINTS, tx.account, tx.region, uuid)):
        shards.setdefault(str(key[3]), []).append(row)
        tx.delete(CHECKPOINTS, *key)
    for shard, rows in shards.items():
        slowest = min(rows, key=lambda row: (row.done, int(row.after or 0)))
        begin(tx, uuid, [(shard, slowest)], lanes)


def startable(tx: Tx, uuid: str, mapping: Mapping, shards: list[dict[str, Any]]) -> list[Lane]:
    """The lanes that may run: of shards that are not done with, once their parents are."""
    numbers = range(mapping.parallel)
    known = {shard["ShardId"] for shard in shards}
    lanes = {shard["ShardId"]: [Lane(uuid, shard["ShardId"], number) for number in numbers] for shard in shards}
    done = {lane for several in lanes.values() for lane in several if checkpoint_of(tx, lane).done}
    found: list[Lane] = []
    for shard in shards:
        parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} & known
        if all(lane in done for parent in parents for lane in lanes[str(parent)]):
            found += [lane for lane in lanes[shard["ShardId"]] if lane not in done]
    return found


def tidy(tx: Tx, uuid: str, shards: list[dict[str, Any]]) -> None:
    """Forgets the places in shards that are no more."""
    known = {shard["ShardId"] for shard in shards}
    for key, _ in tx.scan(CHECKPOINTS, tx.account, tx.region, uuid):
        if key[3] not in known:
            tx.delete(CHECKPOINTS, *key)


async def resume(call: Call, feed: Feed, mapping: Mapping, lane: Lane) -> str:
    """An iterator for where a lane goes on, or begins."""
    checkpoint = call.read(checkpoint_of, lane)
    if checkpoint.after:
        return await feed.iterator(call, lane.shard, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=checkpoint.after)
    if checkpoint.iterator and call.now() - checkpoint.since < 300:
        return checkpoint.iterator
    since = checkpoint.since or mapping.start_at
    if feed.is_kinesis and since is not None and (checkpoint.since or mapping.start == "AT_TIMESTAMP"):
        return await feed.iterator(call, lane.shard, "AT_TIMESTAMP", Timestamp=min(since, call.now()))
    return await feed.iterator(call, lane.shard, "TRIM_HORIZON")


def result(tx: Tx, uuid: str, text: str) -> None:
    """Notes what came of a mapping's last batch."""
    if tx.get(RESULTS, tx.account, tx.region, uuid) != text and tx.get(MAPPINGS, tx.account, tx.region, uuid) is not None:
        tx.put(RESULTS, tx.account, tx.region, uuid, value=text)
