"""What one operation writes, whatever was there before, and another removes: filters, policies, destinations, queries."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import camel, deletes, picked


def _request(properties: Properties) -> dict[str, Any]:
    request = camel({name: value for name, value in properties.items() if name != "MetricTransformations"})
    transformations = [
        {**camel(each), "dimensions": {pair["Key"]: pair["Value"] for pair in each["Dimensions"]}} if "Dimensions" in each else camel(each)
        for each in properties.get("MetricTransformations", [])
    ]
    return {**request, "metricTransformations": transformations} if transformations else request


async def _put(noun: str, id: str, at: At, properties: Properties) -> str:
    await getattr(at.aws.logs, f"put_{noun}")(_request(properties))
    return str(properties[id])


async def _put_again(noun: str, at: At, id: str, new: Properties, old: Properties) -> None:
    await getattr(at.aws.logs, f"put_{noun}")(_request(new))


async def _remove(noun: str, key: str, at: At, id: str, properties: Properties) -> None:
    await getattr(at.aws.logs, f"delete_{noun}")(camel(picked(properties, key)))


def _putting(noun: str, key: str, properties: str, required: str, **more: Any) -> Deploy:
    """`key` are the properties that say which one is meant; the first of them is its id."""
    return Deploy(
        properties=f"{key} {properties}",
        required=required,
        replaced=key,
        create=partial(_put, noun, key.split(maxsplit=1)[0]),
        update=partial(_put_again, noun),
        delete=partial(_remove, noun, key),
        **more,
    )


async def _create_account_policy(at: At, properties: Properties) -> str:
    await at.aws.logs.put_account_policy(camel(properties))
    return f"{at.account}|{properties['PolicyType']}|{properties['PolicyName']}"


async def _told_account_policy(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"AccountId": at.account}


async def _create_destination(at: At, properties: Properties) -> str:
    name = str(properties["DestinationName"])
    await _put_destination(at, properties, at.tags(properties.get("Tags")) or None)
    await at.made(name)
    await _set_access(at, name, properties)
    return name


async def _put_destination(at: At, properties: Properties, tags: dict[str, str] | None) -> None:
    await at.aws.logs.put_destination({**camel(picked(properties, "DestinationName RoleArn TargetArn")), "tags": tags})


async def _set_access(at: At, id: str, properties: Properties) -> None:
    if "DestinationPolicy" in properties:
        await at.aws.logs.put_destination_policy({"destinationName": id, "accessPolicy": properties["DestinationPolicy"]})


async def _update_destination(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_destination(at, new, None)
    await _set_access(at, id, new)


async def _told_destination(at: At, id: str, properties: Properties) -> dict[str, Any]:
    found = (await at.aws.logs.describe_destinations({"DestinationNamePrefix": id}))["destinations"]
    return {"Arn": next(each["arn"] for each in found if each["destinationName"] == id)}


async def _create_query(at: At, properties: Properties) -> str:
    return str((await at.aws.logs.put_query_definition(camel(properties)))["queryDefinitionId"])


async def _update_query(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.logs.put_query_definition({**camel(new), "queryDefinitionId": id})


async def _told_query(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"QueryDefinitionId": id}


METRIC_FILTER = _putting(
    "metric_filter",
    key="FilterName LogGroupName",
    properties="ApplyOnTransformedLogs EmitSystemFieldDimensions FieldSelectionCriteria FilterPattern MetricTransformations",
    required="FilterPattern LogGroupName MetricTransformations",
    name="FilterName",
    name_max=512,
)
SUBSCRIPTION_FILTER = _putting(
    "subscription_filter",
    key="FilterName LogGroupName",
    properties="ApplyOnTransformedLogs DestinationArn Distribution EmitSystemFields FieldSelectionCriteria FilterPattern RoleArn",
    required="DestinationArn FilterPattern LogGroupName",
    name="FilterName",
    name_max=512,
)
TRANSFORMER = _putting(
    "transformer", key="LogGroupIdentifier", properties="TransformerConfig", required="LogGroupIdentifier TransformerConfig"
)
RESOURCE_POLICY = _putting(
    "resource_policy", key="PolicyName ResourceArn", properties="PolicyDocument", required="PolicyDocument PolicyName"
)
ACCOUNT_POLICY = msgspec.structs.replace(
    _putting(
        "account_policy",
        key="PolicyName PolicyType",
        properties="PolicyDocument Scope SelectionCriteria",
        required="PolicyDocument PolicyName PolicyType",
        attributes=_told_account_policy,
    ),
    create=_create_account_policy,
)
DESTINATION = Deploy(
    properties="DestinationName DestinationPolicy RoleArn Tags TargetArn",
    required="DestinationName RoleArn TargetArn",
    replaced="DestinationName",
    create=_create_destination,
    update=_update_destination,
    delete=deletes("logs", "delete_destination", "destinationName"),
    attributes=_told_destination,
)
QUERY = Deploy(
    properties="LogGroupNames Name Parameters QueryLanguage QueryString",
    required="Name QueryString",
    create=_create_query,
    update=_update_query,
    delete=deletes("logs", "delete_query_definition", "queryDefinitionId"),
    attributes=_told_query,
)
