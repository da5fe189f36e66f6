"""Connections, API destinations and global endpoints."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import deletes, picked

Told = Callable[[At, str, Properties], Coroutine[Any, Any, dict[str, Any]]]


def _plain(noun: str, names: str, told: Told, required: str = "") -> Deploy:
    """What one operation each makes, changes and removes, all by its name."""

    async def create(at: At, properties: Properties) -> str:
        await getattr(at.aws.events, f"create_{noun}")(picked(properties, names))
        return properties["Name"]

    async def update(at: At, id: str, new: Properties, old: Properties) -> None:
        await getattr(at.aws.events, f"update_{noun}")({**picked(new, names), "Name": id})

    return Deploy(
        properties=names,
        required=required,
        replaced="Name",
        name="Name",
        create=create,
        update=update,
        delete=deletes("events", f"delete_{noun}", "Name"),
        attributes=told,
    )


async def _told_connection(at: At, id: str, properties: Properties) -> dict[str, Any]:
    shown = await at.aws.events.describe_connection({"Name": id})
    arn = shown["ConnectionArn"]
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0], "SecretArn": shown.get("SecretArn", "")}


async def _told_destination(at: At, id: str, properties: Properties) -> dict[str, Any]:
    arn = (await at.aws.events.describe_api_destination({"Name": id}))["ApiDestinationArn"]
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]}


async def _told_endpoint(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return picked(await at.aws.events.describe_endpoint({"Name": id}), "Arn EndpointId EndpointUrl State")


CONNECTION = _plain(
    "connection", "Name Description AuthorizationType AuthParameters InvocationConnectivityParameters KmsKeyIdentifier", _told_connection
)
DESTINATION = _plain(
    "api_destination",
    "Name Description ConnectionArn InvocationEndpoint HttpMethod InvocationRateLimitPerSecond",
    _told_destination,
    required="ConnectionArn InvocationEndpoint HttpMethod",
)
ENDPOINT = _plain(
    "endpoint", "Name Description RoutingConfig ReplicationConfig EventBuses RoleArn", _told_endpoint, required="RoutingConfig EventBuses"
)
