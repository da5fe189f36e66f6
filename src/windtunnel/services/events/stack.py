"""How templates deploy buses, rules and what belongs to them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Events.html
"""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import picked
from windtunnel.services.events.state import API_DESTINATIONS, ARCHIVES, BUSES, CONNECTIONS, DEFAULT, ENDPOINTS, RULES

BUS = "Name Description EventSourceName KmsKeyIdentifier DeadLetterConfig LogConfig"
RULE = "Name EventBusName EventPattern ScheduleExpression Description State RoleArn"
ARCHIVE = "ArchiveName Description EventPattern RetentionDays KmsKeyIdentifier"
CONNECTION = "Name Description AuthorizationType AuthParameters InvocationConnectivityParameters KmsKeyIdentifier"
DESTINATION = "Name Description ConnectionArn InvocationEndpoint HttpMethod InvocationRateLimitPerSecond"
ENDPOINT = "Name Description RoutingConfig ReplicationConfig EventBuses RoleArn"
STATEMENT = "EventBusName Action Principal StatementId Condition"
BETWEEN = "|"
"""Between the bus and the name of a rule of another bus than the default one, in its id."""


async def _create_bus(at: At, properties: Properties) -> str:
    name = properties["Name"]
    await at.aws.events.create_event_bus({**picked(properties, BUS), "Tags": at.tag_list(properties.get("Tags"))})
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
    await _retag(at, (await at.aws.events.describe_event_bus({"Name": id}))["Arn"], new, old)


async def _delete_bus(at: At, id: str, properties: Properties) -> None:
    await at.aws.events.delete_event_bus({"Name": id})


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


def _rule_key(id: str) -> dict[str, str]:
    bus, _, name = id.rpartition(BETWEEN)
    return {"Name": name, "EventBusName": bus or DEFAULT}


async def _put_rule(at: At, properties: Properties) -> str:
    await at.aws.events.put_rule({**picked(properties, RULE), "Tags": at.tag_list(properties.get("Tags"))})
    bus = str(properties.get("EventBusName") or DEFAULT).rpartition("/")[2]
    return properties["Name"] if bus == DEFAULT else f"{bus}{BETWEEN}{properties['Name']}"


async def _create_rule(at: At, properties: Properties) -> str:
    id = await _put_rule(at, properties)
    await at.made(id)
    await _put_targets(at, id, properties)
    return id


async def _put_targets(at: At, id: str, properties: Properties) -> None:
    if targets := properties.get("Targets"):
        key = _rule_key(id)
        await at.aws.events.put_targets({"Rule": key["Name"], "EventBusName": key["EventBusName"], "Targets": targets})


async def _remove_targets(at: At, id: str, ids: list[str]) -> None:
    if ids:
        key = _rule_key(id)
        await at.aws.events.remove_targets({"Rule": key["Name"], "EventBusName": key["EventBusName"], "Ids": ids})


async def _update_rule(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_rule(at, new)
    kept = {target["Id"] for target in new.get("Targets", [])}
    await _remove_targets(at, id, [target["Id"] for target in old.get("Targets", []) if target["Id"] not in kept])
    await _put_targets(at, id, new)
    await _retag(at, (await at.aws.events.describe_rule(_rule_key(id)))["Arn"], new, old)


async def _delete_rule(at: At, id: str, properties: Properties) -> None:
    key = _rule_key(id)
    listed = await at.aws.events.list_targets_by_rule({"Rule": key["Name"], "EventBusName": key["EventBusName"]})
    await _remove_targets(at, id, [target["Id"] for target in listed["Targets"]])
    await at.aws.events.delete_rule(key)


async def _told_rule(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.events.describe_rule(_rule_key(id)))["Arn"]}


async def _create_archive(at: At, properties: Properties) -> str:
    await at.aws.events.create_archive({**picked(properties, ARCHIVE), "EventSourceArn": properties["SourceArn"]})
    return properties["ArchiveName"]


async def _update_archive(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.events.update_archive({**picked(new, ARCHIVE), "ArchiveName": id})


async def _delete_archive(at: At, id: str, properties: Properties) -> None:
    await at.aws.events.delete_archive({"ArchiveName": id})


async def _told_archive(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.events.describe_archive({"ArchiveName": id}))["ArchiveArn"]}


async def _create_connection(at: At, properties: Properties) -> str:
    await at.aws.events.create_connection(picked(properties, CONNECTION))
    return properties["Name"]


