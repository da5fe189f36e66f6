"""Delivery streams are created, described, listed, changed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.firehose import sources
from windtunnel.services.firehose.rules import STREAMS_MAX, checked_key, invalid, part
from windtunnel.services.firehose.settings import DESTINATION, chosen, described, updated
from windtunnel.services.firehose.state import BUFFERS, CHECKPOINTS, DIRECT, KINESIS, STREAMS, Checkpoint, Stream, arn_of, find, gone, keep

if TYPE_CHECKING:
    from windtunnel.aws.types import firehose as t

LISTED = 10
SOURCES = {DIRECT: "DirectPutSourceConfiguration", KINESIS: "KinesisStreamSourceConfiguration"}


async def create_delivery_stream(call: Call, req: t.CreateDeliveryStreamInput) -> dict[str, Any]:
    kind = req.get("DeliveryStreamType", DIRECT)
    if kind not in SOURCES:
        raise Fault("NotImplemented", f"windtunnel's Firehose takes records directly and from Kinesis, not yet {kind}.", status=501)
    source = req.get("KinesisStreamSourceConfiguration")
    if (kind == KINESIS) != (source is not None):
        raise invalid(f"KinesisStreamSourceConfiguration goes with delivery streams of type {KINESIS}, and only with these.")
    begins: dict[str, Checkpoint] = {}
    call.read(_check_name, req["DeliveryStreamName"])
    chosen(req)
    if source is not None:
        try:
            begins = await sources.begins(call, source["KinesisStreamARN"])
        except Fault as fault:
            raise invalid(fault.message) from fault
    return await call.transact(_create, req, begins)


def _check_name(tx: Tx, name: str) -> None:
    if tx.get(STREAMS, name) is not None:
        raise Fault("ResourceInUseException", f"Firehose {name} under accountId {tx.account} already exists")
    if tx.count(STREAMS, "all") >= STREAMS_MAX:
        raise Fault("LimitExceededException", f"You have already consumed your Firehose quota of {STREAMS_MAX} hoses.")


def _create(tx: Tx, req: t.CreateDeliveryStreamInput, begins: dict[str, Checkpoint]) -> dict[str, Any]:
    name = req["DeliveryStreamName"]
    _check_name(tx, name)
    kind, settings = chosen(req)
    encryption = req.get("DeliveryStreamEncryptionConfigurationInput")
    stream = Stream(
        tx.serial(),
        tx.now,
        req.get("DeliveryStreamType", DIRECT),
        kind,
        settings,
        source=part(req, "KinesisStreamSourceConfiguration"),
        direct=part(req, "DirectPutSourceConfiguration"),
        encryption=checked_key(encryption) if encryption else {},
    )
    tx.put(STREAMS, name, value=stream)
    set_tags(tx, arn_of(tx, name), {tag["Key"]: tag.get("Value", "") for tag in req.get("Tags") or []})
    for shard, checkpoint in begins.items():
        tx.put(CHECKPOINTS, stream.id, shard, value=checkpoint)
    if stream.source:
        tx.timer(tx.now, "read", {"name": name, "id": stream.id})
    return {"DeliveryStreamARN": arn_of(tx, name)}


def delete_delivery_stream(tx: Tx, req: t.DeleteDeliveryStreamInput) -> dict[str, Any]:
    """What waits in a stream's buffers goes with it, as in AWS."""
    name, stream = find(tx, req)
    tx.delete(STREAMS, name)
    tx.delete(BUFFERS, stream.id)
    remove_all_tags(tx, arn_of(tx, name))
    tx.timer(tx.now, "sweep", {"id": stream.id})
    tx.wake(*gone(stream.id))
    return {}


def describe_delivery_stream(tx: Tx, req: t.DescribeDeliveryStreamInput) -> dict[str, Any]:
    name, stream = find(tx, req)
    shown: dict[str, Any] = {
        "DeliveryStreamName": name,
        "DeliveryStreamARN": arn_of(tx, name),
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": stream.type,
        "VersionId": str(stream.version),
        "CreateTimestamp": stream.created,
        "Destinations": [described(stream)],
        "HasMoreDestinations": False,
    }
    if stream.type == DIRECT:
        encryption = {"Status": "ENABLED", **stream.encryption} if stream.encryption else {"Status": "DISABLED"}
        shown["DeliveryStreamEncryptionConfiguration"] = encryption
    if stream.updated:
        shown["LastUpdateTimestamp"] = stream.updated
    if stream.source:
        shown["Source"] = {"KinesisStreamSourceDescription": {**stream.source, "DeliveryStartTimestamp": stream.created}}
    elif stream.direct:
        shown["Source"] = {"DirectPutSourceDescription": stream.direct}
    return {"DeliveryStreamDescription": shown}


def list_delivery_streams(tx: Tx, req: t.ListDeliveryStreamsInput) -> dict[str, Any]:
    after, limit, kind = req.get("ExclusiveStartDeliveryStreamName", ""), req.get("Limit", LISTED), req.get("DeliveryStreamType")
    names: list[str] = []
    for key, stream in tx.scan(STREAMS, start=(after,)):
        if key[0] != after and kind in (None, stream.type):
            names.append(str(key[0]))
        if len(names) > limit:
            break
    return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}


def update_destination(tx: Tx, req: t.UpdateDestinationInput) -> dict[str, Any]:
    name, stream = find(tx, req)
    if req["CurrentDeliveryStreamVersionId"] != str(stream.version):
        raise Fault(
            "ConcurrentModificationException",
            f"Cannot update firehose: {name} since the current version id: {stream.version} and specified version id: "
            f"{req['CurrentDeliveryStreamVersionId']} do not match",
        )
    if req["DestinationId"] != DESTINATION:
        raise invalid(f"Destination Id {req['DestinationId']} not found")
    keep(tx, name, stream, settings=updated(stream, req), version=stream.version + 1)
    return {}
