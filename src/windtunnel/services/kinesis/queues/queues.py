"""Queues are created, described, listed, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.pages import decode, encode
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.kinesis.places import start_of
from windtunnel.services.kinesis.queues.state import CURSORS, QUEUES, Opened, Queue, attributes_of, find_queue, grown, queue_arn
from windtunnel.services.kinesis.rules import CONSUMERS_MAX, LISTED_MAX, invalid, not_valid, shard_id
from windtunnel.services.kinesis.state import CONSUMERS, ON_DEMAND, SHARDS, arn_of, find_arn
from windtunnel.services.kinesis.tagging import check_tags

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t


def create_queue(tx: Tx, req: t.CreateQueueInput) -> dict[str, Any]:
    name = req["QueueName"]
    if len(req["StreamConfigurationList"]) != 1:
        raise not_valid("StreamConfigurationList must contain exactly one entry.")
    (source,) = req["StreamConfigurationList"]
    found = find_arn(tx, source["StreamARN"])
    start: Mapping[str, Any] = source.get("StartingPosition") or {"Type": "LATEST"}
    if (start["Type"] == "AT_TIMESTAMP") != ("Timestamp" in start):
        raise not_valid("Timestamp must be specified where Type is AT_TIMESTAMP, and only there.")
    if found.stream.mode != ON_DEMAND:
        raise not_valid("Queues are supported only on data streams in on-demand capacity mode.")
    if next(tx.find(QUEUES, "name", name, limit=1), None) is not None:
        raise Fault("ResourceInUseException", f"Queue {name} under account {tx.account} already exists.")
    stream = found.stream
    if tx.count(CONSUMERS, "stream", stream.id) + tx.count(QUEUES, "of", stream.id) >= CONSUMERS_MAX:
        raise Fault("LimitExceededException", f"Stream {found.name} under account {tx.account} already has {CONSUMERS_MAX} consumers.")
    queue_id = tx.new_id().replace("-", "")
    arn = queue_arn(tx, queue_id)
    check_tags(tx, arn, req.get("Tags") or {})
    queue = Queue(name, found.name, stream.id, tx.now, dict(start), **attributes_of(req.get("QueueAttributes") or {}))
    tx.put(QUEUES, queue_id, value=queue)
    set_tags(tx, arn, req.get("Tags") or {})
    for key, shard in tx.scan(SHARDS, stream.id):
        number = int(key[1] or 0)
        place = start_of(found, number, shard, start["Type"], None, start.get("Timestamp"), f"CreateQueue on {shard_id(number)}")
        tx.put(CURSORS, queue_id, number, value=place)
    return {"QueueDescription": _described(Opened(found, queue_id, queue), "CREATING")}


def delete_queue(tx: Tx, req: t.DeleteQueueInput) -> dict[str, Any]:
    opened = find_queue(tx, req["QueueARN"])
    tx = opened.tx
    tx.delete(QUEUES, opened.id)
    remove_all_tags(tx, req["QueueARN"])
    tx.timer(tx.now, "sweep_queue", {"id": opened.id})
    tx.wake(*grown(opened.id))
    return {}


def describe_queue(tx: Tx, req: t.DescribeQueueInput) -> dict[str, Any]:
    return {"QueueDescription": _described(find_queue(tx, req["QueueARN"]))}


def update_queue(tx: Tx, req: t.UpdateQueueInput) -> dict[str, Any]:
    opened = find_queue(tx, req["QueueARN"])
    queue = msgspec.structs.replace(opened.queue, **attributes_of(req["QueueAttributes"]))
    opened.tx.put(QUEUES, opened.id, value=queue)
    return {"QueueDescription": _described(Opened(opened.found, opened.id, queue), "UPDATING")}


def list_queues(tx: Tx, req: t.ListQueuesInput) -> dict[str, Any]:
    after = ""
    if token := req.get("NextToken"):
        try:
            (after,) = decode(token)
        except ValueError as error:
            raise invalid("NextToken is invalid.") from error
    limit = min(req.get("MaxResults", LISTED_MAX), LISTED_MAX)
    wanted = req.get("StreamFilter") or []
    if wanted:
        stream = find_arn(tx, wanted[0]["StreamARN"]).stream
        rows = tx.find(QUEUES, "stream", stream.id, start=(after,), limit=limit + 2)
    else:
        rows = tx.scan(QUEUES, start=(after,), limit=limit + 2)
    found = [(str(key[0]), queue) for key, queue in rows if key[0] != after]
    shown: dict[str, Any] = {"QueueSummaries": [_summary(tx, queue_id, queue) for queue_id, queue in found[:limit]]}
    return shown | ({"NextToken": encode((found[limit - 1][0],))} if len(found) > limit else {})


def _summary(tx: Tx, queue_id: str, queue: Queue) -> dict[str, Any]:
    source = {"StreamARN": arn_of(tx, queue.stream), "StreamCreationTimestamp": find_arn(tx, arn_of(tx, queue.stream)).stream.created}
    return _named(tx, queue_id, queue, "ACTIVE") | {"Streams": [source]}


def _described(opened: Opened, status: str = "ACTIVE") -> dict[str, Any]:
    """A queue is ready when it is asked for; only what makes or changes it says that this is under way."""
    queue = opened.queue
    letters = {"TargetType": "BUILT_IN", "MaxReceiveCount": queue.receives} if queue.receives else {"TargetType": "NONE"}
    return _named(opened.tx, opened.id, queue, status) | {
        "StreamConfigurationList": [{"StreamARN": arn_of(opened.tx, queue.stream), "StartingPosition": queue.start}],
        "QueueAttributes": {"VisibilityTimeoutSeconds": queue.visibility, "DeadLetterConfiguration": letters},
    }


def _named(tx: Tx, queue_id: str, queue: Queue, status: str) -> dict[str, Any]:
    return {"QueueName": queue.name, "QueueARN": queue_arn(tx, queue_id), "QueueStatus": status, "QueueCreationTimestamp": queue.created}