async def _update_connection(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.events.update_connection({**picked(new, CONNECTION), "Name": id})


async def _delete_connection(at: At, id: str, properties: Properties) -> None:
    await at.aws.events.delete_connection({"Name": id})


async def _told_connection(at: At, id: str, properties: Properties) -> dict[str, Any]:
    shown = await at.aws.events.describe_connection({"Name": id})
    arn = shown["ConnectionArn"]
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0], "SecretArn": shown.get("SecretArn", "")}


async def _create_destination(at: At, properties: Properties) -> str:
    await at.aws.events.create_api_destination(picked(properties, DESTINATION))
    return properties["Name"]


async def _update_destination(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.events.update_api_destination({**picked(new, DESTINATION), "Name": id})


async def _delete_destination(at: At, id: str, properties: Properties) -> None:
    await at.aws.events.delete_api_destination({"Name": id})


async def _told_destination(at: At, id: str, properties: Properties) -> dict[str, Any]:
    arn = (await at.aws.events.describe_api_destination({"Name": id}))["ApiDestinationArn"]
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]}


async def _create_endpoint(at: At, properties: Properties) -> str:
    await at.aws.events.create_endpoint(picked(properties, ENDPOINT))
    return properties["Name"]


async def _update_endpoint(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.events.update_endpoint({**picked(new, ENDPOINT), "Name": id})


async def _delete_endpoint(at: At, id: str, properties: Properties) -> None:
    await at.aws.events.delete_endpoint({"Name": id})


async def _told_endpoint(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return picked(await at.aws.events.describe_endpoint({"Name": id}), "Arn EndpointId EndpointUrl State")


async def _retag(at: At, arn: str, new: Properties, old: Properties) -> None:
    await at.retag(new, old, {"ResourceARN": arn}, at.aws.events.tag_resource, at.aws.events.untag_resource)


RESOURCES = (
    Resource(
        "AWS::Events::EventBus",
        BUSES,
        "arn:aws:events:{region}:{account}:event-bus/{0}",
        Deploy(
            properties=f"{BUS} Policy Tags",
            required="Name",
            replaced="Name EventSourceName",
            create=_create_bus,
            update=_update_bus,
            delete=_delete_bus,
            attributes=_told_bus,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::Events::EventBusPolicy",
        deploy=Deploy(
            properties=f"{STATEMENT} Statement",
            required="StatementId",
            replaced="EventBusName StatementId",
            create=_create_policy,
            update=_update_policy,
            delete=_delete_policy,
        ),
    ),
    Resource(
        "AWS::Events::Rule",
        RULES,
        "arn:aws:events:{region}:{account}:rule/{0}/{1}",
        Deploy(
            properties=f"{RULE} Targets Tags",
            replaced="Name EventBusName",
            name="Name",
            create=_create_rule,
            update=_update_rule,
            delete=_delete_rule,
            attributes=_told_rule,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::Events::Archive",
        ARCHIVES,
        "arn:aws:events:{region}:{account}:archive/{0}",
        Deploy(
            properties=f"{ARCHIVE} SourceArn",
            required="SourceArn",
            replaced="ArchiveName SourceArn",
            name="ArchiveName",
            name_max=48,
            create=_create_archive,
            update=_update_archive,
            delete=_delete_archive,
            attributes=_told_archive,
        ),
    ),
    Resource(
        "AWS::Events::Connection",
        CONNECTIONS,
        "arn:aws:events:{region}:{account}:connection/{0}",
        Deploy(
            properties=CONNECTION,
            replaced="Name",
            name="Name",
            create=_create_connection,
            update=_update_connection,
            delete=_delete_connection,
            attributes=_told_connection,
        ),
    ),
    Resource(
        "AWS::Events::ApiDestination",
        API_DESTINATIONS,
        "arn:aws:events:{region}:{account}:api-destination/{0}",
        Deploy(
            properties=DESTINATION,
            required="ConnectionArn InvocationEndpoint HttpMethod",
            replaced="Name",
            name="Name",
            create=_create_destination,
            update=_update_destination,
            delete=_delete_destination,
            attributes=_told_destination,
        ),
    ),
    Resource(
        "AWS::Events::Endpoint",
        ENDPOINTS,
        "arn:aws:events:{0}:{account}:endpoint/{1}",
        Deploy(
            properties=ENDPOINT,
            required="RoutingConfig EventBuses",
            replaced="Name",
            name="Name",
            create=_create_endpoint,
            update=_update_endpoint,
            delete=_delete_endpoint,
            attributes=_told_endpoint,
        ),
    ),
)
