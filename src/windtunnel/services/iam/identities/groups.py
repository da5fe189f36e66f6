"""Groups, and who belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.entities import free, listed, room
from windtunnel.services.iam.rules import GROUPS_MAX, GROUPS_PER_USER_MAX, moment, new_id, paged, start_of
from windtunnel.services.iam.state import ATTACHED, GROUPS, INLINE, MEMBERS, USERS, Group, arn_of, group_named, user_named, with_id
from windtunnel.services.iam.views import shown_user

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


def create_group(tx: Tx, req: t.CreateGroupRequest) -> t.CreateGroupResponse:
    name = req["GroupName"]
    free(tx, GROUPS, name, f"Group with name {name} already exists.")
    room(tx, GROUPS, GROUPS_MAX, "Groups")
    group = Group(new_id(tx, "AGPA"), name, req.get("Path", "/"), moment(tx.now))
    tx.put(GROUPS, name.lower(), value=group)
    return {"Group": _shown(tx, group)}


def get_group(tx: Tx, req: t.GetGroupRequest) -> t.GetGroupResponse:
    group = group_named(tx, req["GroupName"])
    start = start_of(req)

    def shown(key: Any, _: float) -> t.User:
        return shown_user(tx, with_id(tx, USERS, key[1]))

    page = paged(req, "Users", tx.scan(MEMBERS, group.id, start=start and start[1:]), shown)
    page["Group"] = _shown(tx, group)
    return page


def update_group(tx: Tx, req: t.UpdateGroupRequest) -> dict[str, Any]:
    group = group_named(tx, req["GroupName"])
    name = req.get("NewGroupName", group.name)
    if name.lower() != group.name.lower():
        free(tx, GROUPS, name, f"Group with name {name} already exists.")
    tx.delete(GROUPS, group.name.lower())
    tx.put(GROUPS, name.lower(), value=msgspec.structs.replace(group, name=name, path=req.get("NewPath", group.path)))
    return {}


def delete_group(tx: Tx, req: t.DeleteGroupRequest) -> dict[str, Any]:
    group = group_named(tx, req["GroupName"])
    obstacles = (
        (tx.count(MEMBERS, "users", group.id), "remove users from group"),
        (tx.count(ATTACHED, "entity", group.id), "detach all policies"),
        (tx.count(INLINE, "entity", group.id), "delete policies"),
    )
    for there, what in obstacles:
        if there:
            raise Fault("DeleteConflict", f"Cannot delete entity, must {what} first.")
    tx.delete(GROUPS, group.name.lower())
    return {}


def list_groups(tx: Tx, req: t.ListGroupsRequest) -> t.ListGroupsResponse:
    return listed(tx, req, "Groups", GROUPS, _shown)


def list_groups_for_user(tx: Tx, req: t.ListGroupsForUserRequest) -> t.ListGroupsForUserResponse:
    user = user_named(tx, req["UserName"])
    start = str((start_of(req) or ("",))[0])
    # In the order in which the user came into them, as AWS's recorded answers have it; ten at most.
    joined = [(since, with_id(tx, GROUPS, str(key[0]))) for key, since in tx.find(MEMBERS, "user", user.id)]
    rows = sorted((f"{since:020.6f} {group.name.lower()}", group) for since, group in joined)
    return paged(req, "Groups", (((at,), group) for at, group in rows if at >= start), lambda _, group: _shown(tx, group))


def add_user_to_group(tx: Tx, req: t.AddUserToGroupRequest) -> dict[str, Any]:
    """Who is in the group already stays there."""
    group, user = group_named(tx, req["GroupName"]), user_named(tx, req["UserName"])
    if tx.get(MEMBERS, group.id, user.id) is None:
        if tx.count(MEMBERS, "groups", user.id) >= GROUPS_PER_USER_MAX:
            raise Fault("LimitExceeded", f"Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER_MAX}")
        tx.put(MEMBERS, group.id, user.id, value=tx.now)
    return {}


def remove_user_from_group(tx: Tx, req: t.RemoveUserFromGroupRequest) -> dict[str, Any]:
    group, user = group_named(tx, req["GroupName"]), user_named(tx, req["UserName"])
    tx.delete(MEMBERS, group.id, user.id)
    return {}


def _shown(tx: Tx, group: Group) -> t.Group:
    return {"Path": group.path, "GroupName": group.name, "GroupId": group.id, "Arn": arn_of(tx, group), "CreateDate": group.created}
