"""How templates deploy secrets, their policies and their rotation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SecretsManager.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import changed, picked
from windtunnel.services.secretsmanager.state import SECRETS

_REPLICAS = "ReplicaRegions"


def _token(at: At) -> str:
    return at.call.ids.uuid()


async def _value(at: At, properties: Properties) -> str | None:
    """A secret's value: as it stands there, or made of a random password."""
    made = properties.get("GenerateSecretString")
    if made is None:
        return properties.get("SecretString")
    wanted = {name: value for name, value in made.items() if name not in ("SecretStringTemplate", "GenerateStringKey")}
    password = (await at.aws.secretsmanager.get_random_password(wanted))["RandomPassword"]
    if "GenerateStringKey" not in made:
        return password
    filled = {**msgspec.json.decode(made.get("SecretStringTemplate", "{}")), made["GenerateStringKey"]: password}
    return msgspec.json.encode(filled).decode()


async def _create(at: At, properties: Properties) -> str:
    request = {
        **picked(properties, "Name Description KmsKeyId"),
        "SecretString": await _value(at, properties),
        "Tags": at.tag_list(properties.get("Tags")),
        "AddReplicaRegions": properties.get(_REPLICAS),
        "ClientRequestToken": _token(at),
    }
    return (await at.aws.secretsmanager.create_secret(request))["ARN"]


def _replicas(properties: Properties) -> dict[str, Any]:
    listed: list[dict[str, Any]] = properties.get(_REPLICAS) or []
    return {each["Region"]: each for each in listed}


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    request: dict[str, Any] = {"SecretId": id, "Description": new.get("Description", ""), "KmsKeyId": new.get("KmsKeyId", "")}
    if changed(new, old, "SecretString", "GenerateSecretString"):
        request["SecretString"] = await _value(at, new)
    await at.aws.secretsmanager.update_secret({**request, "ClientRequestToken": _token(at)})
    await at.retag(new, old, {"SecretId": id}, at.aws.secretsmanager.tag_resource, at.aws.secretsmanager.untag_resource)
    before, after = _replicas(old), _replicas(new)
    if gone := [region for region in before if region not in after]:
        await at.aws.secretsmanager.remove_regions_from_replication({"SecretId": id, "RemoveReplicaRegions": gone})
    if more := [each for region, each in after.items() if region not in before]:
        await at.aws.secretsmanager.replicate_secret_to_regions({"SecretId": id, "AddReplicaRegions": more})


async def _delete(at: At, id: str, properties: Properties) -> None:
    """At once: a stack that is made anew needs the name."""
    if regions := list(_replicas(properties)):
        await at.aws.secretsmanager.remove_regions_from_replication({"SecretId": id, "RemoveReplicaRegions": regions})
    await at.aws.secretsmanager.delete_secret({"SecretId": id, "ForceDeleteWithoutRecovery": True})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    await at.aws.secretsmanager.describe_secret({"SecretId": id})
    return {"Id": id}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    shown = await at.aws.secretsmanager.describe_secret({"SecretId": id})
    return {**properties, **{name: shown.get(name, "") for name in picked(properties, "Description KmsKeyId")}}


async def _put_policy(at: At, properties: Properties) -> str:
    request = {"ResourcePolicy": properties["ResourcePolicy"], "BlockPublicPolicy": properties.get("BlockPublicPolicy")}
    return (await at.aws.secretsmanager.put_resource_policy({"SecretId": properties["SecretId"], **request}))["ARN"]


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_policy(at, new)


async def _delete_policy(at: At, id: str, properties: Properties) -> None:
    await at.aws.secretsmanager.delete_resource_policy({"SecretId": properties["SecretId"]})


async def _schedule(at: At, properties: Properties) -> str:
    request = {
        "SecretId": properties["SecretId"],
        "RotationLambdaARN": properties.get("RotationLambdaARN"),
        "RotationRules": properties.get("RotationRules"),
        "RotateImmediately": properties.get("RotateImmediatelyOnUpdate"),
        "ClientRequestToken": _token(at),
    }
    return (await at.aws.secretsmanager.rotate_secret(request))["ARN"]


async def _reschedule(at: At, id: str, new: Properties, old: Properties) -> None:
    await _schedule(at, new)


async def _unschedule(at: At, id: str, properties: Properties) -> None:
    await at.aws.secretsmanager.cancel_rotate_secret({"SecretId": properties["SecretId"]})


RESOURCES = (
    Resource(
        "AWS::SecretsManager::Secret",
        SECRETS,
        "arn:aws:secretsmanager:{region}:{account}:secret:{0}",
        Deploy(
            properties="Name Description KmsKeyId SecretString GenerateSecretString ReplicaRegions Tags",
            replaced="Name",
            name="Name",
            create=_create,
            update=_update,
            delete=_delete,
            attributes=_told,
            read=_read,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::SecretsManager::ResourcePolicy",
        deploy=Deploy(
            properties="SecretId ResourcePolicy BlockPublicPolicy",
            required="SecretId ResourcePolicy",
            replaced="SecretId",
            create=_put_policy,
            update=_update_policy,
            delete=_delete_policy,
        ),
    ),
    Resource(
        "AWS::SecretsManager::RotationSchedule",
        deploy=Deploy(
            properties="SecretId RotationLambdaARN RotationRules RotateImmediatelyOnUpdate",
            required="SecretId",
            replaced="SecretId",
            create=_schedule,
            update=_reschedule,
            delete=_unschedule,
        ),
    ),
)
