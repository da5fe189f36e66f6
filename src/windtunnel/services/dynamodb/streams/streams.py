"""The operations of DynamoDB Streams, which is a service of its own to its clients.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.dynamodb.lookup import name_of
from windtunnel.services.dynamodb.state import CHANGES, STREAMS, stream_arn
from windtunnel.services.dynamodb.streams.journal import RETENTION_SECONDS, channel
from windtunnel.services.dynamodb.streams.reading import (
    Iterator,
    check_there,
    find_stream,
    printed,
    read_iterator,
    sequence,
    sequence_of,
    shard_id,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodbstreams as t

LISTED_MAX = 100
RECORDS_MAX = 1_000
PAGE_BYTES_MAX = 1 << 20
WAIT = "WaitSeconds"
"""A member of GetRecords that no client can give: Lambda, which polls streams, waits so long for the next change."""


def list_streams(tx: Tx, req: t.ListStreamsInput) -> dict[str, Any]:
    limit = req.get("Limit", LISTED_MAX)
    prefix = (name_of(tx, req["TableName"]),) if "TableName" in req else ()
    start: tuple[Any, ...] | None = None
    if "ExclusiveStartStreamArn" in req:
        last = find_stream(tx, req["ExclusiveStartStreamArn"]).shard
        start = (last.label, True) if prefix else (last.table, last.label, True)
    shards = [shard for _, shard in tx.scan(STREAMS, *prefix, start=start, limit=limit + 1)]
    streams = [
        {"StreamArn": stream_arn(tx.region, tx.account, shard.table, shard.label), "TableName": shard.table, "StreamLabel": shard.label}
        for shard in shards[:limit]
    ]
    return {"Streams": streams, **({"LastEvaluatedStreamArn": streams[-1]["StreamArn"]} if len(shards) > limit else {})}


def describe_stream(tx: Tx, req: t.DescribeStreamInput) -> dict[str, Any]:
    found = find_stream(tx, req["StreamArn"])
    shard, after = found.shard, req.get("ExclusiveStartShardId")
    reach = {"StartingSequenceNumber": sequence(shard.first)}
    if shard.last:
        reach["EndingSequenceNumber"] = sequence(shard.last)
    shards: list[dict[str, Any]] = [{"ShardId": shard_id(shard), "SequenceNumberRange": reach}]
    schema = [{"AttributeName": name, "KeyType": kind} for name, kind in zip(shard.keys, ("HASH", "RANGE"), strict=False)]
    shown: dict[str, Any] = {
        "StreamArn": req["StreamArn"],
        "StreamLabel": shard.label,
        "StreamStatus": "DISABLED" if shard.last else "ENABLED",
        "StreamViewType": shard.view,
        "CreationRequestDateTime": shard.created,
        "TableName": shard.table,
        "KeySchema": schema,
        "Shards": [one for one in shards if after is None or one["ShardId"] > after],
    }
    return {"StreamDescription": shown}


def get_shard_iterator(tx: Tx, req: t.GetShardIteratorInput) -> t.GetShardIteratorOutput:
    found = find_stream(tx, req["StreamArn"])
    shard, kind = found.shard, req["ShardIteratorType"]
    if req["ShardId"] != shard_id(shard):
        raise Fault("ResourceNotFoundException", f"Requested resource not found: Shard does not exist: {req['ShardId']}")
    given = req.get("SequenceNumber")
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        if given is None:
            raise invalid(f"SequenceNumber must be specified when ShardIteratorType is {kind}")
        at = sequence_of(given)
        if at < shard.first or (shard.last and at > shard.last):
            raise invalid(
                "Invalid SequenceNumber: The SequenceNumber is not within the range of the shard. "
                f"StreamArn: {req['StreamArn']}, ShardId: {req['ShardId']}, SequenceNumber: {given}"
            )
        # Lambda goes on behind what it has read last, however long ago that was.
        if kind == "AT_SEQUENCE_NUMBER" or tx.scope.principal.kind != "AWSService":
            check_there(found.tx, shard, at)
        at += kind == "AFTER_SEQUENCE_NUMBER"
    elif given is not None:
        raise invalid(f"SequenceNumber must not be specified when ShardIteratorType is {kind}")
    else:
        at = tx.serial() if kind == "LATEST" else 0
    return {"ShardIterator": Iterator(req["StreamArn"], at, tx.now).text()}


async def get_records(call: Call, req: t.GetRecordsInput) -> dict[str, Any]:
    """Answers at once, but a service of AWS's that asks for it once there is a change."""
    iterator, limit = call.read(read_iterator, req["ShardIterator"]), req.get("Limit", RECORDS_MAX)
    by_service = call.scope.principal.kind == "AWSService"
    deadline = call.now() + (float(req.get(WAIT, 0)) if by_service else 0)  # pyright: ignore[reportArgumentType]
    while True:
        answer, stream = await call.gather(_get, iterator, limit)
        if answer["Records"] or "NextShardIterator" not in answer or call.now() >= deadline:
            return answer
        if not await call.wait(channel(stream), until=deadline):
            return answer


def _get(tx: Tx, iterator: Iterator, limit: int) -> tuple[dict[str, Any], int]:
    found = find_stream(tx, iterator.arn)
    tx, shard = found.tx, found.shard
    check_there(tx, shard, iterator.at)
    oldest = tx.now - RETENTION_SECONDS
    records: list[dict[str, Any]] = []
    following, size = iterator.at, 0
    whole = True
    for key, change in tx.scan(CHANGES, shard.number, start=(iterator.at,)):
        at = int(key[1] or 0)
        if change.at <= oldest:
            following = at + 1
            continue
        if len(records) == limit or size >= PAGE_BYTES_MAX:
            whole = False
            break
        records.append(printed(tx, shard, at, change))
        size += change.size
        following = at + 1
    shown: dict[str, Any] = {"Records": records}
    if whole and shard.last:
        return shown, shard.number
    return {**shown, "NextShardIterator": Iterator(iterator.arn, following, tx.now).text()}, shard.number
