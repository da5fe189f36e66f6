"""Replays: what an archive holds of a span of time comes to its bus again.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.listings import listed
from windtunnel.services.events.state import ARCHIVES, REPLAYS, Archive, Replay, arn_within, bus_of, invalid, limit_exceeded, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

RUNNING_MAX = 10
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
STARTING_SECONDS = 0.001
"""In AWS it is minutes before a replay runs. Here it runs at once where the clock goes, and can be cancelled where it stands."""
ACTIVE = ("STARTING", "RUNNING")


def start_replay(tx: Tx, req: t.StartReplayRequest) -> t.StartReplayResponse:
    name, destination = req["ReplayName"], req["Destination"]
    bus = bus_of(tx, destination, "Arn")
    begin, end = float(req["EventStartTime"]), float(req["EventEndTime"])  # pyright: ignore[reportArgumentType]
    if begin >= end:
        raise invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
    source, archive = _archive(tx, req["EventSourceArn"])
    if archive.bus != bus:
        raise invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
    if tx.get(REPLAYS, name) is not None:
        raise Fault("ResourceAlreadyExistsException", f"Replay {name} already exists.")
    if tx.count(REPLAYS, "running") >= RUNNING_MAX:
        raise limit_exceeded()
    filters = list(destination.get("FilterArns", []))
    replay = Replay(source, archive.number, begin, end, bus, tx.now, "STARTING", filters, req.get("Description", ""))
    tx.put(REPLAYS, name, value=replay)
    tx.timer(tx.now + STARTING_SECONDS, "replay", {"replay": name}, name=name)
    return {"ReplayArn": arn_within(tx, "replay", name), "State": "STARTING", "ReplayStartTime": tx.now}  # pyright: ignore[reportReturnType]


def cancel_replay(tx: Tx, req: t.CancelReplayRequest) -> t.CancelReplayResponse:
    name = req["ReplayName"]
    replay = _find(tx, name)
    if replay.state not in ACTIVE:
        raise Fault("IllegalStatusException", f"Replay {name} is not in a valid state for this operation.")
    tx.put(REPLAYS, name, value=msgspec.structs.replace(replay, state="CANCELLING"))
    return {"ReplayArn": arn_within(tx, "replay", name), "State": "CANCELLING"}


def describe_replay(tx: Tx, req: t.DescribeReplayRequest) -> t.DescribeReplayResponse:
    name = req["ReplayName"]
    replay = _find(tx, name)
    destination: dict[str, Any] = {"Arn": arn_within(tx, "event-bus", replay.bus)}
    if replay.filters:
        destination["FilterArns"] = replay.filters
    shown = {"ReplayArn": arn_within(tx, "replay", name), **_shown(tx, name, replay), "Destination": destination}
    return {**shown, **({"Description": replay.description} if replay.description else {})}  # pyright: ignore[reportReturnType]


def list_replays(tx: Tx, req: t.ListReplaysRequest) -> t.ListReplaysResponse:
    if sum(member in req for member in ("NamePrefix", "EventSourceArn", "State")) > 1:
        raise invalid("At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.")

    def keep(replay: Replay) -> bool:
        source = req.get("EventSourceArn")
        return (source is None or source == arn_within(tx, "archive", replay.archive)) and req.get("State", replay.state) == replay.state

    return listed(tx, req, "Replays", REPLAYS, show=lambda name, replay: _shown(tx, name, replay), keep=keep)


def _archive(tx: Tx, source: str) -> tuple[str, Archive]:
    arn = parse_or_none(source)
    archive = None if arn is None or arn.type != "archive" else tx.get(ARCHIVES, arn.id)
    if arn is None or archive is None:
        name = source if arn is None else arn.id
        raise invalid(f"Parameter EventSourceArn is not valid. Reason: Archive {name} does not exist.")
    return arn.id, archive


def _find(tx: Tx, name: str) -> Replay:
    replay = tx.get(REPLAYS, name)
    if replay is None:
        raise not_found(f"Replay {name} does not exist.")
    return replay


def _shown(tx: Tx, name: str, replay: Replay) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ReplayName": name,
        "EventSourceArn": arn_within(tx, "archive", replay.archive),
        "State": replay.state,
        "EventStartTime": replay.begin,
        "EventEndTime": replay.end,
        "ReplayStartTime": replay.started,
    }
    members = {"StateReason": replay.reason, "EventLastReplayedTime": replay.last, "ReplayEndTime": replay.ended}
    return shown | {member: value for member, value in members.items() if value}
