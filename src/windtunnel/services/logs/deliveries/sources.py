"""Delivery sources: resources of AWS whose logs can be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.services.logs.deliveries.state import DELIVERIES, DELIVERY_SOURCES, DeliverySource, source_named
from windtunnel.services.logs.deliveries.vended import vendor_of
from windtunnel.services.logs.listings import listed
from windtunnel.services.logs.state import arn_within

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t


def put_delivery_source(tx: Tx, req: t.PutDeliverySourceRequest) -> t.PutDeliverySourceResponse:
    """A resource has one source for a type of log, and a source keeps its resource."""
    name, resource, log_type = req["name"], req["resourceArn"], req["logType"]
    arn = parse_or_none(resource)
    if arn is None:
        raise Fault("ValidationException", "The resourceArn is not an ARN.")
    service = vendor_of(arn, log_type)
    old = tx.get(DELIVERY_SOURCES, name)
    if old is not None and old.resource != resource:
        message = "Update to existing Delivery Source with new ResourceId is not allowed. Please create a new Delivery Source instead."
        raise Fault("ConflictException", message)
    if any(key[0] != name for key, _ in tx.find(DELIVERY_SOURCES, "resource", resource, log_type)):
        raise Fault("ConflictException", "This ResourceId has already been used in another Delivery Source in this account.")
    serial = tx.serial() if old is None else old.serial
    source = DeliverySource(resource, service, log_type, serial, dict(req.get("deliverySourceConfiguration", {})))
    tx.put(DELIVERY_SOURCES, name, value=source)
    set_tags(tx, arn_within(tx, "delivery-source", name), req.get("tags", {}))
    return {"deliverySource": _shown(tx, name, source)}


def get_delivery_source(tx: Tx, req: t.GetDeliverySourceRequest) -> t.GetDeliverySourceResponse:
    return {"deliverySource": _shown(tx, req["name"], source_named(tx, req["name"]))}


def describe_delivery_sources(tx: Tx, req: t.DescribeDeliverySourcesRequest) -> t.DescribeDeliverySourcesResponse:
    resources = req.get("resourceArns")
    return listed(
        tx, req, "deliverySources", DELIVERY_SOURCES, _shown, lambda name, source: resources is None or source.resource in resources
    )


def delete_delivery_source(tx: Tx, req: t.DeleteDeliverySourceRequest) -> None:
    name = req["name"]
    source_named(tx, name)
    if any(True for _ in tx.find(DELIVERIES, "source", name, limit=1)):
        raise Fault("ConflictException", "The Delivery Source is used by a Delivery.")
    remove_all_tags(tx, arn_within(tx, "delivery-source", name))
    tx.delete(DELIVERY_SOURCES, name)


def _shown(tx: Tx, name: str, source: DeliverySource) -> Any:
    arn = arn_within(tx, "delivery-source", name)
    shown: dict[str, Any] = {
        "name": name,
        "arn": arn,
        "resourceArns": [source.resource],
        "service": source.service,
        "logType": source.log_type,
    }
    if source.configuration:
        shown["deliverySourceConfiguration"] = source.configuration
    tags = tags_of(tx, arn)
    return {**shown, "tags": tags} if tags else shown
