"""Secrets: made, described, listed, changed, deleted and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import set_tags, tag_list, tag_map, tags_of
from windtunnel.services.secretsmanager.listing import listed, page_of
from windtunnel.services.secretsmanager.mirror import add_replicas, forget, mirror, statuses
from windtunnel.services.secretsmanager.places import find_secret
from windtunnel.services.secretsmanager.rules import (
    CURRENT,
    DAY_SECONDS,
    RECOVERY_DAYS,
    RECOVERY_DAYS_DEFAULT,
    check_id,
    check_name,
    invalid,
    refused,
    token_of,
    value_of,
)
from windtunnel.services.secretsmanager.state import SECRETS, VERSIONS, Found, Rotation, Secret, labels_of
from windtunnel.services.secretsmanager.values import add_version, check_same, opened, sealed

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SUFFIX_LETTERS = 6


def create_secret(tx: Tx, req: t.CreateSecretRequest) -> t.CreateSecretResponse:
    name = req["Name"]
    check_name(name)
    token, value = token_of(req), value_of(req)
    _no_other_accounts(req)
    secret = tx.get(SECRETS, name)
    if secret is not None:
        return _again(Found(tx, name, secret), token, value)
    fresh = Secret(
        tx.serial(),
        tx.ids.text(_SUFFIX_LETTERS, _LETTERS),
        tx.now,
        tx.now,
        req.get("Description", ""),
        req.get("KmsKeyId", ""),
        kind=req.get("Type", ""),
        tagged=bool(req.get("Tags")),
    )
    found = Found(tx, name, fresh).put()
    set_tags(tx, found.arn, tag_map(req.get("Tags") or []))  # pyright: ignore[reportArgumentType]
    if value is not None:
        found = add_version(found, token, value, [CURRENT])
    if req.get("AddReplicaRegions"):
        found = add_replicas(found, req)
    out: dict[str, Any] = {"ARN": found.arn, "Name": name}
    if value is not None:
        out["VersionId"] = token
    return out | statuses(found)  # pyright: ignore[reportReturnType]


def _no_other_accounts(req: Any) -> None:
    if "CrossAccountPrimaryARN" in req:
        raise Fault("NotImplemented", "windtunnel does not implement secrets that replicate another account's.", status=501)


def _again(found: Found, token: str, value: tuple[bytes, bool] | None) -> Any:
    """A secret that is there: the same request once more is answered once more."""
    if found.secret.deleted:
        raise refused("You can't create this secret because a secret with this name is already scheduled for deletion.")
    version = found.tx.get(VERSIONS, found.secret.id, token)
    if version is None or not check_same(found, token, value):
        raise Fault("ResourceExistsException", f"The operation failed because the secret {found.name} already exists.")
    return {"ARN": found.arn, "Name": found.name, "VersionId": token}


def update_secret(tx: Tx, req: t.UpdateSecretRequest) -> t.UpdateSecretResponse:
    check_id(req["SecretId"])
    token, value = token_of(req), value_of(req)
    found = find_secret(tx, req["SecretId"], "UpdateSecret")
    changes: dict[str, Any] = {"changed": tx.now}
    for member, field in (("Description", "description"), ("KmsKeyId", "kms"), ("Type", "kind")):
        if member in req:
            changes[field] = req[member]
    found = found.put(**changes)
    out: t.UpdateSecretResponse = {"ARN": found.arn, "Name": found.name}
    if "KmsKeyId" in req and value is None:
        found = _encrypted_anew(found)
    if value is not None:
        if not check_same(found, token, value):
            found = add_version(found, token, value, [CURRENT])
        out["VersionId"] = token
    mirror(found)
    return out


def _encrypted_anew(found: Found) -> Found:
    """The values that labels are on get under the new key."""
    for version_id in dict.fromkeys(found.secret.stages.values()):
        version = found.tx.get(VERSIONS, found.secret.id, version_id)
        if version is not None and version.data_key:
            renewed = sealed(found, version_id, version.number, opened(found, version_id, version))
            renewed = msgspec.structs.replace(renewed, created=version.created, accessed=version.accessed)
            found.tx.put(VERSIONS, found.secret.id, version_id, value=renewed)
    return found


def describe_secret(tx: Tx, req: t.DescribeSecretRequest) -> t.DescribeSecretResponse:
    found = find_secret(tx, req["SecretId"], "DescribeSecret", deleted=True)
    stages = _stages(found.secret)
    return _described(found) | ({"VersionIdsToStages": stages} if stages else {}) | statuses(found)  # pyright: ignore[reportReturnType]


def _stages(secret: Secret) -> dict[str, list[str]]:
    return {version: labels_of(secret, version) for version in dict.fromkeys(secret.stages.values())}


def _described(found: Found) -> dict[str, Any]:
    secret = found.secret
    out: dict[str, Any] = {"ARN": found.arn, "Name": found.name, "CreatedDate": secret.created, "LastChangedDate": secret.changed}
    given = {
        "Description": secret.description,
        "KmsKeyId": secret.kms,
        "LastAccessedDate": secret.accessed,
        "DeletedDate": secret.deleted,
        "PrimaryRegion": secret.primary,
        "Type": secret.kind,
    }
    out |= {member: value for member, value in given.items() if value}
    if (tags := tags_of(found.tx, found.arn)) or secret.tagged:
        out["Tags"] = tag_list(tags)
    return out | (_rotation(secret.rotation) if secret.rotation is not None else {})


def _rotation(rotation: Rotation) -> dict[str, Any]:
    rules = {"AutomaticallyAfterDays": rotation.days, "ScheduleExpression": rotation.expression, "Duration": rotation.duration}
    given = {
        "RotationLambdaARN": rotation.function,
        "RotationRules": {member: value for member, value in rules.items() if value},
        "LastRotatedDate": rotation.rotated,
        "NextRotationDate": rotation.next if rotation.enabled else 0,
    }
    return {"RotationEnabled": rotation.enabled} | {member: value for member, value in given.items() if value}


def list_secrets(tx: Tx, req: t.ListSecretsRequest) -> t.ListSecretsResponse:
    def shown(name: str, secret: Secret) -> dict[str, Any]:
        stages = _stages(secret)
        return _described(Found(tx, name, secret)) | ({"SecretVersionsToStages": stages} if stages else {})

    return page_of(req, "SecretList", listed(tx, req), shown)


def delete_secret(tx: Tx, req: t.DeleteSecretRequest) -> t.DeleteSecretResponse:
    force, days = bool(req.get("ForceDeleteWithoutRecovery")), req.get("RecoveryWindowInDays")
    if force and days is not None:
        raise invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    if days is not None and days not in RECOVERY_DAYS:
        raise invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    found = find_secret(tx, req["SecretId"], "DeleteSecret", deleted=force)
    if found.secret.replicas:
        raise refused("You can't delete secret that still has replica regions. Remove the replicas first.")
    ends = tx.now if force else tx.now + (days or RECOVERY_DAYS_DEFAULT) * DAY_SECONDS
    if force:
        found.tx.cancel_timer("delete", found.name)
        forget(found.tx, found.name)
    else:
        found.put(deleted=tx.now)
        found.tx.timer(ends, "delete", {"name": found.name}, name=found.name)
    return {"ARN": found.arn, "Name": found.name, "DeletionDate": ends}


def restore_secret(tx: Tx, req: t.RestoreSecretRequest) -> t.RestoreSecretResponse:
    found = find_secret(tx, req["SecretId"], "RestoreSecret", deleted=True)
    found.put(deleted=0.0)
    found.tx.cancel_timer("delete", found.name)
    return {"ARN": found.arn, "Name": found.name}
