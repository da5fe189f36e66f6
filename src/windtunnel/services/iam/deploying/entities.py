"""Users, groups and roles from templates, with all that hangs on them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html
"""

from __future__ import annotations

from functools import partial
from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import changed

IAM = "CAPABILITY_IAM"


async def set_policies(at: At, kind: str, name: str, new: Properties, old: Properties) -> None:
    """Attaches and detaches managed policies, and writes and removes those within, for `kind` ("user", "group", "role")."""
    iam, key = at.aws.iam, f"{kind.capitalize()}Name"
    attached, before = new.get("ManagedPolicyArns", []), old.get("ManagedPolicyArns", [])
    for arn in before:
        if arn not in attached:
            await getattr(iam, f"detach_{kind}_policy")({key: name, "PolicyArn": arn})
    for arn in attached:
        if arn not in before:
            await getattr(iam, f"attach_{kind}_policy")({key: name, "PolicyArn": arn})
    within, had = ({each["PolicyName"]: each["PolicyDocument"] for each in properties.get("Policies", [])} for properties in (new, old))
    for policy in had:
        if policy not in within:
            await getattr(iam, f"delete_{kind}_policy")({key: name, "PolicyName": policy})
    for policy, document in within.items():
        if had.get(policy) != document:
            await getattr(iam, f"put_{kind}_policy")({key: name, "PolicyName": policy, "PolicyDocument": document})


async def strip(at: At, kind: str, name: str) -> None:
    """Takes all policies from an entity, whoever gave them: it could not be deleted with them."""
    iam, key = at.aws.iam, f"{kind.capitalize()}Name"
    for each in (await getattr(iam, f"list_attached_{kind}_policies")({key: name}))["AttachedPolicies"]:
        await getattr(iam, f"detach_{kind}_policy")({key: name, "PolicyArn": each["PolicyArn"]})
    for policy in (await getattr(iam, f"list_{kind}_policies")({key: name}))["PolicyNames"]:
        await getattr(iam, f"delete_{kind}_policy")({key: name, "PolicyName": policy})


async def _set_tags(at: At, kind: str, name: str, new: Properties, old: Properties) -> None:
    key = f"{kind.capitalize()}Name"
    await at.retag(new, old, {key: name}, getattr(at.aws.iam, f"tag_{kind}"), getattr(at.aws.iam, f"untag_{kind}"))


async def _set_boundary(at: At, kind: str, name: str, new: Properties, old: Properties) -> None:
    if not changed(new, old, "PermissionsBoundary"):
        return
    key, boundary = f"{kind.capitalize()}Name", new.get("PermissionsBoundary")
    if boundary:
        await getattr(at.aws.iam, f"put_{kind}_permissions_boundary")({key: name, "PermissionsBoundary": boundary})
    else:
        await getattr(at.aws.iam, f"delete_{kind}_permissions_boundary")({key: name})


async def _arn(kind: str, at: At, id: str, properties: Properties) -> dict[str, Any]:
    found = (await getattr(at.aws.iam, f"get_{kind}")({f"{kind.capitalize()}Name": id}))[kind.capitalize()]
    return {"Arn": found["Arn"], "RoleId": found["RoleId"]} if kind == "role" else {"Arn": found["Arn"]}


async def _create_user(at: At, properties: Properties) -> str:
    name = properties["UserName"]
    request = {"UserName": name, "Path": properties.get("Path"), "PermissionsBoundary": properties.get("PermissionsBoundary")}
    await at.aws.iam.create_user({**request, "Tags": at.tag_list(properties.get("Tags"))})
    await at.made(name)
    await set_policies(at, "user", name, properties, {})
    await _set_groups(at, name, properties, {})
    await _set_login(at, name, properties, {})
    return str(name)


async def _update_user(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "Path"):
        await at.aws.iam.update_user({"UserName": id, "NewPath": new.get("Path", "/")})
    await _set_boundary(at, "user", id, new, old)
    await set_policies(at, "user", id, new, old)
    await _set_groups(at, id, new, old)
    await _set_login(at, id, new, old)
    await _set_tags(at, "user", id, new, old)


async def _set_groups(at: At, name: str, new: Properties, old: Properties) -> None:
    wanted, before = new.get("Groups", []), old.get("Groups", [])
    for group in before:
        if group not in wanted:
            await at.aws.iam.remove_user_from_group({"GroupName": group, "UserName": name})
    for group in wanted:
        if group not in before:
            await at.aws.iam.add_user_to_group({"GroupName": group, "UserName": name})


