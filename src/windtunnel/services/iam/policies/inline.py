"""Inline policies: documents that belong to one user, group or role and go with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.rules import INLINE_CHARACTERS_MAX, checked_identity, encoded, paged, size_of, start_of
from windtunnel.services.iam.state import INLINE, Entity, group_named, own_role_named, role_named, user_named

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


def put_user_policy(tx: Tx, req: t.PutUserPolicyRequest) -> dict[str, Any]:
    return _put(tx, "user", user_named(tx, req["UserName"]), req)


def put_group_policy(tx: Tx, req: t.PutGroupPolicyRequest) -> dict[str, Any]:
    return _put(tx, "group", group_named(tx, req["GroupName"]), req)


def put_role_policy(tx: Tx, req: t.PutRolePolicyRequest) -> dict[str, Any]:
    return _put(tx, "role", own_role_named(tx, req["RoleName"]), req)


def get_user_policy(tx: Tx, req: t.GetUserPolicyRequest) -> t.GetUserPolicyResponse:
    user = user_named(tx, req["UserName"])
    return _shown(tx, "User", user, req)


def get_group_policy(tx: Tx, req: t.GetGroupPolicyRequest) -> t.GetGroupPolicyResponse:
    group = group_named(tx, req["GroupName"])
    return _shown(tx, "Group", group, req)


def get_role_policy(tx: Tx, req: t.GetRolePolicyRequest) -> t.GetRolePolicyResponse:
    role = role_named(tx, req["RoleName"])
    return _shown(tx, "Role", role, req)


def delete_user_policy(tx: Tx, req: t.DeleteUserPolicyRequest) -> dict[str, Any]:
    return _delete(tx, "user", user_named(tx, req["UserName"]), req)


def delete_group_policy(tx: Tx, req: t.DeleteGroupPolicyRequest) -> dict[str, Any]:
    return _delete(tx, "group", group_named(tx, req["GroupName"]), req)


def delete_role_policy(tx: Tx, req: t.DeleteRolePolicyRequest) -> dict[str, Any]:
    return _delete(tx, "role", own_role_named(tx, req["RoleName"]), req)


def list_user_policies(tx: Tx, req: t.ListUserPoliciesRequest) -> t.ListUserPoliciesResponse:
    return _listed(tx, user_named(tx, req["UserName"]), req)


def list_group_policies(tx: Tx, req: t.ListGroupPoliciesRequest) -> t.ListGroupPoliciesResponse:
    return _listed(tx, group_named(tx, req["GroupName"]), req)


def list_role_policies(tx: Tx, req: t.ListRolePoliciesRequest) -> t.ListRolePoliciesResponse:
    return _listed(tx, role_named(tx, req["RoleName"]), req)


def _put(tx: Tx, kind: str, entity: Entity, req: Mapping[str, Any]) -> dict[str, Any]:
    """All inline policies of an entity together have a limit."""
    name, document = req["PolicyName"], req["PolicyDocument"]
    checked_identity(document)
    others = sum(size_of(there) for key, there in tx.scan(INLINE, entity.id) if key[1] != name)
    limit = INLINE_CHARACTERS_MAX[kind]
    if others + size_of(document) > limit:
        raise Fault("LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind} {entity.name}")
    tx.put(INLINE, entity.id, name, value=document)
    return {}


def _document(tx: Tx, kind: str, entity: Entity, name: str) -> str:
    document = tx.get(INLINE, entity.id, name)
    if document is None:
        raise Fault("NoSuchEntity", f"The {kind} policy with name {name} cannot be found.")
    return document


def _shown(tx: Tx, kind: str, entity: Entity, req: Mapping[str, Any]) -> Any:
    document = _document(tx, kind.lower(), entity, req["PolicyName"])
    return {f"{kind}Name": entity.name, "PolicyName": req["PolicyName"], "PolicyDocument": encoded(document)}


def _delete(tx: Tx, kind: str, entity: Entity, req: Mapping[str, Any]) -> dict[str, Any]:
    _document(tx, kind, entity, req["PolicyName"])
    tx.delete(INLINE, entity.id, req["PolicyName"])
    return {}


def _listed(tx: Tx, entity: Entity, req: Mapping[str, Any]) -> Any:
    start = start_of(req)
    return paged(req, "PolicyNames", tx.scan(INLINE, entity.id, start=start and start[1:]), lambda key, _: key[1])
