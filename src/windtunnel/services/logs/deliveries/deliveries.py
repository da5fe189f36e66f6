"""Deliveries: each joins a delivery source to a delivery destination."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.services.logs.deliveries.state import (
    DELIVERIES,
    Delivery,
    delivery_destination_named,
    no_such_delivery_destination,
    source_named,
)
from windtunnel.services.logs.deliveries.vended import settings_of
from windtunnel.services.logs.listings import listed
from windtunnel.services.logs.state import arn_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from windtunnel.aws.types import logs as t

ID_CHARACTERS = 16
SETTINGS = ("recordFields", "fieldDelimiter", "s3DeliveryConfiguration")


def create_delivery(tx: Tx, req: t.CreateDeliveryRequest) -> t.CreateDeliveryResponse:
    source_name, destination_arn = req["deliverySourceName"], req["deliveryDestinationArn"]
    source = source_named(tx, source_name)
    arn = parse_or_none(destination_arn)
    if arn is None or arn_within(tx, "delivery-destination", arn.id) != destination_arn:
        raise no_such_delivery_destination()
    kind = delivery_destination_named(tx, arn.id).kind
    if any(delivery.destination == destination_arn for _, delivery in tx.find(DELIVERIES, "source", source_name)):
        raise Fault("ConflictException", "A Delivery of this Delivery Source to this Delivery Destination exists already.")
    delivery = Delivery(source_name, destination_arn, kind, tx.serial(), settings_of(source.service, kind, _asked(req)))
    delivery_id = tx.ids.text(ID_CHARACTERS, ascii_letters + digits)
    tx.put(DELIVERIES, delivery_id, value=delivery)
    set_tags(tx, arn_within(tx, "delivery", delivery_id), req.get("tags", {}))
    return {"delivery": _shown(tx, delivery_id, delivery)}


def get_delivery(tx: Tx, req: t.GetDeliveryRequest) -> t.GetDeliveryResponse:
    return {"delivery": _shown(tx, req["id"], _delivery(tx, req["id"]))}


def describe_deliveries(tx: Tx, req: t.DescribeDeliveriesRequest) -> t.DescribeDeliveriesResponse:
    sources = req.get("deliverySourceNames")
    return listed(tx, req, "deliveries", DELIVERIES, _shown, lambda _, delivery: sources is None or delivery.source in sources)


def update_delivery_configuration(tx: Tx, req: t.UpdateDeliveryConfigurationRequest) -> t.UpdateDeliveryConfigurationResponse:
    """What the request leaves out stays as it is."""
    delivery = _delivery(tx, req["id"])
    changed = {**delivery.settings, **_asked(req)}
    path = {**delivery.settings.get("s3DeliveryConfiguration", {}), **changed.get("s3DeliveryConfiguration", {})}
    settings = {**changed, "s3DeliveryConfiguration": path} if path else changed
    tx.put(DELIVERIES, req["id"], value=msgspec.structs.replace(delivery, settings=settings))
    return {}


def delete_delivery(tx: Tx, req: t.DeleteDeliveryRequest) -> None:
    _delivery(tx, req["id"])
    remove_all_tags(tx, arn_within(tx, "delivery", req["id"]))
    tx.delete(DELIVERIES, req["id"])


def _asked(req: Mapping[str, Any]) -> dict[str, Any]:
    return {name: req[name] for name in SETTINGS if name in req}


def _delivery(tx: Tx, delivery_id: str) -> Delivery:
    delivery = tx.get(DELIVERIES, delivery_id)
    if delivery is None:
        raise Fault("ResourceNotFoundException", "Requested Delivery does not exist in this account.")
    return delivery


def _shown(tx: Tx, delivery_id: str, delivery: Delivery) -> Any:
    arn = arn_within(tx, "delivery", delivery_id)
    shown: dict[str, Any] = {
        "id": delivery_id,
        "arn": arn,
        "deliverySourceName": delivery.source,
        "deliveryDestinationArn": delivery.destination,
        "deliveryDestinationType": delivery.kind,
        **delivery.settings,
    }
    tags = tags_of(tx, arn)
    return {**shown, "tags": tags} if tags else shown
