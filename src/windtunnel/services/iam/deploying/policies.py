"""Managed policies and inline policies from templates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from windtunnel.fabric import At, Deploy, Fault, Properties
from windtunnel.fabric.resource import changed, is_gone
from windtunnel.services.iam.deploying.entities import IAM

KINDS = (("Groups", "group"), ("Roles", "role"), ("Users", "user"))
VERSIONS_MAX = 5


def _holders(properties: Properties) -> Iterator[tuple[str, str]]:
    for member, kind in KINDS:
        for name in properties.get(member, []):
            yield kind, str(name)


async def _each(at: At, verb: str, holders: list[tuple[str, str]], **request: Any) -> None:
    for kind, name in holders:
        await getattr(at.aws.iam, f"{verb}_{kind}_policy")({f"{kind.capitalize()}Name": name, **request})


async def _create_managed(at: At, properties: Properties) -> str:
    request = {"PolicyName": properties["ManagedPolicyName"], "PolicyDocument": properties["PolicyDocument"]}
    given = {"Path": properties.get("Path"), "Description": properties.get("Description")}
    arn = str((await at.aws.iam.create_policy({**request, **given}))["Policy"]["Arn"])
    await at.made(arn)
    await _each(at, "attach", list(_holders(properties)), PolicyArn=arn)
    return arn


async def _update_managed(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "PolicyDocument"):
        versions = (await at.aws.iam.list_policy_versions({"PolicyArn": id}))["Versions"]
        if len(versions) == VERSIONS_MAX:
            oldest = next(each["VersionId"] for each in reversed(versions) if not each["IsDefaultVersion"])
            await at.aws.iam.delete_policy_version({"PolicyArn": id, "VersionId": oldest})
        await at.aws.iam.create_policy_version({"PolicyArn": id, "PolicyDocument": new["PolicyDocument"], "SetAsDefault": True})
    after, before = list(_holders(new)), list(_holders(old))
    await _each(at, "detach", [each for each in before if each not in after], PolicyArn=id)
    await _each(at, "attach", [each for each in after if each not in before], PolicyArn=id)


async def _delete_managed(at: At, id: str, properties: Properties) -> None:
    found = await at.aws.iam.list_entities_for_policy({"PolicyArn": id})
    for member, kind in KINDS:
        for each in found[f"Policy{member}"]:
            name = f"{kind.capitalize()}Name"
            await getattr(at.aws.iam, f"detach_{kind}_policy")({name: each[name], "PolicyArn": id})
    for version in (await at.aws.iam.list_policy_versions({"PolicyArn": id}))["Versions"]:
        if not version["IsDefaultVersion"]:
            await at.aws.iam.delete_policy_version({"PolicyArn": id, "VersionId": version["VersionId"]})
    await at.aws.iam.delete_policy({"PolicyArn": id})


async def _told_managed(at: At, id: str, properties: Properties) -> dict[str, Any]:
    policy = (await at.aws.iam.get_policy({"PolicyArn": id}))["Policy"]
    names = ("AttachmentCount", "DefaultVersionId", "IsAttachable", "PermissionsBoundaryUsageCount", "PolicyId")
    return {"PolicyArn": id, **{name: policy[name] for name in names}}


async def _create_policy(at: At, properties: Properties) -> str:
    id = at.name()
    await at.made(id)
    request = {"PolicyName": properties["PolicyName"], "PolicyDocument": properties["PolicyDocument"]}
    holders = list(_holders(properties))
    if not holders:
        raise Fault("ValidationError", "At least one of [Groups,Roles,Users] must be non-empty.")
    await _each(at, "put", holders, **request)
    return id


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    after, before = list(_holders(new)), list(_holders(old))
    renamed = changed(new, old, "PolicyName")
    await _each(at, "put", after, PolicyName=new["PolicyName"], PolicyDocument=new["PolicyDocument"])
    await _each(at, "delete", [each for each in before if renamed or each not in after], PolicyName=old["PolicyName"])


async def _delete_policy(at: At, id: str, properties: Properties) -> None:
    for holder in _holders(properties):
        try:
            await _each(at, "delete", [holder], PolicyName=properties["PolicyName"])
        except Fault as fault:
            if not is_gone(fault):
                raise


async def _told_policy(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Id": id}


async def _create_one(kind: str, at: At, properties: Properties) -> str:
    """One entity's own inline policy, of the kinds that CDK calls RolePolicy, UserPolicy and GroupPolicy."""
    member = f"{kind.capitalize()}Name"
    await _put_one(kind, at, "", properties, {})
    return f"{properties['PolicyName']}|{properties[member]}"


async def _put_one(kind: str, at: At, id: str, new: Properties, old: Properties) -> None:
    member = f"{kind.capitalize()}Name"
    document = new.get("PolicyDocument", {"Version": "2012-10-17", "Statement": []})
    request = {member: new[member], "PolicyName": new["PolicyName"], "PolicyDocument": document}
    await getattr(at.aws.iam, f"put_{kind}_policy")(request)


async def _delete_one(kind: str, at: At, id: str, properties: Properties) -> None:
    member = f"{kind.capitalize()}Name"
    await getattr(at.aws.iam, f"delete_{kind}_policy")({member: properties[member], "PolicyName": properties["PolicyName"]})


def one(kind: str) -> Deploy:
    """An inline policy of one user, group or role."""
    member = f"{kind.capitalize()}Name"
    return Deploy(
        properties=f"{member} PolicyDocument PolicyName",
        required=f"{member} PolicyName",
        replaced=f"{member} PolicyName",
        create=partial(_create_one, kind),
        update=partial(_put_one, kind),
        delete=partial(_delete_one, kind),
        capability=IAM,
    )


MANAGED = Deploy(
    properties="Description Groups ManagedPolicyName Path PolicyDocument Roles Users",
    required="PolicyDocument",
    replaced="Description ManagedPolicyName Path",
    create=_create_managed,
    update=_update_managed,
    delete=_delete_managed,
    attributes=_told_managed,
    name="ManagedPolicyName",
    name_max=128,
    capability=IAM,
)
POLICY = Deploy(
    properties="Groups PolicyDocument PolicyName Roles Users",
    required="PolicyDocument PolicyName",
    create=_create_policy,
    update=_update_policy,
    delete=_delete_policy,
    attributes=_told_policy,
    capability=IAM,
)
