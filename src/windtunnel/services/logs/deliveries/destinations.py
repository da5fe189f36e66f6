"""Delivery destinations: where vended logs can go, and the policies by which other accounts may send there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.logs.deliveries.state import DELIVERIES, DELIVERY_DESTINATIONS, DeliveryDestination, delivery_destination_named
from windtunnel.services.logs.deliveries.vended import KINDS
from windtunnel.services.logs.listings import listed
from windtunnel.services.logs.state import arn_within

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

TRACES = "XRAY"


def put_delivery_destination(tx: Tx, req: t.PutDeliveryDestinationRequest) -> t.PutDeliveryDestinationResponse:
    """What the request leaves out is forgotten; only the policy stays."""
    name = req["name"]
    resource = req.get("deliveryDestinationConfiguration", {}).get("destinationResourceArn", "")
    old = tx.get(DELIVERY_DESTINATIONS, name)
    destination = DeliveryDestination(
        resource,
        _kind(resource, req.get("deliveryDestinationType")),
        tx.serial() if old is None else old.serial,
        req.get("outputFormat", ""),
        req.get("roleArn", ""),
        "" if old is None else old.policy,
    )
    tx.put(DELIVERY_DESTINATIONS, name, value=destination)
    set_tags(tx, arn_within(tx, "delivery-destination", name), req.get("tags", {}))
    return {"deliveryDestination": _shown(tx, name, destination)}


def get_delivery_destination(tx: Tx, req: t.GetDeliveryDestinationRequest) -> t.GetDeliveryDestinationResponse:
    return {"deliveryDestination": _shown(tx, req["name"], delivery_destination_named(tx, req["name"]))}


def describe_delivery_destinations(tx: Tx, req: t.DescribeDeliveryDestinationsRequest) -> t.DescribeDeliveryDestinationsResponse:
    names = req.get("names")
    return listed(tx, req, "deliveryDestinations", DELIVERY_DESTINATIONS, _shown, lambda name, _: names is None or name in names)


def delete_delivery_destination(tx: Tx, req: t.DeleteDeliveryDestinationRequest) -> None:
    name = req["name"]
    delivery_destination_named(tx, name)
    arn = arn_within(tx, "delivery-destination", name)
    if any(True for _ in tx.find(DELIVERIES, "destination", arn, limit=1)):
        raise Fault("ConflictException", "The Delivery Destination is used by a Delivery.")
    remove_all_tags(tx, arn)
    tx.delete(DELIVERY_DESTINATIONS, name)


def put_delivery_destination_policy(tx: Tx, req: t.PutDeliveryDestinationPolicyRequest) -> t.PutDeliveryDestinationPolicyResponse:
    name, document = req["deliveryDestinationName"], req["deliveryDestinationPolicy"]
    destination = delivery_destination_named(tx, name)
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise Fault("ValidationException", "Invalid Delivery Destination resource Policy is provided.")
    tx.put(DELIVERY_DESTINATIONS, name, value=msgspec.structs.replace(destination, policy=document))
    return {"policy": {"deliveryDestinationPolicy": document}}


def get_delivery_destination_policy(tx: Tx, req: t.GetDeliveryDestinationPolicyRequest) -> t.GetDeliveryDestinationPolicyResponse:
    """A destination without a policy has an empty one."""
    policy = delivery_destination_named(tx, req["deliveryDestinationName"]).policy
    return {"policy": {"deliveryDestinationPolicy": policy} if policy else {}}


def delete_delivery_destination_policy(tx: Tx, req: t.DeleteDeliveryDestinationPolicyRequest) -> None:
    name = req["deliveryDestinationName"]
    destination = delivery_destination_named(tx, name)
    tx.put(DELIVERY_DESTINATIONS, name, value=msgspec.structs.replace(destination, policy=""))


def _kind(resource: str, asked: str | None) -> str:
    """The type of a destination: its resource says it, and traces need none."""
    if asked == TRACES and not resource:
        return TRACES
    arn = parse_or_none(resource)
    kind = None if arn is None else KINDS.get(arn.service)
    if kind is None or asked not in (None, kind):
        raise Fault("ValidationException", "The destinationResourceArn is not one of a delivery destination of this type.")
    return kind


def _shown(tx: Tx, name: str, destination: DeliveryDestination) -> Any:
    shown: dict[str, Any] = {"name": name, "arn": arn_within(tx, "delivery-destination", name), "deliveryDestinationType": destination.kind}
    if destination.resource:
        shown["deliveryDestinationConfiguration"] = {"destinationResourceArn": destination.resource}
    if destination.format:
        shown["outputFormat"] = destination.format
    if destination.role:
        shown["roleArn"] = destination.role
    return shown