async def _set_login(at: At, name: str, new: Properties, old: Properties) -> None:
    if not changed(new, old, "LoginProfile"):
        return
    if "LoginProfile" not in new:
        await at.aws.iam.delete_login_profile({"UserName": name})
    elif "LoginProfile" in old:
        await at.aws.iam.update_login_profile({"UserName": name, **new["LoginProfile"]})
    else:
        await at.aws.iam.create_login_profile({"UserName": name, **new["LoginProfile"]})


async def _delete_user(at: At, id: str, properties: Properties) -> None:
    await strip(at, "user", id)
    for group in (await at.aws.iam.list_groups_for_user({"UserName": id}))["Groups"]:
        await at.aws.iam.remove_user_from_group({"GroupName": group["GroupName"], "UserName": id})
    if "LoginProfile" in properties:
        await at.aws.iam.delete_login_profile({"UserName": id})
    await at.aws.iam.delete_user({"UserName": id})


async def _create_group(at: At, properties: Properties) -> str:
    name = properties["GroupName"]
    await at.aws.iam.create_group({"GroupName": name, "Path": properties.get("Path")})
    await at.made(name)
    await set_policies(at, "group", name, properties, {})
    return str(name)


async def _update_group(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "Path"):
        await at.aws.iam.update_group({"GroupName": id, "NewPath": new.get("Path", "/")})
    await set_policies(at, "group", id, new, old)


async def _delete_group(at: At, id: str, properties: Properties) -> None:
    await strip(at, "group", id)
    for user in (await at.aws.iam.get_group({"GroupName": id}))["Users"]:
        await at.aws.iam.remove_user_from_group({"GroupName": id, "UserName": user["UserName"]})
    await at.aws.iam.delete_group({"GroupName": id})


async def _create_role(at: At, properties: Properties) -> str:
    name = properties["RoleName"]
    given = {
        each: properties.get(each)
        for each in ("AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "PermissionsBoundary")
    }
    await at.aws.iam.create_role({"RoleName": name, **given, "Tags": at.tag_list(properties.get("Tags"))})
    await at.made(name)
    await set_policies(at, "role", name, properties, {})
    return str(name)


async def _update_role(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "AssumeRolePolicyDocument"):
        await at.aws.iam.update_assume_role_policy({"RoleName": id, "PolicyDocument": new["AssumeRolePolicyDocument"]})
    if changed(new, old, "Description", "MaxSessionDuration"):
        settings = {"Description": new.get("Description", ""), "MaxSessionDuration": new.get("MaxSessionDuration", 3600)}
        await at.aws.iam.update_role({"RoleName": id, **settings})
    await _set_boundary(at, "role", id, new, old)
    await set_policies(at, "role", id, new, old)
    await _set_tags(at, "role", id, new, old)


async def _delete_role(at: At, id: str, properties: Properties) -> None:
    await strip(at, "role", id)
    for profile in (await at.aws.iam.list_instance_profiles_for_role({"RoleName": id}))["InstanceProfiles"]:
        await at.aws.iam.remove_role_from_instance_profile({"InstanceProfileName": profile["InstanceProfileName"], "RoleName": id})
    await at.aws.iam.delete_role({"RoleName": id})


async def _read_role(at: At, id: str, properties: Properties) -> Properties:
    role = (await at.aws.iam.get_role({"RoleName": id}))["Role"]
    found = dict(properties)
    for name in ("Description", "MaxSessionDuration", "Path"):
        if name in properties:
            found[name] = role.get(name)
    attached = (await at.aws.iam.list_attached_role_policies({"RoleName": id}))["AttachedPolicies"]
    arns = [each["PolicyArn"] for each in attached]
    if "ManagedPolicyArns" in properties and sorted(arns) != sorted(properties["ManagedPolicyArns"]):
        found["ManagedPolicyArns"] = arns
    return found


USER = Deploy(
    properties="Groups LoginProfile ManagedPolicyArns Path PermissionsBoundary Policies Tags UserName",
    create=_create_user,
    update=_update_user,
    delete=_delete_user,
    attributes=partial(_arn, "user"),
    replaced="UserName",
    name="UserName",
    tagged=True,
    marked=False,
    capability=IAM,
)
GROUP = Deploy(
    properties="GroupName ManagedPolicyArns Path Policies",
    create=_create_group,
    update=_update_group,
    delete=_delete_group,
    attributes=partial(_arn, "group"),
    replaced="GroupName",
    name="GroupName",
    name_max=128,
    capability=IAM,
)
ROLE = Deploy(
    properties="AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary Policies RoleName Tags",
    required="AssumeRolePolicyDocument",
    create=_create_role,
    update=_update_role,
    delete=_delete_role,
    attributes=partial(_arn, "role"),
    read=_read_role,
    replaced="Path RoleName",
    name="RoleName",
    tagged=True,
    marked=False,
    capability=IAM,
)
