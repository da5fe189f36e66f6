"""How events come to a bus: put by somebody, sent on by another bus, or told by an AWS service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Tx
from windtunnel.services.events.buses.access import check_caller
from windtunnel.services.events.event import Coming, make_event
from windtunnel.services.events.routing.sending import route
from windtunnel.services.events.state import BUSES, DEFAULT, not_found

USAGE = "Event-64K-Chunks"


def come(tx: Tx, place: Tx, bus: str, entry: Mapping[str, Any], detail: Any) -> str:
    """An event comes to a bus; its id."""
    source, kind = entry["Source"], entry["DetailType"]
    event = make_event(place, source, kind, detail, entry.get("Resources") or [], time=entry.get("Time"))
    event["account"] = tx.account
    if bus == DEFAULT or place.get(BUSES, bus) is not None:  # what is put on a bus that isn't there is taken, and goes nowhere
        check_caller(place, bus, {"events:source": source, "events:detail-type": kind})
        if "TraceHeader" in entry:
            place = place.at()
            place.scope = msgspec.structs.replace(tx.scope, trace=entry["TraceHeader"])
        route(place, bus, Coming(event, tx.now))
    return event["id"]


def receive_event(tx: Tx, req: Mapping[str, Any]) -> dict[str, Any]:
    """Taker: an event that another bus sends on comes to a bus. Within a region it keeps its id."""
    bus, event = req["bus"], req["event"]
    if bus != DEFAULT and tx.get(BUSES, bus) is None:
        raise not_found(f"Event bus {bus} does not exist.")
    check_caller(tx, bus, {"events:source": event["source"], "events:detail-type": event["detail-type"]})
    if parse(tx.scope.source_arn).region != tx.region:
        event = {**event, "id": tx.new_id()}
    route(tx, bus, Coming(event, tx.now, forwarded=True))
    tx.meter(USAGE, 1)
    return {}


def facts(tx: Tx, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
    """What an AWS service tells comes to the default bus of the place it is of."""
    route(tx, DEFAULT, Coming(make_event(tx, source, detail_type, detail, resources), tx.now))
