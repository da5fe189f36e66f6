"""Schedule groups: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import set_tags, tag_map
from windtunnel.services.scheduler.listings import page_of, start_of
from windtunnel.services.scheduler.state import DEFAULT, GROUPS, Group, find_group, group_arn, invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import scheduler as t


def create_schedule_group(tx: Tx, req: t.CreateScheduleGroupInput) -> t.CreateScheduleGroupOutput:
    name, token = req["Name"], req.get("ClientToken", "")
    arn, old = group_arn(tx, name), tx.get(GROUPS, name)
    if old is not None and token and old.token == token:
        return {"ScheduleGroupArn": arn}
    if old is not None or name == DEFAULT:
        raise Fault("ConflictException", f"Schedule group {name} already exists.")
    tx.put(GROUPS, name, value=Group(tx.now, tx.now, token))
    set_tags(tx, arn, tag_map(req.get("Tags", [])))  # pyright: ignore[reportArgumentType]
    return {"ScheduleGroupArn": arn}


def get_schedule_group(tx: Tx, req: t.GetScheduleGroupInput) -> t.GetScheduleGroupOutput:
    return _shown(tx, req["Name"], _kept(tx, req["Name"]))  # pyright: ignore[reportReturnType]


def list_schedule_groups(tx: Tx, req: t.ListScheduleGroupsInput) -> t.ListScheduleGroupsOutput:
    _kept(tx, DEFAULT)
    prefix = req.get("NamePrefix", "")
    rows = (row for row in tx.scan(GROUPS, start=start_of(req, 0) or (prefix,)) if str(row[0][0]).startswith(prefix))
    return page_of(req, "ScheduleGroups", rows, lambda key, group: _shown(tx, str(key[0]), group))


def delete_schedule_group(tx: Tx, req: t.DeleteScheduleGroupInput) -> t.DeleteScheduleGroupOutput:
    name = req["Name"]
    if name == DEFAULT:
        raise invalid("The default schedule group cannot be deleted.")
    group = find_group(tx, name)
    if group.deleting:
        raise Fault("ConflictException", f"Schedule group {name} is being deleted.")
    tx.put(GROUPS, name, value=msgspec.structs.replace(group, deleting=True, modified=tx.now))
    tx.timer(tx.now, "delete_group", {"group": name})
    return {}


def _kept(tx: Tx, name: str) -> Group:
    """A group; the default one has a row from its first sight, so that its times stay."""
    group = find_group(tx, name)
    if name == DEFAULT and tx.get(GROUPS, name) is None:
        tx.put(GROUPS, name, value=group)
    return group


def _shown(tx: Tx, name: str, group: Group) -> dict[str, Any]:
    return {
        "Arn": group_arn(tx, name),
        "Name": name,
        "State": "DELETING" if group.deleting else "ACTIVE",
        "CreationDate": group.created,
        "LastModificationDate": group.modified,
    }
