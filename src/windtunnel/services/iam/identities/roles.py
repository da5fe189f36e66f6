"""Roles: who may assume them, for how long, within which boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.iam.entities import free, list_tags, listed, room, tag, tagged, untag
from windtunnel.services.iam.identities.trust import check_principals
from windtunnel.services.iam.policies.managed import boundary_named
from windtunnel.services.iam.rules import ROLES_MAX, checked_tags, checked_trust, moment, new_id
from windtunnel.services.iam.state import ATTACHED, INLINE, PROFILES, ROLES, Role, arn_of, own_role_named, role_named
from windtunnel.services.iam.views import bounded, role_last_used, shown_role

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


def create_role(tx: Tx, req: t.CreateRoleRequest) -> t.CreateRoleResponse:
    name, path = req["RoleName"], req.get("Path", "/")
    if path.startswith("/aws-service-role/"):
        raise Fault("InvalidInput", "The path /aws-service-role/ is reserved for service-linked roles.")
    checked = checked_trust(req["AssumeRolePolicyDocument"])
    free(tx, ROLES, name, f"Role with name {name} already exists.")
    room(tx, ROLES, ROLES_MAX, "Roles")
    check_principals(tx, checked)
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    role = Role(
        id=new_id(tx, "AROA"),
        name=name,
        path=path,
        created=moment(tx.now),
        trust=req["AssumeRolePolicyDocument"],
        description=req.get("Description"),
        seconds_max=req.get("MaxSessionDuration", 3600),
        boundary=boundary_named(tx, req.get("PermissionsBoundary")),
    )
    tx.put(ROLES, name.lower(), value=role)
    set_tags(tx, arn_of(tx, role), tags)
    shown = shown_role(tx, role) | bounded(role) | tagged(tx, arn_of(tx, role))
    if "MaxSessionDuration" not in req:
        del shown["MaxSessionDuration"]
    return {"Role": shown}


def get_role(tx: Tx, req: t.GetRoleRequest) -> t.GetRoleResponse:
    return {"Role": _shown_whole(tx, role_named(tx, req["RoleName"]))}


def list_roles(tx: Tx, req: t.ListRolesRequest) -> t.ListRolesResponse:
    return listed(tx, req, "Roles", ROLES, shown_role)


def delete_role(tx: Tx, req: t.DeleteRoleRequest) -> dict[str, Any]:
    role = own_role_named(tx, req["RoleName"])
    obstacles = (
        (any(True for _ in tx.find(PROFILES, "role", role.id, limit=1)), "remove roles from instance profile"),
        (tx.count(ATTACHED, "entity", role.id), "detach all policies"),
        (tx.count(INLINE, "entity", role.id), "delete policies"),
    )
    for there, what in obstacles:
        if there:
            raise Fault("DeleteConflict", f"Cannot delete entity, must {what} first.")
    remove_all_tags(tx, arn_of(tx, role))
    tx.delete(ROLES, role.name.lower())
    return {}


def update_role(tx: Tx, req: t.UpdateRoleRequest) -> dict[str, Any]:
    """What the request leaves out goes back to its default. Of a role that is linked to a service only the description may change:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-service-linked-role.html"""
    role = (own_role_named if "MaxSessionDuration" in req else role_named)(tx, req["RoleName"])
    changed = msgspec.structs.replace(role, description=req.get("Description"), seconds_max=req.get("MaxSessionDuration", 3600))
    tx.put(ROLES, role.name.lower(), value=changed)
    return {}


def update_role_description(tx: Tx, req: t.UpdateRoleDescriptionRequest) -> t.UpdateRoleDescriptionResponse:
    role = msgspec.structs.replace(role_named(tx, req["RoleName"]), description=req["Description"])
    tx.put(ROLES, role.name.lower(), value=role)
    return {"Role": _shown_whole(tx, role)}


def update_assume_role_policy(tx: Tx, req: t.UpdateAssumeRolePolicyRequest) -> dict[str, Any]:
    role = own_role_named(tx, req["RoleName"])
    check_principals(tx, checked_trust(req["PolicyDocument"]))
    tx.put(ROLES, role.name.lower(), value=msgspec.structs.replace(role, trust=req["PolicyDocument"]))
    return {}


def put_role_permissions_boundary(tx: Tx, req: t.PutRolePermissionsBoundaryRequest) -> dict[str, Any]:
    role = own_role_named(tx, req["RoleName"])
    boundary = boundary_named(tx, req["PermissionsBoundary"])
    tx.put(ROLES, role.name.lower(), value=msgspec.structs.replace(role, boundary=boundary))
    return {}


def delete_role_permissions_boundary(tx: Tx, req: t.DeleteRolePermissionsBoundaryRequest) -> dict[str, Any]:
    role = own_role_named(tx, req["RoleName"])
    if not role.boundary:
        raise Fault("NoSuchEntity", f"The role with name {role.name} does not have a permissions boundary.")
    tx.put(ROLES, role.name.lower(), value=msgspec.structs.replace(role, boundary=""))
    return {}


def tag_role(tx: Tx, req: t.TagRoleRequest) -> dict[str, Any]:
    return tag(tx, arn_of(tx, role_named(tx, req["RoleName"])), req)


def untag_role(tx: Tx, req: t.UntagRoleRequest) -> dict[str, Any]:
    return untag(tx, arn_of(tx, role_named(tx, req["RoleName"])), req)


def list_role_tags(tx: Tx, req: t.ListRoleTagsRequest) -> t.ListRoleTagsResponse:
    return list_tags(tx, arn_of(tx, role_named(tx, req["RoleName"])), req)


def _shown_whole(tx: Tx, role: Role) -> t.Role:
    """With what a listing leaves out."""
    return shown_role(tx, role) | bounded(role) | tagged(tx, arn_of(tx, role)) | role_last_used(tx, role)
