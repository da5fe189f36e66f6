"""How templates deploy keys, their replicas, and aliases.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_KMS.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import At, Deploy, Fault, Properties, Resource
from windtunnel.fabric.resource import changed, picked
from windtunnel.services.kms.rules import DELETION_DAYS_DEFAULT, ROTATION_DAYS_DEFAULT
from windtunnel.services.kms.state import ALIASES, KEYS

MADE_WITH = "Description KeySpec KeyUsage MultiRegion Origin BypassPolicyLockoutSafetyCheck"
OWN = "Description Enabled KeyPolicy PendingWindowInDays Tags"
"""What a key and each of its replicas have for themselves."""


async def _create(at: At, properties: Properties) -> str:
    request = {**picked(properties, MADE_WITH), "Policy": properties.get("KeyPolicy"), "Tags": _tags(at.tags(properties.get("Tags")))}
    if properties.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT" and "KeyUsage" not in properties:
        request["KeyUsage"] = "ENCRYPT_DECRYPT"  # the property's default, which the API leaves to symmetric keys
    key = (await at.aws.kms.create_key(request))["KeyMetadata"]["KeyId"]
    await at.made(key)
    if _is(properties, "EnableKeyRotation"):
        await _rotate(at, key, properties)
    if not _is(properties, "Enabled", default=True):
        await at.aws.kms.disable_key({"KeyId": key})
    return key


def _is(properties: Properties, name: str, *, default: bool = False) -> bool:
    return str(properties.get(name, default)).lower() == "true"


def _tags(tags: dict[str, str]) -> list[dict[str, str]] | None:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()] or None


async def _rotate(at: At, key: str, properties: Properties) -> None:
    days = properties.get("RotationPeriodInDays", ROTATION_DAYS_DEFAULT)
    await at.aws.kms.enable_key_rotation({"KeyId": key, "RotationPeriodInDays": days})


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    """A key is changed while it is on: that goes first, or last."""
    on = _is(new, "Enabled", default=True)
    if on and not _is(old, "Enabled", default=True):
        await at.aws.kms.enable_key({"KeyId": id})
    if changed(new, old, "EnableKeyRotation", "RotationPeriodInDays"):
        if _is(new, "EnableKeyRotation"):
            await _rotate(at, id, new)
        else:
            await at.aws.kms.disable_key_rotation({"KeyId": id})
    if changed(new, old, "Description"):
        await at.aws.kms.update_key_description({"KeyId": id, "Description": new.get("Description", "")})
    if changed(new, old, "KeyPolicy") and "KeyPolicy" in new:
        bypass = new.get("BypassPolicyLockoutSafetyCheck")
        await at.aws.kms.put_key_policy({"KeyId": id, "Policy": new["KeyPolicy"], "BypassPolicyLockoutSafetyCheck": bypass})
    await at.retag(new, old, {"KeyId": id}, at.aws.kms.tag_resource, at.aws.kms.untag_resource)
    if not on and _is(old, "Enabled", default=True):
        await at.aws.kms.disable_key({"KeyId": id})


async def _delete(at: At, id: str, properties: Properties) -> None:
    """A key whose end is near already is left to it."""
    state = (await at.aws.kms.describe_key({"KeyId": id}))["KeyMetadata"]["KeyState"]
    if not state.startswith("Pending") or state == "PendingImport":
        days = properties.get("PendingWindowInDays", DELETION_DAYS_DEFAULT)
        await at.aws.kms.schedule_key_deletion({"KeyId": id, "PendingWindowInDays": days})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.kms.describe_key({"KeyId": id}))["KeyMetadata"]["Arn"], "KeyId": id}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    shown = (await at.aws.kms.describe_key({"KeyId": id}))["KeyMetadata"]
    found: Properties = dict(properties)
    for name in picked(properties, "Description Enabled"):
        found[name] = shown[name]
    if "KeyPolicy" in properties:
        found["KeyPolicy"] = msgspec.json.decode((await at.aws.kms.get_key_policy({"KeyId": id}))["Policy"])
    if "EnableKeyRotation" in properties or "RotationPeriodInDays" in properties:
        status = await at.aws.kms.get_key_rotation_status({"KeyId": id})
        rotation = {"EnableKeyRotation": status["KeyRotationEnabled"], "RotationPeriodInDays": status.get("RotationPeriodInDays")}
        found |= {name: value for name, value in rotation.items() if name in properties}
    return found


async def _replicate(at: At, properties: Properties) -> str:
    """A replica is asked for at its primary, and is in the stack's own region."""
    fields = str(properties["PrimaryKeyArn"]).split(":")
    if len(fields) < 6:
        raise Fault("InvalidArnException", f"{properties['PrimaryKeyArn']} is not the ARN of a key")
    request = {
        "KeyId": properties["PrimaryKeyArn"],
        "ReplicaRegion": at.region,
        "Description": properties.get("Description"),
        "Policy": properties["KeyPolicy"],
        "Tags": _tags(at.tags(properties.get("Tags"))),
    }
    key = (await at.elsewhere(fields[3]).aws.kms.replicate_key(request))["ReplicaKeyMetadata"]["KeyId"]
    await at.made(key)
    if not _is(properties, "Enabled", default=True):
        await at.aws.kms.disable_key({"KeyId": key})
    return key


async def _name(at: At, properties: Properties) -> str:
    await at.aws.kms.create_alias(picked(properties, "AliasName TargetKeyId"))
    return properties["AliasName"]


async def _rename(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.kms.update_alias({"AliasName": id, "TargetKeyId": new["TargetKeyId"]})


async def _unname(at: At, id: str, properties: Properties) -> None:
    await at.aws.kms.delete_alias({"AliasName": id})


async def _read_alias(at: At, id: str, properties: Properties) -> Properties:
    key = (await at.aws.kms.describe_key({"KeyId": id}))["KeyMetadata"]
    return {**properties, "TargetKeyId": key["Arn" if str(properties["TargetKeyId"]).startswith("arn:") else "KeyId"]}


RESOURCES = (
    Resource(
        "AWS::KMS::Key",
        KEYS,
        "arn:aws:kms:{region}:{account}:key/{0}",
        Deploy(
            properties=f"{MADE_WITH} {OWN} EnableKeyRotation RotationPeriodInDays",
            replaced="KeySpec KeyUsage MultiRegion Origin",
            create=_create,
            update=_update,
            delete=_delete,
            attributes=_told,
            read=_read,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::KMS::ReplicaKey",
        deploy=Deploy(
            properties=f"{OWN} PrimaryKeyArn",
            required="KeyPolicy PrimaryKeyArn",
            replaced="PrimaryKeyArn",
            create=_replicate,
            update=_update,
            delete=_delete,
            attributes=_told,
            read=_read,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::KMS::Alias",
        ALIASES,
        "arn:aws:kms:{region}:{account}:{0}",
        Deploy(
            properties="AliasName TargetKeyId",
            required="AliasName TargetKeyId",
            replaced="AliasName",
            create=_name,
            update=_rename,
            delete=_unname,
            read=_read_alias,
        ),
    ),
)
