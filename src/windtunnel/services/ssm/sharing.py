"""Resource policies: a parameter is shared with other accounts by them, and read there by its ARN.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from windtunnel.aws import pages
from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.policy_check import check_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.services.ssm.parameters.state import PARAMETERS, Parameter, arn_of, place_of
from windtunnel.services.ssm.state import POLICIES

if TYPE_CHECKING:
    from windtunnel.aws.types import ssm as t

_PAGE_DEFAULT = 50
_POLICY_BYTES_MAX = 1024


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyRequest) -> t.PutResourcePolicyResponse:
    arn, parameter = _shareable(tx, req["ResourceArn"])
    if parameter.latest.tier != "Advanced":
        raise _invalid(f"The parameter {parameter.name} is in the standard tier. Only advanced parameters can be shared.")
    if len(req["Policy"].encode()) > _POLICY_BYTES_MAX:
        raise Fault("ResourcePolicyLimitExceededException", f"A policy can't be greater than {_POLICY_BYTES_MAX} bytes in size.")
    try:
        check_policy(req["Policy"], "resource")
    except ValueError as error:
        raise Fault("MalformedResourcePolicyDocumentException", str(error)) from error
    if ("PolicyId" in req) != ("PolicyHash" in req):
        raise _invalid("To update a policy, you must specify PolicyId and PolicyHash.")
    policy_id = req.get("PolicyId") or tx.new_id()
    if "PolicyId" in req:
        _check_current(tx, arn, policy_id, req.get("PolicyHash", ""))
    tx.put(POLICIES, arn, policy_id, value=req["Policy"])
    return {"PolicyId": policy_id, "PolicyHash": _hash(req["Policy"])}


def get_resource_policies(tx: Tx, req: t.GetResourcePoliciesRequest) -> t.GetResourcePoliciesResponse:
    arn, _ = _shareable(tx, req["ResourceArn"])
    try:
        start = pages.decode(req["NextToken"])[1:] if "NextToken" in req else None
    except ValueError as error:
        raise _invalid("The specified token isn't valid.") from error
    page, token = pages.page(tx.scan(POLICIES, arn, start=start), req.get("MaxResults", _PAGE_DEFAULT))
    out: t.GetResourcePoliciesResponse = {
        "Policies": [{"PolicyId": str(key[1]), "PolicyHash": _hash(policy), "Policy": policy} for key, policy in page]
    }
    if token is not None:
        out["NextToken"] = token
    return out


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyRequest) -> None:
    arn, _ = _shareable(tx, req["ResourceArn"])
    _check_current(tx, arn, req["PolicyId"], req["PolicyHash"])
    tx.delete(POLICIES, arn, req["PolicyId"])


def _shareable(tx: Tx, text: str) -> tuple[str, Parameter]:
    """A parameter of the caller's own."""
    arn = parse_or_none(text)
    if arn is None or arn.service != "ssm" or (arn.account, arn.region) != (tx.account, tx.region):
        raise _invalid(f"The resource ARN {text} isn't valid.")
    if arn.type in ("document", "opsitemgroup"):
        raise Fault("NotImplemented", f"windtunnel does not implement resource policies of a {arn.type}.", status=501)
    name = arn.resource.removeprefix("parameter")
    parameter = tx.get(PARAMETERS, *place_of(name))
    if arn.type != "parameter" or parameter is None:
        raise Fault("ResourceNotFoundException", "The specified parameter to be shared could not be found.")
    return arn_of(tx, name), parameter


def _check_current(tx: Tx, arn: str, policy_id: str, known: str) -> None:
    policy = tx.get(POLICIES, arn, policy_id)
    if policy is None:
        raise Fault("ResourcePolicyNotFoundException", "No policies with the specified policy ID and hash could be found.")
    if _hash(policy) != known:
        raise Fault("ResourcePolicyConflictException", "The hash provided in the call doesn't match the stored hash.")


def _hash(policy: str) -> str:
    return sha256(policy.encode()).hexdigest()


def _invalid(message: str) -> Fault:
    return Fault("ResourcePolicyInvalidParameterException", message)
