"""How a replay runs: a slice of the archive at a time, in the order of the events' times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from windtunnel.fabric import Tx
from windtunnel.services.events.event import Coming
from windtunnel.services.events.routing.sending import route
from windtunnel.services.events.state import ARCHIVED, REPLAYS

SLICE_EVENTS = 100
END_SECONDS = 0.001
"""So that what happened at the very end is in."""


def replay(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: the next events of a replay come to their bus."""
    name = payload["replay"]
    running = tx.get(REPLAYS, name)
    if running is None:
        return
    if running.state == "CANCELLING":
        tx.put(REPLAYS, name, value=msgspec.structs.replace(running, state="CANCELLED", ended=tx.now))
        return
    start = tuple(payload["after"]) if "after" in payload else (running.begin,)
    rows = list(tx.scan(ARCHIVED, running.number, start=start, end=(running.end + END_SECONDS,), limit=SLICE_EVENTS + 1))
    only = frozenset(running.filters) or None
    for _, archived in rows[:SLICE_EVENTS]:
        event = orjson.loads(archived.text)
        resources, detail = event.pop("resources"), event.pop("detail")
        route(tx, running.bus, Coming({**event, "replay-name": name, "resources": resources, "detail": detail}, tx.now, only=only))
    last = float(rows[:SLICE_EVENTS][-1][0][1] or 0) if rows else running.last
    if len(rows) > SLICE_EVENTS:
        tx.put(REPLAYS, name, value=msgspec.structs.replace(running, state="RUNNING", last=last))
        tx.timer(tx.now, "replay", {"replay": name, "after": list(rows[-1][0][1:])}, name=name)
    else:
        tx.put(REPLAYS, name, value=msgspec.structs.replace(running, state="COMPLETED", last=last, ended=tx.now))
