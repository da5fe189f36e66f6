"""API destinations: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.destinations.finding import AUTHORIZED, connection_of
from windtunnel.services.events.listings import listed
from windtunnel.services.events.state import API_DESTINATIONS, PACED, ApiDestination, arn_within, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

RATE = 300


def create_api_destination(tx: Tx, req: t.CreateApiDestinationRequest) -> t.CreateApiDestinationResponse:
    name = req["Name"]
    if tx.get(API_DESTINATIONS, name) is not None:
        raise Fault("ResourceAlreadyExistsException", f"An api-destination '{name}' already exists.")
    _check_connection(tx, req["ConnectionArn"])
    destination = ApiDestination(
        tx.new_id(),
        req["ConnectionArn"],
        req["InvocationEndpoint"],
        req["HttpMethod"],
        tx.now,
        tx.now,
        req.get("InvocationRateLimitPerSecond", RATE),
        req.get("Description", ""),
    )
    tx.put(API_DESTINATIONS, name, value=destination)
    return _brief(tx, name, destination)  # pyright: ignore[reportReturnType]


def update_api_destination(tx: Tx, req: t.UpdateApiDestinationRequest) -> t.UpdateApiDestinationResponse:
    name = req["Name"]
    old = _find(tx, name, "update")
    if "ConnectionArn" in req:
        _check_connection(tx, req["ConnectionArn"])
    destination = msgspec.structs.replace(
        old,
        connection=req.get("ConnectionArn", old.connection),
        endpoint=req.get("InvocationEndpoint", old.endpoint),
        method=req.get("HttpMethod", old.method),
        rate=req.get("InvocationRateLimitPerSecond", old.rate),
        description=req.get("Description", old.description),
        modified=tx.now,
    )
    tx.put(API_DESTINATIONS, name, value=destination)
    return _brief(tx, name, destination)  # pyright: ignore[reportReturnType]


def describe_api_destination(tx: Tx, req: t.DescribeApiDestinationRequest) -> t.DescribeApiDestinationResponse:
    name = req["Name"]
    destination = _find(tx, name, "describe")
    shown = _shown(tx, name, destination)
    return {**shown, "Description": destination.description} if destination.description else shown  # pyright: ignore[reportReturnType]


def list_api_destinations(tx: Tx, req: t.ListApiDestinationsRequest) -> t.ListApiDestinationsResponse:
    def keep(destination: ApiDestination) -> bool:
        return req.get("ConnectionArn", destination.connection) == destination.connection

    return listed(tx, req, "ApiDestinations", API_DESTINATIONS, show=lambda name, one: _shown(tx, name, one), keep=keep)


def delete_api_destination(tx: Tx, req: t.DeleteApiDestinationRequest) -> t.DeleteApiDestinationResponse:
    destination = _find(tx, req["Name"], "delete")
    tx.delete(API_DESTINATIONS, req["Name"])
    tx.delete(PACED, destination.id)
    return {}


def _find(tx: Tx, name: str, verb: str) -> ApiDestination:
    destination = tx.get(API_DESTINATIONS, name)
    if destination is None:
        raise not_found(f"Failed to {verb} the api-destination(s). An api-destination '{name}' does not exist.")
    return destination


def _check_connection(tx: Tx, arn: str) -> None:
    if connection_of(tx, arn) is None:
        raise not_found(f"Connection '{parse(arn).id.partition('/')[0]}' does not exist.")


def _brief(tx: Tx, name: str, destination: ApiDestination) -> dict[str, Any]:
    """An API destination is active while its connection is authorised."""
    named = connection_of(tx, destination.connection)
    return {
        "ApiDestinationArn": arn_within(tx, "api-destination", f"{name}/{destination.id}"),
        "ApiDestinationState": "ACTIVE" if named is not None and named[1].state == AUTHORIZED else "INACTIVE",
        "CreationTime": destination.created,
        "LastModifiedTime": destination.modified,
    }


def _shown(tx: Tx, name: str, destination: ApiDestination) -> dict[str, Any]:
    return {
        **_brief(tx, name, destination),
        "Name": name,
        "ConnectionArn": destination.connection,
        "InvocationEndpoint": destination.endpoint,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.rate,
    }
