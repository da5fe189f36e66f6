"""Amazon EventBridge: event buses, the rules on them, and what those set off."""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service
from windtunnel.services.events import coming, put, tags, trail
from windtunnel.services.events.archives import archives, keeping, replaying, replays
from windtunnel.services.events.buses import buses, permissions
from windtunnel.services.events.destinations import api_destinations, authorizing, calling, connections
from windtunnel.services.events.endpoints import endpoints
from windtunnel.services.events.routing import failures, rules, schedule, targets
from windtunnel.services.events.stack import RESOURCES
from windtunnel.services.events.state import not_found


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to an API destination is a call of it; a bus gets an event of another bus as it is, or entries to be put."""
    if arn.type == "api-destination":
        return "call_destination", {"name": arn.id.partition("/")[0], "body": event.body, "parameters": event.parameters}
    if "Entries" in event.parameters:
        return "put_events", event.parameters
    if arn.type != "event-bus":
        raise not_found(f"{arn} takes no events.")
    return "receive_event", {"bus": arn.id, "event": orjson.loads(event.body)}


SERVICE = Service(
    "events",
    modules=(buses, permissions, rules, targets, tags, put, archives, replays, connections, api_destinations, endpoints),
    resources=RESOURCES,
    timers={
        "scheduled": schedule.scheduled,
        "failed": failures.failed,
        "replay": replaying.replay,
        "sweep": keeping.sweep,
        "clear": keeping.clear,
        "api_call": trail.api_call,
        "authorize": authorizing.authorize,
    },
    takers={"call_destination": calling.call_destination, "receive_event": coming.receive_event},
    targets={"events": _delivered},
    faults={"ValidationException": 400, "AccessDeniedException": 403, "NotImplemented": 501},
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-logging-cloudtrail.html
    data_operations=("PutEvents",),
    facts=coming.facts,
    trailed=trail.trailed,
)
