"""Schedules: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.kernel.store import Key
from windtunnel.services.scheduler.checks import check_schedule
from windtunnel.services.scheduler.life import plan_next
from windtunnel.services.scheduler.listings import page_of, start_of
from windtunnel.services.scheduler.state import DEFAULT, SCHEDULES, Schedule, find_group, find_schedule, schedule_arn

if TYPE_CHECKING:
    from windtunnel.aws.types import scheduler as t

NOT_KEPT = ("Name", "GroupName", "ClientToken")
DEFAULTS = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}
POLICY = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


def create_schedule(tx: Tx, req: t.CreateScheduleInput) -> t.CreateScheduleOutput:
    group, name, token = req.get("GroupName", DEFAULT), req["Name"], req.get("ClientToken", "")
    check_schedule(req)
    _check_group(tx, group)
    old = tx.get(SCHEDULES, group, name)
    if old is not None and not (token and old.token == token):
        raise Fault("ConflictException", f"Schedule {name} already exists.")
    if old is None:
        _keep(tx, group, name, Schedule(tx.now, tx.now, _settings(req), tx.now, token))
    return {"ScheduleArn": schedule_arn(tx, group, name)}


def update_schedule(tx: Tx, req: t.UpdateScheduleInput) -> t.UpdateScheduleOutput:
    group, name = req.get("GroupName", DEFAULT), req["Name"]
    check_schedule(req)
    _check_group(tx, group)
    old = find_schedule(tx, group, name)
    settings = _settings(req)
    begins = ("ScheduleExpression", "StartDate", "State")
    since = old.since if all(old.settings.get(member) == settings.get(member) for member in begins) else tx.now
    _keep(tx, group, name, Schedule(old.created, tx.now, settings, since, old.token))
    return {"ScheduleArn": schedule_arn(tx, group, name)}


def get_schedule(tx: Tx, req: t.GetScheduleInput) -> t.GetScheduleOutput:
    group, name = req.get("GroupName", DEFAULT), req["Name"]
    schedule = find_schedule(tx, group, name)
    return {**_shown(tx, group, name, schedule), **schedule.settings}  # pyright: ignore[reportReturnType]


def list_schedules(tx: Tx, req: t.ListSchedulesInput) -> t.ListSchedulesOutput:
    group, prefix = req.get("GroupName"), req.get("NamePrefix", "")
    if group is not None:
        find_group(tx, group)
        found = tx.scan(SCHEDULES, group, start=start_of(req, 1) or (prefix,))
    else:
        found = tx.scan(SCHEDULES, start=start_of(req, 0))

    def wanted() -> Iterator[tuple[Key, Schedule]]:
        for key, schedule in found:
            if str(key[1]).startswith(prefix) and req.get("State", schedule.settings["State"]) == schedule.settings["State"]:
                yield key, schedule
            elif group is not None and str(key[1]) > prefix and not str(key[1]).startswith(prefix):
                return

    def show(key: Key, schedule: Schedule) -> dict[str, Any]:
        shown = _shown(tx, str(key[0]), str(key[1]), schedule)
        return {**shown, "State": schedule.settings["State"], "Target": {"Arn": schedule.settings["Target"]["Arn"]}}

    return page_of(req, "Schedules", wanted(), show)


def delete_schedule(tx: Tx, req: t.DeleteScheduleInput) -> t.DeleteScheduleOutput:
    group, name = req.get("GroupName", DEFAULT), req["Name"]
    find_schedule(tx, group, name)
    tx.cancel_timer("run", f"{group}/{name}")
    tx.delete(SCHEDULES, group, name)
    return {}


def _settings(req: Mapping[str, Any]) -> dict[str, Any]:
    given = {member: value for member, value in req.items() if member not in NOT_KEPT}
    target = {**given["Target"], "RetryPolicy": {**POLICY, **given["Target"].get("RetryPolicy", {})}}
    return {**DEFAULTS, **given, "Target": target}


def _keep(tx: Tx, group: str, name: str, schedule: Schedule) -> None:
    tx.put(SCHEDULES, group, name, value=schedule)
    plan_next(tx, group, name, schedule, None)


def _check_group(tx: Tx, name: str) -> None:
    if find_group(tx, name).deleting:
        raise Fault("ConflictException", f"Schedule group {name} is being deleted.")


def _shown(tx: Tx, group: str, name: str, schedule: Schedule) -> dict[str, Any]:
    return {
        "Arn": schedule_arn(tx, group, name),
        "GroupName": group,
        "Name": name,
        "CreationDate": schedule.created,
        "LastModificationDate": schedule.modified,
    }
