"""Which managed policies are attached to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.iam.policies.managed import attachable, name_of
from windtunnel.services.iam.rules import POLICIES_ATTACHED_MAX, paged, policy_arn, start_of
from windtunnel.services.iam.state import (
    ATTACHED,
    GROUPS,
    ROLES,
    USERS,
    Entity,
    group_named,
    own_role_named,
    role_named,
    user_named,
    with_id,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t
    from windtunnel.kernel.store.keys import Key


def attach_user_policy(tx: Tx, req: t.AttachUserPolicyRequest) -> dict[str, Any]:
    return _attach(tx, "User", user_named(tx, req["UserName"]), req["PolicyArn"])


def attach_group_policy(tx: Tx, req: t.AttachGroupPolicyRequest) -> dict[str, Any]:
    return _attach(tx, "Group", group_named(tx, req["GroupName"]), req["PolicyArn"])


def attach_role_policy(tx: Tx, req: t.AttachRolePolicyRequest) -> dict[str, Any]:
    return _attach(tx, "Role", own_role_named(tx, req["RoleName"]), req["PolicyArn"])


def detach_user_policy(tx: Tx, req: t.DetachUserPolicyRequest) -> dict[str, Any]:
    return _detach(tx, user_named(tx, req["UserName"]), req["PolicyArn"])


def detach_group_policy(tx: Tx, req: t.DetachGroupPolicyRequest) -> dict[str, Any]:
    return _detach(tx, group_named(tx, req["GroupName"]), req["PolicyArn"])


def detach_role_policy(tx: Tx, req: t.DetachRolePolicyRequest) -> dict[str, Any]:
    return _detach(tx, own_role_named(tx, req["RoleName"]), req["PolicyArn"])


def list_attached_user_policies(tx: Tx, req: t.ListAttachedUserPoliciesRequest) -> t.ListAttachedUserPoliciesResponse:
    return _listed(tx, user_named(tx, req["UserName"]), req)


def list_attached_group_policies(tx: Tx, req: t.ListAttachedGroupPoliciesRequest) -> t.ListAttachedGroupPoliciesResponse:
    return _listed(tx, group_named(tx, req["GroupName"]), req)


def list_attached_role_policies(tx: Tx, req: t.ListAttachedRolePoliciesRequest) -> t.ListAttachedRolePoliciesResponse:
    return _listed(tx, role_named(tx, req["RoleName"]), req)


def list_entities_for_policy(tx: Tx, req: t.ListEntitiesForPolicyRequest) -> t.ListEntitiesForPolicyResponse:
    """Groups first, then users, then roles."""
    arn = req["PolicyArn"]
    name_of(tx, arn)
    wanted, prefix = req.get("EntityFilter"), req.get("PathPrefix", "/")
    as_boundary = req.get("PolicyUsageFilter") == "PermissionsBoundary"
    start = start_of(req)

    def rows() -> Iterator[tuple[Key, Any]]:
        for number, (name, table) in enumerate(_TABLES.items()):
            if wanted not in (None, name):
                continue
            if as_boundary:
                found = [] if table is GROUPS else [record for _, record in tx.find(table, "boundary", arn)]
            else:
                keys = (str(key[0]) for key, _ in tx.find(ATTACHED, "policy", arn))
                found = [record for id in keys if id.startswith(_PREFIXES[name]) and (record := with_id(tx, table, id)) is not None]
            for record in found:
                key = (number, record.id)
                if record.path.startswith(prefix) and (start is None or key >= start):
                    yield key, (name, record)

    page = paged(req, "All", rows(), lambda _, row: row)
    shown: Any = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
    for name, record in page.pop("All"):
        shown[f"Policy{name}s"].append({f"{name}Name": record.name, f"{name}Id": record.id})
    return shown | page


_TABLES: dict[str, Table[Any]] = {"Group": GROUPS, "User": USERS, "Role": ROLES}
_PREFIXES = {"Group": "AGPA", "User": "AIDA", "Role": "AROA"}


def _attach(tx: Tx, kind: str, entity: Entity, arn: str) -> dict[str, Any]:
    name = attachable(tx, arn)
    if tx.get(ATTACHED, entity.id, arn) is None:
        if tx.count(ATTACHED, "entity", entity.id) >= POLICIES_ATTACHED_MAX:
            raise Fault("LimitExceeded", f"Cannot exceed quota for PoliciesPer{kind}: {POLICIES_ATTACHED_MAX}")
        tx.put(ATTACHED, entity.id, arn, value=name)
    return {}


def _detach(tx: Tx, entity: Entity, arn: str) -> dict[str, Any]:
    policy_arn(arn)
    if tx.get(ATTACHED, entity.id, arn) is None:
        raise Fault("NoSuchEntity", f"Policy {arn} was not found.")
    tx.delete(ATTACHED, entity.id, arn)
    return {}


def _listed(tx: Tx, entity: Entity, req: Mapping[str, Any]) -> Any:
    start, prefix = start_of(req), req.get("PathPrefix", "/")
    rows = tx.scan(ATTACHED, entity.id, start=start and start[1:])
    under = ((key, name) for key, name in rows if _path(str(key[1]), name).startswith(prefix))
    return paged(req, "AttachedPolicies", under, lambda key, name: {"PolicyName": name, "PolicyArn": key[1]})


def _path(arn: str, name: str) -> str:
    return arn.partition(":policy")[2].removesuffix(name)
