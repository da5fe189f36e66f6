"""Access keys, devices, certificates, memberships and instance profiles from templates."""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import changed
from windtunnel.services.iam.deploying.entities import IAM


async def _create_key(at: At, properties: Properties) -> str:
    user = properties["UserName"]
    key = (await at.aws.iam.create_access_key({"UserName": user}))["AccessKey"]
    await at.made(key["AccessKeyId"])
    at.keep(SecretAccessKey=key["SecretAccessKey"])
    if properties.get("Status", "Active") != "Active":
        await _update_key(at, key["AccessKeyId"], properties, {})
    return str(key["AccessKeyId"])


async def _update_key(at: At, id: str, new: Properties, old: Properties) -> None:
    request = {"UserName": new["UserName"], "AccessKeyId": id, "Status": new.get("Status", "Active")}
    await at.aws.iam.update_access_key(request)


async def _delete_key(at: At, id: str, properties: Properties) -> None:
    await at.aws.iam.delete_access_key({"UserName": properties["UserName"], "AccessKeyId": id})


async def _create_profile(at: At, properties: Properties) -> str:
    name = properties["InstanceProfileName"]
    await at.aws.iam.create_instance_profile({"InstanceProfileName": name, "Path": properties.get("Path")})
    await at.made(name)
    await _set_roles(at, name, properties, {})
    return str(name)


async def _set_roles(at: At, id: str, new: Properties, old: Properties) -> None:
    for role in old.get("Roles", []):
        if role not in new["Roles"]:
            await at.aws.iam.remove_role_from_instance_profile({"InstanceProfileName": id, "RoleName": role})
    for role in new["Roles"]:
        if role not in old.get("Roles", []):
            await at.aws.iam.add_role_to_instance_profile({"InstanceProfileName": id, "RoleName": role})


async def _delete_profile(at: At, id: str, properties: Properties) -> None:
    for role in (await at.aws.iam.get_instance_profile({"InstanceProfileName": id}))["InstanceProfile"]["Roles"]:
        await at.aws.iam.remove_role_from_instance_profile({"InstanceProfileName": id, "RoleName": role["RoleName"]})
    await at.aws.iam.delete_instance_profile({"InstanceProfileName": id})


async def _told_profile(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.iam.get_instance_profile({"InstanceProfileName": id}))["InstanceProfile"]["Arn"]}


async def _create_addition(at: At, properties: Properties) -> str:
    id = at.name()
    await at.made(id)
    await _set_users(at, id, properties, {})
    return id


async def _set_users(at: At, id: str, new: Properties, old: Properties) -> None:
    moved = changed(new, old, "GroupName")
    for user in new.get("Users", []):
        if moved or user not in old.get("Users", []):
            await at.aws.iam.add_user_to_group({"GroupName": new["GroupName"], "UserName": user})
    for user in old.get("Users", []):
        if moved or user not in new.get("Users", []):
            await at.aws.iam.remove_user_from_group({"GroupName": old["GroupName"], "UserName": user})


async def _delete_addition(at: At, id: str, properties: Properties) -> None:
    for user in properties.get("Users", []):
        await at.aws.iam.remove_user_from_group({"GroupName": properties["GroupName"], "UserName": user})


async def _create_device(at: At, properties: Properties) -> str:
    request = {"VirtualMFADeviceName": properties["VirtualMfaDeviceName"], "Path": properties.get("Path")}
    made = await at.aws.iam.create_virtual_mfa_device({**request, "Tags": at.tag_list(properties.get("Tags"))})
    return str(made["VirtualMFADevice"]["SerialNumber"])


async def _update_device(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.retag(new, old, {"SerialNumber": id}, at.aws.iam.tag_mfa_device, at.aws.iam.untag_mfa_device)


async def _delete_device(at: At, id: str, properties: Properties) -> None:
    await at.aws.iam.delete_virtual_mfa_device({"SerialNumber": id})


async def _told_device(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"SerialNumber": id}


async def _create_certificate(at: At, properties: Properties) -> str:
    name = properties["ServerCertificateName"]
    given = {each: properties.get(each) for each in ("CertificateBody", "CertificateChain", "Path", "PrivateKey")}
    await at.aws.iam.upload_server_certificate({"ServerCertificateName": name, **given, "Tags": at.tag_list(properties.get("Tags"))})
    return str(name)


async def _update_certificate(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "Path"):
        await at.aws.iam.update_server_certificate({"ServerCertificateName": id, "NewPath": new.get("Path", "/")})
    await at.retag(new, old, {"ServerCertificateName": id}, at.aws.iam.tag_server_certificate, at.aws.iam.untag_server_certificate)


async def _delete_certificate(at: At, id: str, properties: Properties) -> None:
    await at.aws.iam.delete_server_certificate({"ServerCertificateName": id})


async def _told_certificate(at: At, id: str, properties: Properties) -> dict[str, Any]:
    found = await at.aws.iam.get_server_certificate({"ServerCertificateName": id})
    return {"Arn": found["ServerCertificate"]["ServerCertificateMetadata"]["Arn"]}


KEY = Deploy(
    properties="Serial Status UserName",
    required="UserName",
    replaced="Serial UserName",
    create=_create_key,
    update=_update_key,
    delete=_delete_key,
    capability=IAM,
)
PROFILE = Deploy(
    properties="InstanceProfileName Path Roles",
    required="Roles",
    replaced="InstanceProfileName Path",
    create=_create_profile,
    update=_set_roles,
    delete=_delete_profile,
    attributes=_told_profile,
    name="InstanceProfileName",
    name_max=128,
    capability=IAM,
)
ADDITION = Deploy(
    properties="GroupName Users",
    required="GroupName Users",
    create=_create_addition,
    update=_set_users,
    delete=_delete_addition,
    capability=IAM,
)
DEVICE = Deploy(
    properties="Path Tags Users VirtualMfaDeviceName",
    required="Users",
    replaced="Path VirtualMfaDeviceName",
    create=_create_device,
    update=_update_device,
    delete=_delete_device,
    attributes=_told_device,
    name="VirtualMfaDeviceName",
    name_max=128,
    tagged=True,
    marked=False,
)
CERTIFICATE = Deploy(
    properties="CertificateBody CertificateChain Path PrivateKey ServerCertificateName Tags",
    replaced="CertificateBody CertificateChain PrivateKey ServerCertificateName",
    create=_create_certificate,
    update=_update_certificate,
    delete=_delete_certificate,
    attributes=_told_certificate,
    name="ServerCertificateName",
    name_max=128,
    tagged=True,
    marked=False,
)
