"""Managed policies: the account's own, with their versions, and those AWS publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tag_list, tags_of
from windtunnel.services.iam.entities import list_tags, room, tag, tagged, untag
from windtunnel.services.iam.policies.managed import Managed, managed, managed_policies
from windtunnel.services.iam.rules import (
    POLICIES_MAX,
    POLICY_CHARACTERS_MAX,
    VERSIONS_ALL_MAX,
    VERSIONS_MAX,
    checked_identity,
    checked_tags,
    encoded,
    moment,
    new_id,
    paged,
    policy_arn,
    size_of,
    start_of,
)
from windtunnel.services.iam.state import ATTACHED, POLICIES, VERSIONS, Policy, Version, arn_of
from windtunnel.services.iam.views import boundary_uses, shown_managed, shown_policy, version_of_managed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from windtunnel.aws.types import iam as t
    from windtunnel.kernel.store.keys import Key


def create_policy(tx: Tx, req: t.CreatePolicyRequest) -> t.CreatePolicyResponse:
    name = req["PolicyName"]
    if tx.get(POLICIES, name.lower()) is not None:
        raise Fault("EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed.")
    room(tx, POLICIES, POLICIES_MAX, "Policies")
    room(tx, VERSIONS, VERSIONS_ALL_MAX, "PolicyVersionsInUse")
    _check_document(req["PolicyDocument"])
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    now = moment(tx.now)
    policy = Policy(new_id(tx, "ANPA"), name, req.get("Path", "/"), now, now, req.get("Description"))
    tx.put(POLICIES, name.lower(), value=policy)
    tx.put(VERSIONS, policy.id, 1, value=Version(req["PolicyDocument"], now))
    set_tags(tx, arn_of(tx, policy), tags)
    return {"Policy": shown_policy(tx, policy) | tagged(tx, arn_of(tx, policy))}  # pyright: ignore[reportReturnType]


def get_policy(tx: Tx, req: t.GetPolicyRequest) -> t.GetPolicyResponse:
    found = _policy(tx, req["PolicyArn"])
    if isinstance(found, Managed):
        return {"Policy": shown_managed(tx, found) | _described(found)}  # pyright: ignore[reportReturnType]
    shown: Any = shown_policy(tx, found) | _described(found) | {"Tags": tag_list(tags_of(tx, arn_of(tx, found)))}
    return {"Policy": shown}


def delete_policy(tx: Tx, req: t.DeletePolicyRequest) -> dict[str, Any]:
    policy = _own_policy(tx, req["PolicyArn"])
    arn = arn_of(tx, policy)
    if tx.count(ATTACHED, "uses", arn) or boundary_uses(tx, arn):
        raise Fault("DeleteConflict", "Cannot delete a policy attached to entities.")
    if tx.count(VERSIONS, "policy", policy.id) > 1:
        raise Fault(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
        )
    tx.delete(VERSIONS, policy.id, policy.default)
    tx.delete(POLICIES, policy.name.lower())
    remove_all_tags(tx, arn)
    return {}


def list_policies(tx: Tx, req: t.ListPoliciesRequest) -> t.ListPoliciesResponse:
    """AWS's own policies come first, then the account's, each in the order of their names."""
    scope, prefix = req.get("Scope", "All"), req.get("PathPrefix", "/")
    usage = req.get("PolicyUsageFilter")
    start = start_of(req) or (0, "")

    def rows() -> Iterator[tuple[Key, Policy | Managed]]:
        if scope != "Local" and start[0] == 0:
            yield from (((0, found.name.lower()), found) for found in managed_policies() if found.name.lower() >= str(start[1]))
        if scope != "AWS":
            yield from (((1, *key), policy) for key, policy in tx.scan(POLICIES, start=start[1:] if start[0] else None))

    def wanted(found: Policy | Managed) -> bool:
        arn = found.arn if isinstance(found, Managed) else arn_of(tx, found)
        if req.get("OnlyAttached") and not tx.count(ATTACHED, "uses", arn):
            return False
        if usage is not None and not (tx.count(ATTACHED, "uses", arn) if usage == "PermissionsPolicy" else boundary_uses(tx, arn)):
            return False
        return found.path.startswith(prefix)

    shown = (row for row in rows() if wanted(row[1]))
    return paged(
        req, "Policies", shown, lambda _, found: shown_managed(tx, found) if isinstance(found, Managed) else shown_policy(tx, found)
    )


def create_policy_version(tx: Tx, req: t.CreatePolicyVersionRequest) -> t.CreatePolicyVersionResponse:
    policy = _own_policy(tx, req["PolicyArn"])
    _check_document(req["PolicyDocument"])
    if tx.count(VERSIONS, "policy", policy.id) >= VERSIONS_MAX:
        raise Fault(
            "LimitExceeded",
            f"A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must delete an existing "
            "version.",
        )
    room(tx, VERSIONS, VERSIONS_ALL_MAX, "PolicyVersionsInUse")
    now, number = moment(tx.now), policy.last + 1
    version = Version(req["PolicyDocument"], now)
    default = number if req.get("SetAsDefault") else policy.default
    tx.put(VERSIONS, policy.id, number, value=version)
    tx.put(POLICIES, policy.name.lower(), value=msgspec.structs.replace(policy, last=number, default=default, updated=now))
    return {"PolicyVersion": {"VersionId": f"v{number}", "IsDefaultVersion": default == number, "CreateDate": now}}


def get_policy_version(tx: Tx, req: t.GetPolicyVersionRequest) -> t.GetPolicyVersionResponse:
    arn, name = req["PolicyArn"], req["VersionId"]
    found = _policy(tx, arn)
    if isinstance(found, Managed):
        if name != found.version:
            raise _no_version(arn, name)
        return {"PolicyVersion": {"Document": encoded(found.document), **version_of_managed(found)}}  # pyright: ignore[reportReturnType]
    number, version = _version(tx, arn, found, name)
    return {
        "PolicyVersion": {
            "Document": encoded(version.document),
            "VersionId": name,
            "IsDefaultVersion": number == found.default,
            "CreateDate": version.created,
        }
    }


def list_policy_versions(tx: Tx, req: t.ListPolicyVersionsRequest) -> t.ListPolicyVersionsResponse:
    """The newest first."""
    found = _policy(tx, req["PolicyArn"])
    if isinstance(found, Managed):
        return {"Versions": [version_of_managed(found)], "IsTruncated": False}  # pyright: ignore[reportReturnType]
    start = start_of(req)
    rows = sorted(tx.scan(VERSIONS, found.id), reverse=True, key=lambda row: row[0])
    return paged(
        req,
        "Versions",
        ((key, version) for key, version in rows if start is None or key <= start),
        lambda key, version: {"VersionId": f"v{key[1]}", "IsDefaultVersion": key[1] == found.default, "CreateDate": version.created},
    )


def delete_policy_version(tx: Tx, req: t.DeletePolicyVersionRequest) -> dict[str, Any]:
    policy = _own_policy(tx, req["PolicyArn"])
    number, _ = _version(tx, req["PolicyArn"], policy, req["VersionId"])
    if number == policy.default:
        raise Fault("DeleteConflict", "Cannot delete the default version of a policy.")
    tx.delete(VERSIONS, policy.id, number)
    return {}


def set_default_policy_version(tx: Tx, req: t.SetDefaultPolicyVersionRequest) -> dict[str, Any]:
    policy = _own_policy(tx, req["PolicyArn"])
    number, _ = _version(tx, req["PolicyArn"], policy, req["VersionId"])
    tx.put(POLICIES, policy.name.lower(), value=msgspec.structs.replace(policy, default=number, updated=moment(tx.now)))
    return {}


def tag_policy(tx: Tx, req: t.TagPolicyRequest) -> dict[str, Any]:
    return tag(tx, arn_of(tx, _own_policy(tx, req["PolicyArn"])), req)


def untag_policy(tx: Tx, req: t.UntagPolicyRequest) -> dict[str, Any]:
    return untag(tx, arn_of(tx, _own_policy(tx, req["PolicyArn"])), req)


def list_policy_tags(tx: Tx, req: t.ListPolicyTagsRequest) -> t.ListPolicyTagsResponse:
    found = _policy(tx, req["PolicyArn"])
    return {"Tags": [], "IsTruncated": False} if isinstance(found, Managed) else list_tags(tx, arn_of(tx, found), req)


def _policy(tx: Tx, text: str) -> Policy | Managed:
    """Any managed policy. Raises NoSuchEntity."""
    arn = policy_arn(text)
    if arn.account == "aws":
        found = managed(text)
        if found is not None:
            return found
    elif arn.account == tx.account:
        policy = tx.get(POLICIES, arn.name.lower())
        if policy is not None and arn_of(tx, policy) == text:
            return policy
    raise Fault("NoSuchEntity", f"Policy {text} was not found.")


def _own_policy(tx: Tx, text: str) -> Policy:
    """A policy of the account's own. Raises NoSuchEntity, and AccessDenied for AWS's."""
    found = _policy(tx, text)
    if isinstance(found, Managed):
        raise Fault("AccessDenied", "Policy is outside your own account.")
    return found


def _version(tx: Tx, arn: str, policy: Policy, name: str) -> tuple[int, Version]:
    number = int(name[1:].partition(".")[0])
    version = tx.get(VERSIONS, policy.id, number)
    if version is None:
        raise _no_version(arn, name)
    return number, version


def _no_version(arn: str, name: str) -> Fault:
    return Fault("NoSuchEntity", f"Policy {arn} version {name} does not exist or is not attachable.")


def _check_document(document: str) -> None:
    checked_identity(document)
    if size_of(document) > POLICY_CHARACTERS_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for PolicySize: {POLICY_CHARACTERS_MAX}")


def _described(found: Policy | Managed) -> dict[str, Any]:
    """Only GetPolicy tells the description."""
    description = found.description if isinstance(found, Policy) else None
    return {} if description is None else {"Description": description}
