"""What is remembered of deliveries, of their sources and destinations, in the order in which they were made."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.kernel.store.keys import Key


class DeliverySource(msgspec.Struct, frozen=True, array_like=True):
    """A resource whose logs of one type can be delivered."""

    resource: str
    service: str
    log_type: str
    serial: int
    configuration: dict[str, str]


class DeliveryDestination(msgspec.Struct, frozen=True, array_like=True):
    """Where vended logs can go. `kind` is S3, CWL, FH or XRAY."""

    resource: str
    kind: str
    serial: int
    format: str = ""
    role: str = ""
    policy: str = ""


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A source's name, a destination's ARN and type, and how records are written."""

    source: str
    destination: str
    kind: str
    serial: int
    settings: dict[str, Any]


def _by_serial(key: Key, record: DeliverySource | DeliveryDestination | Delivery) -> Key:
    """The order in which they were made, in which they are described."""
    return (record.serial,)


DELIVERY_SOURCES = Table(
    "logs.delivery_sources",
    DeliverySource,
    indexes={"serial": _by_serial, "resource": lambda key, source: (source.resource, source.log_type)},
)
"""name -> DeliverySource"""
DELIVERY_DESTINATIONS = Table("logs.delivery_destinations", DeliveryDestination, indexes={"serial": _by_serial})
"""name -> DeliveryDestination"""
DELIVERIES = Table(
    "logs.deliveries",
    Delivery,
    indexes={
        "serial": _by_serial,
        "source": lambda key, delivery: (delivery.source,),
        "destination": lambda key, delivery: (delivery.destination,),
    },
)
"""id -> Delivery"""


def source_named(tx: Tx, name: str) -> DeliverySource:
    source = tx.get(DELIVERY_SOURCES, name)
    if source is None:
        raise Fault("ResourceNotFoundException", "Requested Delivery Source does not exist in this account.")
    return source


def delivery_destination_named(tx: Tx, name: str) -> DeliveryDestination:
    destination = tx.get(DELIVERY_DESTINATIONS, name)
    if destination is None:
        raise no_such_delivery_destination()
    return destination


def no_such_delivery_destination() -> Fault:
    return Fault("ResourceNotFoundException", "Requested Delivery Destination does not exist in this account.")
