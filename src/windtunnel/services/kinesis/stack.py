"""How templates deploy streams, their consumers and policies.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Kinesis.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import changed, deletes, picked
from windtunnel.services.kinesis.state import STREAMS

NAME_CHARACTERS_MAX = 128
RETENTION_HOURS = 24
SETTINGS = "ShardCount RetentionPeriodHours StreamEncryption StreamModeDetails DesiredShardLevelMetrics MaxRecordSizeInKiB"
MODE = {"StreamMode": "PROVISIONED"}


async def _create(at: At, properties: Properties) -> str:
    name = properties["Name"]
    made = picked(properties, "ShardCount StreamModeDetails MaxRecordSizeInKiB")
    await at.aws.kinesis.create_stream({"StreamName": name, **made, "Tags": at.tags(properties.get("Tags")) or None})
    await at.made(name)
    await _update(at, name, properties, {**made, "StreamModeDetails": properties.get("StreamModeDetails")})
    return name


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    kinesis, named = at.aws.kinesis, {"StreamName": id}
    arn = (await _told(at, id, new))["Arn"]
    if changed(new, old, "StreamModeDetails"):
        await kinesis.update_stream_mode({"StreamARN": arn, "StreamModeDetails": new.get("StreamModeDetails") or MODE})
    if changed(new, old, "ShardCount") and "ShardCount" in new:
        await kinesis.update_shard_count({**named, "TargetShardCount": new["ShardCount"], "ScalingType": "UNIFORM_SCALING"})
    before, after = (int(one.get("RetentionPeriodHours", RETENTION_HOURS)) for one in (old, new))
    if after > before:
        await kinesis.increase_stream_retention_period({**named, "RetentionPeriodHours": after})
    elif after < before:
        await kinesis.decrease_stream_retention_period({**named, "RetentionPeriodHours": after})
    if changed(new, old, "StreamEncryption"):
        if old.get("StreamEncryption"):
            await kinesis.stop_stream_encryption({**named, **old["StreamEncryption"]})
        if new.get("StreamEncryption"):
            await kinesis.start_stream_encryption({**named, **new["StreamEncryption"]})
    if changed(new, old, "DesiredShardLevelMetrics"):
        if old.get("DesiredShardLevelMetrics"):
            await kinesis.disable_enhanced_monitoring({**named, "ShardLevelMetrics": ["ALL"]})
        if new.get("DesiredShardLevelMetrics"):
            await kinesis.enable_enhanced_monitoring({**named, "ShardLevelMetrics": new["DesiredShardLevelMetrics"]})
    if changed(new, old, "MaxRecordSizeInKiB"):
        await kinesis.update_max_record_size({"StreamARN": arn, "MaxRecordSizeInKiB": new.get("MaxRecordSizeInKiB", 1024)})
    await _tag(at, arn, new, old)


async def _tag(at: At, arn: str, new: Properties, old: Properties) -> None:
    await at.retag(new, old, {"ResourceARN": arn}, at.aws.kinesis.tag_resource, at.aws.kinesis.untag_resource, as_map=True)


async def _delete(at: At, id: str, properties: Properties) -> None:
    await at.aws.kinesis.delete_stream({"StreamName": id, "EnforceConsumerDeletion": True})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    known = (await at.aws.kinesis.describe_stream_summary({"StreamName": id}))["StreamDescriptionSummary"]
    return {"Arn": known["StreamARN"]}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    known = (await at.aws.kinesis.describe_stream_summary({"StreamName": id}))["StreamDescriptionSummary"]
    found = {"ShardCount": known["OpenShardCount"], "RetentionPeriodHours": known["RetentionPeriodHours"], "Name": id}
    found |= {name: known[name] for name in ("StreamModeDetails", "MaxRecordSizeInKiB")}
    return {**properties, **{name: value for name, value in found.items() if name in properties}}


async def _register(at: At, properties: Properties) -> str:
    request = {**picked(properties, "ConsumerName StreamARN"), "Tags": at.tags(properties.get("Tags")) or None}
    return str((await at.aws.kinesis.register_stream_consumer(request))["Consumer"]["ConsumerARN"])


async def _update_consumer(at: At, id: str, new: Properties, old: Properties) -> None:
    await _tag(at, id, new, old)


async def _deregister(at: At, id: str, properties: Properties) -> None:
    await at.aws.kinesis.deregister_stream_consumer({"ConsumerARN": id})


async def _told_consumer(at: At, id: str, properties: Properties) -> dict[str, Any]:
    known = (await at.aws.kinesis.describe_stream_consumer({"ConsumerARN": id}))["ConsumerDescription"]
    return {name: plain_text(value) for name, value in known.items()}


async def _set_policy(at: At, properties: Properties) -> str:
    arn = str(properties["ResourceArn"])
    await at.aws.kinesis.put_resource_policy({"ResourceARN": arn, "Policy": properties["ResourcePolicy"]})
    return arn


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    await _set_policy(at, new)


RESOURCES = (
    Resource(
        "AWS::Kinesis::Stream",
        STREAMS,
        "arn:aws:kinesis:{region}:{account}:stream/{0}",
        Deploy(
            properties=f"{SETTINGS} Name Tags",
            replaced="Name",
            name="Name",
            name_max=NAME_CHARACTERS_MAX,
            create=_create,
            update=_update,
            delete=_delete,
            attributes=_told,
            read=_read,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::Kinesis::StreamConsumer",
        deploy=Deploy(
            properties="ConsumerName StreamARN Tags",
            required="ConsumerName StreamARN",
            replaced="ConsumerName StreamARN",
            create=_register,
            update=_update_consumer,
            delete=_deregister,
            attributes=_told_consumer,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::Kinesis::ResourcePolicy",
        deploy=Deploy(
            properties="ResourceArn ResourcePolicy",
            required="ResourceArn ResourcePolicy",
            replaced="ResourceArn",
            create=_set_policy,
            update=_update_policy,
            delete=deletes("kinesis", "delete_resource_policy", "ResourceARN"),
        ),
    ),
)
