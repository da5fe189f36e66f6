"""How roles, instance profiles and policies look in answers: several operations show each."""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import Tx
from windtunnel.fabric.access import used_last
from windtunnel.services.iam.policies.managed import Managed
from windtunnel.services.iam.rules import encoded, moment
from windtunnel.services.iam.state import ATTACHED, ROLES, USERS, Policy, Profile, Role, User, arn_of, with_id


def shown_user(tx: Tx, user: User) -> Any:
    """A user as listings show it."""
    return {"Path": user.path, "UserName": user.name, "UserId": user.id, "Arn": arn_of(tx, user), "CreateDate": user.created}


def shown_role(tx: Tx, role: Role) -> Any:
    """A role as listings show it."""
    shown: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": arn_of(tx, role),
        "CreateDate": role.created,
        "AssumeRolePolicyDocument": encoded(role.trust),
        "MaxSessionDuration": role.seconds_max,
    }
    if role.description is not None:
        shown["Description"] = role.description
    return shown


def bounded(entity: User | Role) -> dict[str, Any]:
    """The member PermissionsBoundary, where there is one. Its type is not the one that the model names: AWS answers Policy."""
    if not entity.boundary:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": entity.boundary}}


def role_last_used(tx: Tx, role: Role) -> dict[str, Any]:
    """The member RoleLastUsed."""
    used = used_last(tx, role.id)
    return {"RoleLastUsed": {} if used is None else {"LastUsedDate": moment(used.at), "Region": used.region}}


def shown_profile(tx: Tx, profile: Profile) -> Any:
    """An instance profile as listings show it."""
    role = with_id(tx, ROLES, profile.role) if profile.role else None
    return {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": arn_of(tx, profile),
        "CreateDate": profile.created,
        "Roles": [] if role is None else [shown_role(tx, role)],
    }


def boundary_uses(tx: Tx, arn: str) -> int:
    """How many users and roles have a policy as their boundary."""
    return tx.count(USERS, "bounded", arn) + tx.count(ROLES, "bounded", arn)


def shown_policy(tx: Tx, policy: Policy) -> dict[str, Any]:
    """A policy of the account's own as listings show it."""
    arn = arn_of(tx, policy)
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default}",
        "AttachmentCount": tx.count(ATTACHED, "uses", arn),
        "PermissionsBoundaryUsageCount": boundary_uses(tx, arn),
        "IsAttachable": True,
        "CreateDate": policy.created,
        "UpdateDate": policy.updated,
    }


def shown_managed(tx: Tx, found: Managed) -> dict[str, Any]:
    """A policy of AWS's as listings show it."""
    shown: dict[str, Any] = {
        "PolicyName": found.name,
        "PolicyId": found.id,
        "Arn": found.arn,
        "Path": found.path,
        "DefaultVersionId": found.version,
        "AttachmentCount": tx.count(ATTACHED, "uses", found.arn),
        "PermissionsBoundaryUsageCount": boundary_uses(tx, found.arn),
        "IsAttachable": True,
    }
    return shown if found.created is None else {**shown, "CreateDate": found.created, "UpdateDate": found.updated}


def version_of_managed(found: Managed) -> dict[str, Any]:
    """The only version that is known of a policy of AWS's."""
    shown: dict[str, Any] = {"VersionId": found.version, "IsDefaultVersion": True}
    return shown if found.updated is None else {**shown, "CreateDate": found.updated}
