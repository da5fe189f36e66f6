"""Global endpoints: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-global-endpoints.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.listings import listed
from windtunnel.services.events.state import ENDPOINTS, Endpoint, arn_within, find_bus, invalid, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
ID_CHARACTERS = 10


def create_endpoint(tx: Tx, req: t.CreateEndpointRequest) -> t.CreateEndpointResponse:
    name = req["Name"]
    if tx.get(ENDPOINTS, tx.region, name) is not None:
        raise Fault("ResourceAlreadyExistsException", f"Endpoint {name} already exists.")
    endpoint = Endpoint(f"{_id(tx)}.{_id(tx)[:3]}", tx.now, tx.now, {}, [])
    endpoint = _changed(tx, endpoint, req)
    tx.put(ENDPOINTS, tx.region, name, value=endpoint)
    return {**_members(tx, name, endpoint), "State": "CREATING"}  # pyright: ignore[reportReturnType]


def update_endpoint(tx: Tx, req: t.UpdateEndpointRequest) -> t.UpdateEndpointResponse:
    name = req["Name"]
    endpoint = _changed(tx, _find(tx, tx.region, name), req)
    tx.put(ENDPOINTS, tx.region, name, value=endpoint)
    where = {"EndpointId": endpoint.id, "EndpointUrl": _url(endpoint)}
    return {**_members(tx, name, endpoint), **where, "State": "UPDATING"}  # pyright: ignore[reportReturnType]


def describe_endpoint(tx: Tx, req: t.DescribeEndpointRequest) -> t.DescribeEndpointResponse:
    home = req.get("HomeRegion", tx.region)
    return _shown(tx.at(region=home), req["Name"], _find(tx, home, req["Name"]))  # pyright: ignore[reportReturnType]


def list_endpoints(tx: Tx, req: t.ListEndpointsRequest) -> t.ListEndpointsResponse:
    home = req.get("HomeRegion", tx.region)
    place = tx.at(region=home)
    return listed(tx, req, "Endpoints", ENDPOINTS, home, show=lambda name, one: _shown(place, name, one), limit="MaxResults")


def delete_endpoint(tx: Tx, req: t.DeleteEndpointRequest) -> t.DeleteEndpointResponse:
    _find(tx, tx.region, req["Name"])
    tx.delete(ENDPOINTS, tx.region, req["Name"])
    return {}


def _changed(tx: Tx, endpoint: Endpoint, req: Mapping[str, Any]) -> Endpoint:
    """An endpoint with what a request sets of it."""
    buses = [bus["EventBusArn"] for bus in req["EventBuses"]] if "EventBuses" in req else endpoint.buses
    routing = req.get("RoutingConfig", endpoint.routing)
    _check(tx, buses, routing)
    replication = req.get("ReplicationConfig", {}).get("State")
    return msgspec.structs.replace(
        endpoint,
        modified=tx.now,
        routing=routing,
        buses=buses,
        replicates=endpoint.replicates if replication is None else replication == "ENABLED",
        role=req.get("RoleArn", endpoint.role),
        description=req.get("Description", endpoint.description),
    )


def _check(tx: Tx, buses: list[str], routing: Mapping[str, Any]) -> None:
    """Two buses of one name and account: one here, one in the region that is secondary."""
    first, second = map(parse, buses)
    regions = [tx.region, routing["FailoverConfig"]["Secondary"]["Route"]]
    if [first.region, second.region] != regions or tx.region == regions[1]:
        raise invalid("EventBuses must be one of this Region and one of the secondary Region, in this order.")
    if first.id != second.id or (first.account, second.account) != (tx.account, tx.account):
        raise invalid("EventBuses must have the same name and belong to this account.")
    for bus in (first, second):
        find_bus(tx.at(region=bus.region), bus.id)


def _id(tx: Tx) -> str:
    number, digits = int(tx.new_id().replace("-", ""), 16), ""
    while len(digits) < ID_CHARACTERS:
        number, digit = divmod(number, len(BASE36))
        digits += BASE36[digit]
    return digits


def _find(tx: Tx, home: str, name: str) -> Endpoint:
    endpoint = tx.get(ENDPOINTS, home, name)
    if endpoint is None:
        raise not_found(f"Endpoint {name} does not exist.")
    return endpoint


def _members(tx: Tx, name: str, endpoint: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Name": name,
        "Arn": arn_within(tx, "endpoint", name),
        "RoutingConfig": endpoint.routing,
        "ReplicationConfig": {"State": "ENABLED" if endpoint.replicates else "DISABLED"},
        "EventBuses": [{"EventBusArn": bus} for bus in endpoint.buses],
    }
    return {**shown, "RoleArn": endpoint.role} if endpoint.role else shown


def _shown(tx: Tx, name: str, endpoint: Endpoint) -> dict[str, Any]:
    return {
        **_members(tx, name, endpoint),
        **({"Description": endpoint.description} if endpoint.description else {}),
        "EndpointId": endpoint.id,
        "EndpointUrl": _url(endpoint),
        "State": "ACTIVE",
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }


def _url(endpoint: Endpoint) -> str:
    return f"https://{endpoint.id}.endpoint.events.amazonaws.com"
