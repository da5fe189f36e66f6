"""Values of secrets: written, read, listed by version, and labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.secretsmanager.listing import listed, start_of
from windtunnel.services.secretsmanager.mirror import mirror
from windtunnel.services.secretsmanager.places import find_secret
from windtunnel.services.secretsmanager.rules import (
    BATCH_MAX,
    CURRENT,
    LABELS_MAX,
    PAGE_DEFAULT,
    check_id,
    invalid,
    not_found,
    refused,
    token_of,
    value_of,
)
from windtunnel.services.secretsmanager.state import VERSIONS, Found, Version, labels_of
from windtunnel.services.secretsmanager.values import add_version, check_same, moved, read

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t

_DEFAULT_KEY = "DefaultEncryptionKey"


def put_secret_value(tx: Tx, req: t.PutSecretValueRequest) -> t.PutSecretValueResponse:
    check_id(req["SecretId"])
    token, value = token_of(req), value_of(req)
    found = find_secret(tx, req["SecretId"], "PutSecretValue")
    _check_primary(found)
    if value is None:
        raise refused("You must provide either SecretString or SecretBinary.")
    labels = req.get("VersionStages") or [CURRENT]
    if not check_same(found, token, value):
        found = mirror(add_version(found, token, value, labels))
    return {"ARN": found.arn, "Name": found.name, "VersionId": token, "VersionStages": labels_of(found.secret, token)}


def _check_primary(found: Found) -> None:
    if found.secret.primary not in ("", found.tx.region):
        raise refused("Operation not permitted on a replica secret. Call must be made in primary secret's region.")


def get_secret_value(tx: Tx, req: t.GetSecretValueRequest) -> t.GetSecretValueResponse:
    found = find_secret(tx, req["SecretId"], "GetSecretValue")
    return _shown(found, _asked(found, req))


def _asked(found: Found, req: t.GetSecretValueRequest) -> str:
    """The version that a request means."""
    version_id, label = req.get("VersionId"), req.get("VersionStage")
    stages = found.secret.stages
    if version_id is None:
        label = label or CURRENT
        if label not in stages:
            raise not_found(f"Secrets Manager can't find the specified secret value for staging label: {label}")
        return stages[label]
    if found.tx.get(VERSIONS, found.secret.id, version_id) is None:
        raise not_found(f"Secrets Manager can't find the specified secret value for VersionId: {version_id}")
    if label is not None and stages.get(label) != version_id:
        raise refused("You provided a VersionStage that is not associated to the provided VersionId.")
    return version_id


def _shown(found: Found, version_id: str) -> Any:
    found, version, (plain, binary) = read(found, version_id)
    out: dict[str, Any] = {"ARN": found.arn, "Name": found.name, "VersionId": version_id, "CreatedDate": version.created}
    out["SecretBinary" if binary else "SecretString"] = plain if binary else plain.decode("utf-8", "surrogatepass")
    labels = labels_of(found.secret, version_id)
    return out | ({"VersionStages": labels} if labels else {})


def batch_get_secret_value(tx: Tx, req: t.BatchGetSecretValueRequest) -> t.BatchGetSecretValueResponse:
    """Of several secrets, by their names or by filters: what can be read of them, and what is wrong with the others."""
    ids, filters = req.get("SecretIdList"), req.get("Filters")
    if (ids is None) == (filters is None):
        raise invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
    if "MaxResults" in req and filters is None:
        raise invalid("You can't use MaxResults with SecretIdList.")
    token: str | None = None
    if ids is None:
        page, token = pages.page(listed(tx, {**req, "SortOrder": "asc"}), req.get("MaxResults", BATCH_MAX))
        ids = [str(key[0]) for key, _ in page]
    values: list[Any] = []
    errors: list[Any] = []
    for name in ids:
        try:
            found = find_secret(tx, name, "GetSecretValue")
            values.append(_shown(found, _asked(found, {"SecretId": name})))
        except Fault as fault:
            errors.append({"SecretId": name, "ErrorCode": fault.code, "Message": fault.message})
    return {"SecretValues": values, "Errors": errors, **({"NextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def list_secret_version_ids(tx: Tx, req: t.ListSecretVersionIdsRequest) -> t.ListSecretVersionIdsResponse:
    found = find_secret(tx, req["SecretId"], "ListSecretVersionIds", deleted=True)
    start = start_of(req)
    first = found.tx.get(VERSIONS, *start) if start else None
    rows = found.tx.find(VERSIONS, "order", found.secret.id, start=(first.number,) if first is not None else None)
    wanted = (row for row in rows if req.get("IncludeDeprecated") or labels_of(found.secret, str(row[0][1])))
    page, token = pages.page(wanted, req.get("MaxResults", PAGE_DEFAULT))
    out: t.ListSecretVersionIdsResponse = {
        "ARN": found.arn,
        "Name": found.name,
        "Versions": [_listed(found, str(key[1]), version) for key, version in page],
    }
    if token is not None:
        out["NextToken"] = token
    return out


def _listed(found: Found, version_id: str, version: Version) -> Any:
    out: dict[str, Any] = {"VersionId": version_id, "CreatedDate": version.created}
    if version.data_key:
        out["KmsKeyIds"] = [version.kms or _DEFAULT_KEY]
    if version.accessed:
        out["LastAccessedDate"] = version.accessed
    labels = labels_of(found.secret, version_id)
    return out | ({"VersionStages": labels} if labels else {})


def update_secret_version_stage(tx: Tx, req: t.UpdateSecretVersionStageRequest) -> t.UpdateSecretVersionStageResponse:
    found = find_secret(tx, req["SecretId"], "UpdateSecretVersionStage")
    _check_primary(found)
    label, source, target = req["VersionStage"], req.get("RemoveFromVersionId"), req.get("MoveToVersionId")
    at = found.secret.stages.get(label)
    for version_id in (source, target):
        if version_id is not None and found.tx.get(VERSIONS, found.secret.id, version_id) is None:
            raise not_found(f"Secrets Manager can't find the specified secret value for VersionId: {version_id}")
    if source is not None and at != source:
        raise invalid(f"The parameter RemoveFromVersionId is not valid. Staging label {label} is currently attached to version {at}.")
    if at is not None and source is None and at != target:
        raise invalid(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version {at}, so you must"
            " explicitly reference that version in RemoveFromVersionId."
        )
    if target is not None:
        if len(labels_of(found.secret, target)) >= LABELS_MAX:
            raise Fault("LimitExceededException", f"A version can't have more than {LABELS_MAX} staging labels.")
        found = moved(found, label, target)
    elif label == CURRENT:
        raise invalid("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
    else:
        found = found.put(stages={name: version for name, version in found.secret.stages.items() if name != label}, changed=tx.now)
    mirror(found)
    return {"ARN": found.arn, "Name": found.name}
