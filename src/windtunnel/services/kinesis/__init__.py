"""Amazon Kinesis Data Streams: records in order, by shard, for as long as a stream keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service
from windtunnel.services.kinesis import consumers, life, policies, reading, settings, shards, streams, subscribing, tags, writing
from windtunnel.services.kinesis.queues import queues, receiving
from windtunnel.services.kinesis.rules import hash_of
from windtunnel.services.kinesis.stack import RESOURCES


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a stream is a record. Who delivers names its partition key, or else the same body goes the same way."""
    record = {"Data": event.body.encode(), "PartitionKey": event.group_id or str(hash_of(event.body))}
    return "put_record", {"StreamARN": str(arn), **record, **event.parameters}


def _put(request: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[str, ...]:
    """What joins a record's sender to the functions that run for it: its stream and sequence number."""
    stream = request.get("StreamName") or request["StreamARN"].rpartition("/")[2]
    records = result.get("Records", (result,))
    return tuple(f"{stream}/{record['SequenceNumber']}" for record in records if "SequenceNumber" in record)


SERVICE = Service(
    "kinesis",
    modules=(streams, shards, settings, writing, reading, consumers, subscribing, tags, policies, queues, receiving),
    resources=RESOURCES,
    timers={"expire": life.expire, "sweep": life.sweep, "sweep_queue": life.sweep_queue},
    targets={"kinesis": _delivered},
    marks={"PutRecord": _put, "PutRecords": _put},
    # https://docs.aws.amazon.com/streams/latest/dev/logging-using-cloudtrail.html
    data_operations=(
        "GetRecords",
        "GetShardIterator",
        "PutRecord",
        "PutRecords",
        "SubscribeToShard",
        "ReceiveQueueRecords",
        "AcknowledgeQueueRecords",
    ),
)
