"""Kinesis streams that are read for delivery streams, from when these were made on.

What is read comes into the buffer in the transaction that notes how far it got: nothing is lost, and nothing comes twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.firehose import buffers
from windtunnel.services.firehose.aggregated import parts
from windtunnel.services.firehose.state import CHECKPOINTS, STREAMS, Checkpoint, Record, Stream, gone

WAIT, WAIT_SECONDS = "WaitSeconds", 86_400
"""Kinesis answers a service that asks for it once there is a record."""
LIMIT = 10_000
FRESH_SECONDS = 300
PAUSE_SECONDS_MAX = 60.0
ASK_AGAIN_SECONDS = 1.0


async def begins(call: Call, arn: str) -> dict[str, Checkpoint]:
    """Where a new delivery stream begins: at the end of each open shard. Raises the fault of a stream that isn't there."""
    found: dict[str, Checkpoint] = {}
    for shard in await _shards(call, arn):
        if "EndingSequenceNumber" in shard["SequenceNumberRange"]:
            found[shard["ShardId"]] = Checkpoint(done=True)
        else:
            iterator = await _iterator(call, arn, shard["ShardId"], "LATEST")
            found[shard["ShardId"]] = Checkpoint(iterator=iterator, since=call.now())
    return found


async def read(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: reads a source for as long as its delivery stream is there; so it goes on after a restart."""
    name, stream_id, failures = payload["name"], payload["id"], 0
    call = Call(call.cloud, msgspec.structs.replace(call.scope, cause=""), call.service)
    tasks: dict[str, asyncio.Task[None]] = {}
    ended: list[str] = []
    try:
        while (stream := call.read(_stream, name, stream_id)) is not None:
            arn, before = stream.source["KinesisStreamARN"], len(ended)
            try:
                shards = await _shards(call, arn)
            except Fault:
                # The source is gone, or may not be read: it may come back.
                failures += 1
                await call.wait(gone(stream_id), until=call.now() + min(2.0**failures, PAUSE_SECONDS_MAX))
                continue
            failures = 0
            if call.read(_stream, name, stream_id) is None:
                return
            for shard in call.read(_startable, stream_id, shards):
                if shard not in tasks:
                    tasks[shard] = call.spawn(_shard(call, name, stream, shard))
                    tasks[shard].add_done_callback(partial(_over, call, tasks, ended, shard, stream_id))
            if len(ended) == before:  # or one has ended meanwhile, and what follows it is not among these
                await call.wait(gone(stream_id))
    finally:
        for task in tasks.values():
            call.cloud.loop.give_up(task)


def _over(call: Call, tasks: dict[str, asyncio.Task[None]], ended: list[str], shard: str, stream: int, _: asyncio.Task[None]) -> None:
    tasks.pop(shard, None)
    ended.append(shard)
    call.cloud.loop.wake([gone(stream)])


async def _shard(call: Call, name: str, stream: Stream, shard: str) -> None:
    arn, iterator, failures = stream.source["KinesisStreamARN"], None, 0
    while call.read(_stream, name, stream.id) is not None:
        try:
            iterator = iterator or await _resume(call, arn, stream.id, shard)
            request: Any = {"ShardIterator": iterator, "Limit": LIMIT, WAIT: WAIT_SECONDS}
            answer: Any = await _at(call, arn).aws.kinesis.get_records(request)
        except Fault:
            iterator, failures = None, failures + 1
            if failures > 1:
                return
            await call.wait(until=call.now() + ASK_AGAIN_SECONDS)
            continue
        failures, iterator = 0, answer.get("NextShardIterator")
        await call.transact(_take, name, stream.id, shard, answer["Records"], iterator is None)
        if iterator is None:
            return


def _take(tx: Tx, name: str, stream_id: int, shard: str, records: list[dict[str, Any]], ended: bool) -> None:
    stream = _stream(tx, name, stream_id)
    if stream is None:
        return
    rows = [
        Record(data, record["ApproximateArrivalTimestamp"], _origin(record, shard, number))
        for record in records
        for number, data in enumerate(parts(record["Data"]))
    ]
    if rows:
        buffers.add(tx, name, stream, rows)
    if ended:
        tx.put(CHECKPOINTS, stream_id, shard, value=Checkpoint(done=True))
    elif records:
        tx.put(CHECKPOINTS, stream_id, shard, value=Checkpoint(after=records[-1]["SequenceNumber"]))


def _origin(record: Mapping[str, Any], shard: str, number: int) -> dict[str, Any]:
    return {
        "sequenceNumber": record["SequenceNumber"],
        "subsequenceNumber": number,
        "partitionKey": record.get("PartitionKey", ""),
        "shardId": shard,
        "approximateArrivalTimestamp": int(record["ApproximateArrivalTimestamp"] * 1000),
    }


def _stream(tx: Tx, name: str, stream_id: int) -> Stream | None:
    stream = tx.get(STREAMS, name)
    return stream if stream is not None and stream.id == stream_id else None


def _startable(tx: Tx, stream_id: int, shards: list[dict[str, Any]]) -> list[str]:
    """The shards to read: those that are not done with, once their parents are."""
    known = {shard["ShardId"] for shard in shards}
    done = {str(key[1]) for key, row in tx.scan(CHECKPOINTS, stream_id) if row.done}
    return [
        shard["ShardId"]
        for shard in shards
        if shard["ShardId"] not in done and {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} & known <= done
    ]


async def _resume(call: Call, arn: str, stream_id: int, shard: str) -> str:
    checkpoint = call.read(lambda tx: tx.get(CHECKPOINTS, stream_id, shard)) or Checkpoint()
    if checkpoint.after:
        return await _iterator(call, arn, shard, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=checkpoint.after)
    if checkpoint.iterator and call.now() - checkpoint.since < FRESH_SECONDS:
        return checkpoint.iterator
    if checkpoint.since:
        return await _iterator(call, arn, shard, "AT_TIMESTAMP", Timestamp=checkpoint.since)
    return await _iterator(call, arn, shard, "TRIM_HORIZON")


async def _iterator(call: Call, arn: str, shard: str, kind: str, **more: Any) -> str:
    request: Any = {"StreamARN": arn, "ShardId": shard, "ShardIteratorType": kind, **more}
    answer: Any = await _at(call, arn).aws.kinesis.get_shard_iterator(request)
    return answer["ShardIterator"]


async def _shards(call: Call, arn: str) -> list[dict[str, Any]]:
    found, request = list[dict[str, Any]](), dict[str, Any](StreamARN=arn)
    while True:
        answer: Any = await _at(call, arn).aws.kinesis.list_shards(request)  # pyright: ignore[reportArgumentType]
        found += answer["Shards"]
        if not answer.get("NextToken"):
            return found
        request = {"StreamARN": arn, "NextToken": answer["NextToken"]}


def _at(call: Call, arn: str) -> Call:
    place = parse(arn)
    return call.at(account=place.account, region=place.region)
