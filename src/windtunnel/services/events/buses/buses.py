"""Event buses: the default one that is always there, and those of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import orjson

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tag_map
from windtunnel.kernel.store import Key
from windtunnel.services.events.listings import page_of, start_of
from windtunnel.services.events.state import BUSES, DEFAULT, RULES, Bus, arn_within, bus_of, change_bus, find_bus, invalid, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

SETTINGS = ("Description", "KmsKeyIdentifier", "DeadLetterConfig", "LogConfig")


def create_event_bus(tx: Tx, req: t.CreateEventBusRequest) -> t.CreateEventBusResponse:
    name = req["Name"]
    if req.get("EventSourceName") or "/" in name:
        raise Fault("NotImplemented", "windtunnel does not implement event buses of partners.", status=501)
    if name == DEFAULT or tx.get(BUSES, name) is not None:
        raise Fault("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
    settings = _settings(req)
    tx.put(BUSES, name, value=Bus(tx.now, tx.now, settings))
    arn = arn_within(tx, "event-bus", name)
    set_tags(tx, arn, tag_map(req.get("Tags", [])))  # pyright: ignore[reportArgumentType]
    return {"EventBusArn": arn, **settings}  # pyright: ignore[reportReturnType]


def describe_event_bus(tx: Tx, req: t.DescribeEventBusRequest) -> t.DescribeEventBusResponse:
    name = bus_of(tx, req, "Name")
    bus = find_bus(tx, name)
    shown = _shown(tx, name, bus)
    for word in ("KmsKeyIdentifier", "DeadLetterConfig", "LogConfig"):
        if word in bus.settings:
            shown[word] = bus.settings[word]
    return shown  # pyright: ignore[reportReturnType]


def list_event_buses(tx: Tx, req: t.ListEventBusesRequest) -> t.ListEventBusesResponse:
    prefix, start = req.get("NamePrefix", ""), start_of(req, 0)
    rows = tx.scan(BUSES, start=start or (prefix,))
    if DEFAULT.startswith(prefix) and (start is None or str(start[0]) <= DEFAULT) and tx.get(BUSES, DEFAULT) is None:
        unwritten: Iterator[tuple[Key, Bus]] = iter([((DEFAULT,), Bus(0.0, 0.0))])
        rows = merge(rows, unwritten, key=lambda row: row[0])
    named = takewhile(lambda row: str(row[0][0]).startswith(prefix), rows)
    return page_of(req, "EventBuses", named, lambda key, bus: _shown(tx, str(key[0]), bus))


def update_event_bus(tx: Tx, req: t.UpdateEventBusRequest) -> t.UpdateEventBusResponse:
    name = req.get("Name", DEFAULT)
    bus = find_bus(tx, name)
    settings = {**bus.settings, **_settings(req)}
    change_bus(tx, name, bus, settings=settings)
    return {"Arn": arn_within(tx, "event-bus", name), "Name": name, **settings}  # pyright: ignore[reportReturnType]


def delete_event_bus(tx: Tx, req: t.DeleteEventBusRequest) -> None:
    name = req["Name"]
    if name == DEFAULT:
        raise invalid("Cannot delete event bus default.")
    if tx.get(BUSES, name) is None:
        raise not_found(f"Event bus {name} does not exist.")
    if next(tx.scan(RULES, name, limit=1), None) is not None:
        raise invalid(f"EventBus {name} can't be deleted since it has rules.")
    remove_all_tags(tx, arn_within(tx, "event-bus", name))
    tx.delete(BUSES, name)


def _settings(req: Mapping[str, Any]) -> dict[str, Any]:
    return {word: req[word] for word in SETTINGS if word in req}


def _shown(tx: Tx, name: str, bus: Bus) -> dict[str, Any]:
    arn = arn_within(tx, "event-bus", name)
    shown: dict[str, Any] = {"Name": name, "Arn": arn}
    if bus.settings.get("Description"):
        shown["Description"] = bus.settings["Description"]
    if bus.statements:
        shown["Policy"] = orjson.dumps({"Version": "2012-10-17", "Statement": bus.statements}).decode()
    if bus.created:
        shown |= {"CreationTime": bus.created, "LastModifiedTime": bus.modified}
    return shown
