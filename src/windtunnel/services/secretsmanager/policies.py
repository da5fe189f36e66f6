"""Resource policies of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.policy_check import check_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.services.secretsmanager.mirror import mirror
from windtunnel.services.secretsmanager.places import find_secret

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t

_MALFORMED = "This resource policy contains invalid JSON."
_PUBLIC = "You can't attach this policy because it is public."


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyRequest) -> t.PutResourcePolicyResponse:
    _one_policy(req)
    found = find_secret(tx, req["SecretId"], "PutResourcePolicy")
    document = _checked(req["ResourcePolicy"])
    if req.get("BlockPublicPolicy") and _is_public(document):
        raise Fault("PublicPolicyException", _PUBLIC)
    mirror(found.put(policy=req["ResourcePolicy"]))
    return {"ARN": found.arn, "Name": found.name}


def _one_policy(req: Any) -> None:
    if "PolicyName" in req:
        raise Fault("NotImplemented", "windtunnel does not implement several policies of one secret.", status=501)


def _checked(text: str) -> dict[str, Any]:
    try:
        return check_policy(text, "resource")
    except ValueError as error:
        raise Fault("MalformedPolicyDocumentException", _MALFORMED) from error


def _is_public(document: dict[str, Any]) -> bool:
    """Allows everybody, whatever they come with."""
    everyone: tuple[Any, ...] = ("*", {"AWS": "*"}, {"AWS": ["*"]})
    return any(
        each["Effect"] == "Allow" and each.get("Principal") in everyone and not each.get("Condition") for each in document["Statement"]
    )


def get_resource_policy(tx: Tx, req: t.GetResourcePolicyRequest) -> t.GetResourcePolicyResponse:
    _one_policy(req)
    found = find_secret(tx, req["SecretId"], "GetResourcePolicy", deleted=True)
    out: t.GetResourcePolicyResponse = {"ARN": found.arn, "Name": found.name}
    if found.secret.policy:
        out["ResourcePolicy"] = found.secret.policy
    return out


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyRequest) -> t.DeleteResourcePolicyResponse:
    _one_policy(req)
    found = find_secret(tx, req["SecretId"], "DeleteResourcePolicy")
    mirror(found.put(policy=""))
    return {"ARN": found.arn, "Name": found.name}


def validate_resource_policy(tx: Tx, req: t.ValidateResourcePolicyRequest) -> t.ValidateResourcePolicyResponse:
    if "SecretId" in req:
        find_secret(tx, req["SecretId"], "ValidateResourcePolicy")
    if _is_public(_checked(req["ResourcePolicy"])):
        return {"PolicyValidationPassed": False, "ValidationErrors": [{"CheckName": "PublicPolicyCheck", "ErrorMessage": _PUBLIC}]}
    return {"PolicyValidationPassed": True, "ValidationErrors": []}
