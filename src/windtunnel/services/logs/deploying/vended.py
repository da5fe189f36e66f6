"""Deliveries of vended logs, with their sources and destinations."""

from __future__ import annotations

from functools import partial
from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import camel, changed, deletes, picked


async def _put_source(at: At, properties: Properties, tags: dict[str, str] | None) -> None:
    await at.aws.logs.put_delivery_source({**camel(picked(properties, "Name LogType ResourceArn")), "tags": tags})


async def _create_source(at: At, properties: Properties) -> str:
    await _put_source(at, properties, at.tags(properties.get("Tags")) or None)
    return str(properties["Name"])


async def _update_source(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_source(at, new, None)


async def _put_target(at: At, properties: Properties, tags: dict[str, str] | None) -> None:
    request = camel(picked(properties, "Name OutputFormat DeliveryDestinationType"))
    if "DestinationResourceArn" in properties:
        request["deliveryDestinationConfiguration"] = {"destinationResourceArn": properties["DestinationResourceArn"]}
    await at.aws.logs.put_delivery_destination({**request, "tags": tags})


async def _set_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "DeliveryDestinationPolicy") and new.get("DeliveryDestinationPolicy"):
        policy = new["DeliveryDestinationPolicy"].get("DeliveryDestinationPolicy", new["DeliveryDestinationPolicy"])
        await at.aws.logs.put_delivery_destination_policy({"deliveryDestinationName": id, "deliveryDestinationPolicy": policy})


async def _create_target(at: At, properties: Properties) -> str:
    name = str(properties["Name"])
    await _put_target(at, properties, at.tags(properties.get("Tags")) or None)
    await at.made(name)
    await _set_policy(at, name, properties, {})
    return name


async def _update_target(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_target(at, new, None)
    await _set_policy(at, id, new, old)


def _settings(properties: Properties) -> dict[str, Any]:
    bucket = {"suffixPath": properties.get("S3SuffixPath"), "enableHiveCompatiblePath": properties.get("S3EnableHiveCompatiblePath")}
    given = any(value is not None for value in bucket.values())
    return {**camel(picked(properties, "FieldDelimiter RecordFields")), "s3DeliveryConfiguration": bucket if given else None}


async def _create_delivery(at: At, properties: Properties) -> str:
    between = camel(picked(properties, "DeliveryDestinationArn DeliverySourceName"))
    tags = at.tags(properties.get("Tags")) or None
    return str((await at.aws.logs.create_delivery({**between, **_settings(properties), "tags": tags}))["delivery"]["id"])


async def _update_delivery(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.logs.update_delivery_configuration({"id": id, **_settings(new)})


async def _told(get: str, key: str, at: At, id: str, properties: Properties) -> dict[str, Any]:
    (found,) = (await getattr(at.aws.logs, get)({key: id})).values()
    return {f"{name[0].upper()}{name[1:]}": value for name, value in found.items() if isinstance(value, str)}


SOURCE = Deploy(
    properties="LogType Name ResourceArn Tags",
    required="Name",
    replaced="Name",
    create=_create_source,
    update=_update_source,
    delete=deletes("logs", "delete_delivery_source", "name"),
    attributes=partial(_told, "get_delivery_source", "name"),
)
TARGET = Deploy(
    properties="DeliveryDestinationPolicy DeliveryDestinationType DestinationResourceArn Name OutputFormat Tags",
    required="Name",
    replaced="DestinationResourceArn Name",
    create=_create_target,
    update=_update_target,
    delete=deletes("logs", "delete_delivery_destination", "name"),
    attributes=partial(_told, "get_delivery_destination", "name"),
)
DELIVERY = Deploy(
    properties="DeliveryDestinationArn DeliverySourceName FieldDelimiter RecordFields S3EnableHiveCompatiblePath S3SuffixPath Tags",
    required="DeliveryDestinationArn DeliverySourceName",
    replaced="DeliveryDestinationArn DeliverySourceName",
    create=_create_delivery,
    update=_update_delivery,
    delete=deletes("logs", "delete_delivery", "id"),
    attributes=partial(_told, "get_delivery", "id"),
)
