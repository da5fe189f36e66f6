"""Users, their tags and their boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.access import end_keys, rename_keys, sessions_of
from windtunnel.fabric.mfa import DEVICES
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.services.iam.entities import free, list_tags, listed, room, tag, tagged, untag
from windtunnel.services.iam.policies.managed import boundary_named
from windtunnel.services.iam.rules import USERS_MAX, checked_tags, moment, new_id
from windtunnel.services.iam.state import (
    ATTACHED,
    CREDENTIALS,
    INLINE,
    KEYS,
    LOGINS,
    MEMBERS,
    SIGNING,
    SSH_KEYS,
    USERS,
    User,
    arn_of,
    user_named,
)
from windtunnel.services.iam.views import bounded, shown_user

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


def create_user(tx: Tx, req: t.CreateUserRequest) -> t.CreateUserResponse:
    name = req["UserName"]
    free(tx, USERS, name, f"User with name {name} already exists.")
    room(tx, USERS, USERS_MAX, "Users")
    boundary = boundary_named(tx, req.get("PermissionsBoundary"))
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    user = User(new_id(tx, "AIDA"), name, req.get("Path", "/"), moment(tx.now), boundary)
    tx.put(USERS, name.lower(), value=user)
    set_tags(tx, arn_of(tx, user), tags)
    return {"User": _shown_whole(tx, user)}


def get_user(tx: Tx, req: t.GetUserRequest) -> t.GetUserResponse:
    name = req.get("UserName") or _caller(tx)
    if name is None:
        account = tx.account
        return {"User": {"UserId": account, "Arn": f"arn:aws:iam::{account}:root"}}
    return {"User": _shown_whole(tx, user_named(tx, name))}


def update_user(tx: Tx, req: t.UpdateUserRequest) -> dict[str, Any]:
    user = user_named(tx, req["UserName"])
    name = req.get("NewUserName", user.name)
    if name.lower() != user.name.lower():
        free(tx, USERS, name, f"User with name {name} already exists.")
    changed = msgspec.structs.replace(user, name=name, path=req.get("NewPath", user.path))
    tags = tags_of(tx, arn_of(tx, user))
    remove_all_tags(tx, arn_of(tx, user))
    set_tags(tx, arn_of(tx, changed), tags)
    tx.delete(USERS, user.name.lower())
    tx.put(USERS, name.lower(), value=changed)
    key_ids = [str(key[1]) for key, _ in tx.scan(KEYS, user.id)]
    rename_keys(tx, [*key_ids, *sessions_of(tx, user.id)], arn_of(tx, changed), name)
    return {}


def delete_user(tx: Tx, req: t.DeleteUserRequest) -> dict[str, Any]:
    user = user_named(tx, req["UserName"])
    obstacles = (
        (tx.count(ATTACHED, "entity", user.id), "detach all policies"),
        (tx.count(INLINE, "entity", user.id), "delete policies"),
        (tx.count(MEMBERS, "groups", user.id), "remove users from group"),
        (tx.count(KEYS, "user", user.id), "delete access keys"),
        (tx.get(LOGINS, user.id), "delete login profile"),
        (tx.count(CREDENTIALS, "user", user.id), "remove referenced objects"),
        (tx.count(DEVICES, "carried", user.id), "delete MFA device"),
        (tx.count(SSH_KEYS, "user", user.id), "delete SSH public keys"),
        (tx.count(SIGNING, "user", user.id), "delete signing certificates"),
    )
    for there, what in obstacles:
        if there:
            raise Fault("DeleteConflict", f"Cannot delete entity, must {what} first.")
    remove_all_tags(tx, arn_of(tx, user))
    end_keys(tx, sessions_of(tx, user.id))
    tx.delete(USERS, user.name.lower())
    return {}


def list_users(tx: Tx, req: t.ListUsersRequest) -> t.ListUsersResponse:
    return listed(tx, req, "Users", USERS, shown_user)


def tag_user(tx: Tx, req: t.TagUserRequest) -> dict[str, Any]:
    return tag(tx, arn_of(tx, user_named(tx, req["UserName"])), req)


def untag_user(tx: Tx, req: t.UntagUserRequest) -> dict[str, Any]:
    return untag(tx, arn_of(tx, user_named(tx, req["UserName"])), req)


def list_user_tags(tx: Tx, req: t.ListUserTagsRequest) -> t.ListUserTagsResponse:
    return list_tags(tx, arn_of(tx, user_named(tx, req["UserName"])), req)


def put_user_permissions_boundary(tx: Tx, req: t.PutUserPermissionsBoundaryRequest) -> dict[str, Any]:
    user = user_named(tx, req["UserName"])
    boundary = boundary_named(tx, req["PermissionsBoundary"])
    tx.put(USERS, user.name.lower(), value=msgspec.structs.replace(user, boundary=boundary))
    return {}


def delete_user_permissions_boundary(tx: Tx, req: t.DeleteUserPermissionsBoundaryRequest) -> dict[str, Any]:
    user = user_named(tx, req["UserName"])
    if not user.boundary:
        raise Fault("NoSuchEntity", f"The user with name {user.name} does not have a permissions boundary.")
    tx.put(USERS, user.name.lower(), value=msgspec.structs.replace(user, boundary=""))
    return {}


def _caller(tx: Tx) -> str | None:
    """The name of the user who calls; None for the account's root."""
    caller = tx.scope.principal
    if caller.kind == "IAMUser":
        return caller.name
    if caller.kind != "Root":
        raise Fault("ValidationError", "Must specify userName when calling with non-User credentials")
    return None


def _shown_whole(tx: Tx, user: User) -> t.User:
    """With what a listing leaves out."""
    return shown_user(tx, user) | tagged(tx, arn_of(tx, user)) | bounded(user)  # pyright: ignore[reportReturnType]
