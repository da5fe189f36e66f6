"""Everything an account has, in one listing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Table, Tx
from windtunnel.fabric.tags import tag_list, tags_of
from windtunnel.services.iam.policies.managed import Managed, managed
from windtunnel.services.iam.rules import encoded, paged, start_of
from windtunnel.services.iam.state import (
    ATTACHED,
    GROUPS,
    INLINE,
    MEMBERS,
    POLICIES,
    PROFILES,
    ROLES,
    USERS,
    VERSIONS,
    Entity,
    Group,
    Policy,
    Role,
    User,
    arn_of,
    with_id,
)
from windtunnel.services.iam.views import (
    bounded,
    role_last_used,
    shown_managed,
    shown_policy,
    shown_profile,
    shown_role,
    version_of_managed,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t
    from windtunnel.kernel.store.keys import Key

_TABLES: tuple[Table[Any], ...] = (USERS, GROUPS, ROLES, POLICIES)
_KINDS = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")


def get_account_authorization_details(tx: Tx, req: t.GetAccountAuthorizationDetailsRequest) -> t.GetAccountAuthorizationDetailsResponse:
    """Users, groups, roles and policies with all that is attached to them, in pages over all of them."""
    wanted = req.get("Filter") or _KINDS
    start = start_of(req) or (0, "")

    def rows() -> Iterator[tuple[Key, Any]]:
        for number, table in enumerate(_TABLES):
            if _KINDS[number] in wanted and number >= int(str(start[0])):
                after = start[1:] if number == start[0] else None
                yield from (((number, *key), record) for key, record in tx.scan(table, start=after))
        if "AWSManagedPolicy" in wanted:
            arns = sorted({str(key[1]) for key, _ in tx.scan(ATTACHED) if str(key[1]).startswith("arn:aws:iam::aws:")})
            found = ((arn, managed(arn)) for arn in arns)
            number = len(_KINDS) - 1
            yield from (((number, arn), policy) for arn, policy in found if policy is not None and (number, arn) >= start)

    page = paged(req, "All", rows(), lambda _, record: record)
    details: Any = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    for record in page.pop("All"):
        name, show = _SHOWN[type(record)]
        details[name].append(show(tx, record))
    return details | page


def _user(tx: Tx, user: User) -> dict[str, Any]:
    groups = [with_id(tx, GROUPS, str(key[0])).name for key, _ in tx.find(MEMBERS, "user", user.id)]
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": arn_of(tx, user),
        "CreateDate": user.created,
        "UserPolicyList": _inline(tx, user),
        "GroupList": groups,
        "AttachedManagedPolicies": _attached(tx, user),
        "Tags": tag_list(tags_of(tx, arn_of(tx, user))),
        **bounded(user),
    }


def _group(tx: Tx, group: Group) -> dict[str, Any]:
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": arn_of(tx, group),
        "CreateDate": group.created,
        "GroupPolicyList": _inline(tx, group),
        "AttachedManagedPolicies": _attached(tx, group),
    }


def _role(tx: Tx, role: Role) -> dict[str, Any]:
    shown = shown_role(tx, role)
    for absent in ("MaxSessionDuration", "Description"):
        shown.pop(absent, None)
    return {
        **shown,
        "InstanceProfileList": [shown_profile(tx, profile) for _, profile in tx.find(PROFILES, "role", role.id)],
        "RolePolicyList": _inline(tx, role),
        "AttachedManagedPolicies": _attached(tx, role),
        "Tags": tag_list(tags_of(tx, arn_of(tx, role))),
        **bounded(role),
        **role_last_used(tx, role),
    }


def _policy(tx: Tx, policy: Policy) -> dict[str, Any]:
    versions = sorted(tx.scan(VERSIONS, policy.id), key=lambda row: row[0], reverse=True)
    return {
        **shown_policy(tx, policy),
        "PolicyVersionList": [
            {
                "Document": encoded(version.document),
                "VersionId": f"v{key[1]}",
                "IsDefaultVersion": key[1] == policy.default,
                "CreateDate": version.created,
            }
            for key, version in versions
        ],
    }


def _managed(tx: Tx, policy: Managed) -> dict[str, Any]:
    return {**shown_managed(tx, policy), "PolicyVersionList": [{"Document": encoded(policy.document), **version_of_managed(policy)}]}


def _inline(tx: Tx, entity: Entity) -> list[dict[str, str]]:
    return [{"PolicyName": str(key[1]), "PolicyDocument": encoded(document)} for key, document in tx.scan(INLINE, entity.id)]


def _attached(tx: Tx, entity: Entity) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyArn": str(key[1])} for key, name in tx.scan(ATTACHED, entity.id)]


_SHOWN: dict[type, Any] = {
    User: ("UserDetailList", _user),
    Group: ("GroupDetailList", _group),
    Role: ("RoleDetailList", _role),
    Policy: ("Policies", _policy),
    Managed: ("Policies", _managed),
}
