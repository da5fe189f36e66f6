"""Streams are created, described, listed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.pages import decode, encode
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.kinesis import life
from windtunnel.services.kinesis.queues.state import QUEUES
from windtunnel.services.kinesis.resharding import check_on_demand, check_room, listed, open_shards, printed
from windtunnel.services.kinesis.rules import (
    LISTED_MAX,
    ON_DEMAND_SHARDS,
    ON_DEMAND_STREAMS_MAX,
    SHARDS_MAX,
    invalid,
    not_valid,
    ranges,
    shard_number,
)
from windtunnel.services.kinesis.state import (
    CONSUMERS,
    COUNTS,
    ON_DEMAND,
    PROVISIONED,
    SHARDS,
    STREAMS,
    Found,
    Stream,
    arn_of,
    changed,
    find,
)
from windtunnel.services.kinesis.tagging import check_tags

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t


def create_stream(tx: Tx, req: t.CreateStreamInput) -> dict[str, Any]:
    name, count = req["StreamName"], req.get("ShardCount")
    default = ON_DEMAND if count is None else PROVISIONED
    mode = (req.get("StreamModeDetails") or {"StreamMode": default})["StreamMode"]
    if mode == ON_DEMAND and count is not None:
        raise not_valid("Requests to create on-demand streams can't have ShardCount. Remove ShardCount and try again.")
    if mode == PROVISIONED and count is None:
        raise not_valid("Requests to create provisioned streams must have ShardCount.")
    if mode == PROVISIONED and "WarmThroughputMiBps" in req:
        raise not_valid("WarmThroughputMiBps can only be set for on-demand streams.")
    distribution = req.get("RecordDistributionStrategy", "USER_PARTITION_KEY")
    if mode == PROVISIONED and distribution == "AUTO":
        raise invalid("RecordDistributionStrategy AUTO is only supported for on-demand streams.")
    if tx.get(STREAMS, name) is not None:
        raise Fault("ResourceInUseException", f"Stream {name} under account {tx.account} already exists.")
    tags = req.get("Tags") or {}
    check_tags(tx, arn_of(tx, name), tags)
    record_kib = req.get("MaxRecordSizeInKiB", 1024)
    stream = Stream(tx.serial(), int(tx.now), mode, record_kib=record_kib, warm=req.get("WarmThroughputMiBps"), distribution=distribution)
    found = Found(tx, name, stream)
    if mode == PROVISIONED:
        check_room(found, count or 0)
    else:
        check_on_demand(tx)
        tx.add(COUNTS, "streams", amount=1)
    open_shards(found, *ranges(count or ON_DEMAND_SHARDS))
    set_tags(tx, found.arn, tags)
    return {}


def delete_stream(tx: Tx, req: t.DeleteStreamInput) -> dict[str, Any]:
    found = find(tx, req)
    stream, tx = found.stream, found.tx
    if tx.count(CONSUMERS, "stream", stream.id) and not req.get("EnforceConsumerDeletion"):
        raise Fault(
            "ResourceInUseException",
            f"Stream {found.name} under account {tx.account} has registered consumers. Set EnforceConsumerDeletion, or deregister them.",
        )
    if tx.count(QUEUES, "of", stream.id):
        raise Fault("ResourceInUseException", f"Stream {found.name} under account {tx.account} has queues. Delete them first.")
    tx.delete(STREAMS, found.name)
    remove_all_tags(tx, found.arn)
    for key, _ in tx.find(SHARDS, "open", stream.id):
        tx.wake(*changed(stream.id, int(key[1] or 0)))
    if stream.mode == PROVISIONED:
        tx.add(COUNTS, "shards", amount=-stream.open)
    else:
        tx.add(COUNTS, "streams", amount=-1)
    life.abandon(tx, stream.id)
    return {}


def describe_stream(tx: Tx, req: t.DescribeStreamInput) -> dict[str, Any]:
    found = find(tx, req)
    limit = min(req.get("Limit", LISTED_MAX), LISTED_MAX)
    after = req.get("ExclusiveStartShardId")
    start = 0 if after is None else (shard_number(after) or 0) + 1
    shards: list[dict[str, Any]] = []
    more = False
    for number, shard in listed(found, start):
        if len(shards) == limit:
            more = True
            break
        shards.append(printed(number, shard))
    return {"StreamDescription": _common(found) | {"Shards": shards, "HasMoreShards": more}}


def describe_stream_summary(tx: Tx, req: t.DescribeStreamSummaryInput) -> dict[str, Any]:
    found = find(tx, req)
    stream = found.stream
    shown = _common(found) | {
        "OpenShardCount": stream.open,
        "ConsumerCount": found.tx.count(CONSUMERS, "stream", stream.id),
        "MaxRecordSizeInKiB": stream.record_kib,
        "QueueCount": found.tx.count(QUEUES, "of", stream.id),
    }
    if stream.mode == ON_DEMAND:
        shown["RecordDistributionStrategy"] = stream.distribution
    if stream.warm is not None:
        shown["WarmThroughput"] = {"TargetMiBps": stream.warm, "CurrentMiBps": stream.warm}
    return {"StreamDescriptionSummary": shown}


def list_streams(tx: Tx, req: t.ListStreamsInput) -> dict[str, Any]:
    limit, after = min(req.get("Limit", LISTED_MAX), LISTED_MAX), req.get("ExclusiveStartStreamName", "")
    if token := req.get("NextToken"):
        try:
            (after,) = decode(token)
        except ValueError as error:
            raise invalid("NextToken is invalid.") from error
    rows = [(str(key[0]), stream) for key, stream in tx.scan(STREAMS, start=(after,), limit=limit + 2) if key[0] != after]
    page = rows[:limit]
    shown: dict[str, Any] = {
        "StreamNames": [name for name, _ in page],
        "HasMoreStreams": len(rows) > limit,
        "StreamSummaries": [
            {
                "StreamName": name,
                "StreamARN": arn_of(tx, name),
                "StreamStatus": "ACTIVE",
                "StreamModeDetails": {"StreamMode": stream.mode},
                "StreamCreationTimestamp": stream.created,
            }
            for name, stream in page
        ],
    }
    return shown | ({"NextToken": encode((page[-1][0],))} if len(rows) > limit else {})


def describe_limits(tx: Tx, req: t.DescribeLimitsInput) -> dict[str, Any]:
    return {
        "ShardLimit": SHARDS_MAX,
        "OpenShardCount": int(tx.amount(COUNTS, "shards")),
        "OnDemandStreamCount": int(tx.amount(COUNTS, "streams")),
        "OnDemandStreamCountLimit": ON_DEMAND_STREAMS_MAX,
    }


def _common(found: Found) -> dict[str, Any]:
    """What both descriptions of a stream say. It is ready when it is asked for."""
    stream = found.stream
    shown: dict[str, Any] = {
        "StreamName": found.name,
        "StreamARN": found.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": stream.mode},
        "RetentionPeriodHours": stream.retention,
        "StreamCreationTimestamp": stream.created,
        "EnhancedMonitoring": [{"ShardLevelMetrics": stream.metrics}],
        "EncryptionType": stream.encryption,
    }
    return shown | ({"KeyId": stream.key} if stream.key else {})
