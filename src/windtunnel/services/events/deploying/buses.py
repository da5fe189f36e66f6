"""Event buses and their policies."""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import deletes, picked
from windtunnel.services.events.deploying.rules import BETWEEN
from windtunnel.services.events.state import DEFAULT

MADE_WITH = "Name Description EventSourceName KmsKeyIdentifier DeadLetterConfig LogConfig"
STATEMENT = "EventBusName Action Principal StatementId Condition"


async def _create_bus(at: At, properties: Properties) -> str:
    name = properties["Name"]
    await at.aws.events.create_event_bus({**picked(properties, MADE_WITH), "Tags": at.tag_list(properties.get("Tags"))})
    await at.made(name)
    if "Policy" in properties:
        await at.aws.events.put_permission({"EventBusName": name, "Policy": properties["Policy"]})
    return name


async def _update_bus(at: At, id: str, new: Properties, old: Properties) -> None:
    settings = picked(new, "Description KmsKeyIdentifier DeadLetterConfig LogConfig")
    await at.aws.events.update_event_bus({"Name": id, **settings})
    if "Policy" in new:
        await at.aws.events.put_permission({"EventBusName": id, "Policy": new["Policy"]})
    elif "Policy" in old:
        await at.aws.events.remove_permission({"EventBusName": id, "RemoveAllPermissions": True})
    arn = (await at.aws.events.describe_event_bus({"Name": id}))["Arn"]
    await at.retag(new, old, {"ResourceARN": arn}, at.aws.events.tag_resource, at.aws.events.untag_resource)


async def _told_bus(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return picked(await at.aws.events.describe_event_bus({"Name": id}), "Arn Name Policy")


async def _create_policy(at: At, properties: Properties) -> str:
    bus = {"EventBusName": properties.get("EventBusName")}
    if "Statement" in properties:
        statement = {**properties["Statement"], "Sid": properties["StatementId"]}
        known = await at.aws.events.describe_event_bus({"Name": properties.get("EventBusName")})
        kept = [one for one in _statements(known) if one.get("Sid") != properties["StatementId"]]
        await at.aws.events.put_permission({**bus, "Policy": {"Version": "2012-10-17", "Statement": [*kept, statement]}})
    else:
        await at.aws.events.put_permission(picked(properties, STATEMENT))
    return f"{properties.get('EventBusName', DEFAULT)}{BETWEEN}{properties['StatementId']}"


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    await _create_policy(at, new)


async def _delete_policy(at: At, id: str, properties: Properties) -> None:
    bus, _, statement = id.partition(BETWEEN)
    await at.aws.events.remove_permission({"EventBusName": bus, "StatementId": statement})


def _statements(bus: dict[str, Any]) -> list[dict[str, Any]]:
    return orjson.loads(bus["Policy"])["Statement"] if "Policy" in bus else []


BUS = Deploy(
    properties=f"{MADE_WITH} Policy Tags",
    required="Name",
    replaced="Name EventSourceName",
    create=_create_bus,
    update=_update_bus,
    delete=deletes("events", "delete_event_bus", "Name"),
    attributes=_told_bus,
    tagged=True,
)
POLICY = Deploy(
    properties=f"{STATEMENT} Statement",
    required="StatementId",
    replaced="EventBusName StatementId",
    create=_create_policy,
    update=_update_policy,
    delete=_delete_policy,
)
