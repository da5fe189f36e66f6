"""Resource policies of functions, their versions and aliases, and of layers: one statement at a time.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none, partition_of
from windtunnel.fabric import Tx
from windtunnel.services.lambda_.access.sharing import shared
from windtunnel.services.lambda_.places import find, own, policy_of, printed_policy
from windtunnel.services.lambda_.rules import LATEST, Name, arn_of, check_revision, conflict, invalid, layer_arn, layer_of, not_found
from windtunnel.services.lambda_.state import ALIASES, FUNCTIONS, LAYER_POLICIES, LAYER_VERSIONS, POLICIES, Policy

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

_SERVICE = re.compile(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|alexa\.amazon\.com)")


def add_permission(tx: Tx, req: t.AddPermissionRequest) -> dict[str, Any]:
    name = own(tx, req)
    if name.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    _check_alias(tx, name)
    found = find(tx, name)
    policy = tx.get(POLICIES, name.name, name.qualifier)
    # Before there is a policy the revision is that of what it will belong to.
    current = policy or found.alias or found.version
    check_revision(req, current.revision, "GetPolicy")
    statement: dict[str, Any] = {
        "Sid": req["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(tx, req["Principal"]),
        "Action": req["Action"],
        "Resource": arn_of(tx.region, tx.account, name.name, name.qualifier),
    }
    if conditions := _conditions(req):
        statement["Condition"] = conditions
    tx.put(POLICIES, name.name, name.qualifier, value=_added(tx, policy, statement))
    return {"Statement": _text(statement)}


def remove_permission(tx: Tx, req: t.RemovePermissionRequest) -> None:
    name = own(tx, req)
    if tx.get(FUNCTIONS, name.name) is None:
        raise not_found(f"No policy found for: {arn_of(tx.region, tx.account, name.name, name.qualifier)}")
    _check_alias(tx, name)
    policy = tx.get(POLICIES, name.name, name.qualifier)
    if policy is None:
        raise not_found("No policy is associated with the given resource.")
    rest = _removed(tx, policy, req, "GetPolicy")
    if rest is None:
        tx.delete(POLICIES, name.name, name.qualifier)
    else:
        tx.put(POLICIES, name.name, name.qualifier, value=rest)


@shared
def get_policy(tx: Tx, req: t.GetPolicyRequest) -> dict[str, Any]:
    name = own(tx, req)
    policy = tx.get(POLICIES, name.name, name.qualifier)
    if policy is None:
        raise not_found("The resource you requested does not exist.")
    return printed_policy(policy)


def add_layer_version_permission(tx: Tx, req: t.AddLayerVersionPermissionRequest) -> dict[str, Any]:
    name, number = _layer(tx, req)
    policy = tx.get(LAYER_POLICIES, name, number)
    check_revision(req, policy.revision if policy is not None else "", "GetLayerPolicy")
    statement: dict[str, Any] = {
        "Sid": req["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(tx, req["Principal"]),
        "Action": req["Action"],
        "Resource": layer_arn(tx.region, tx.account, name, number),
    }
    if organization := req.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": organization}}
    added = _added(tx, policy, statement)
    tx.put(LAYER_POLICIES, name, number, value=added)
    return {"Statement": _text(statement), "RevisionId": added.revision}


def remove_layer_version_permission(tx: Tx, req: t.RemoveLayerVersionPermissionRequest) -> None:
    name, number = _layer(tx, req)
    policy = tx.get(LAYER_POLICIES, name, number)
    if policy is None:
        raise not_found("No policy is associated with the given resource.")
    rest = _removed(tx, policy, req, "GetLayerPolicy")
    if rest is None:
        tx.delete(LAYER_POLICIES, name, number)
    else:
        tx.put(LAYER_POLICIES, name, number, value=rest)


def get_layer_version_policy(tx: Tx, req: t.GetLayerVersionPolicyRequest) -> dict[str, Any]:
    policy = tx.get(LAYER_POLICIES, *_layer(tx, req))
    if policy is None:
        raise not_found("No policy is associated with the given resource.")
    return printed_policy(policy)


def _layer(tx: Tx, req: Mapping[str, Any]) -> tuple[str, int]:
    name, number = layer_of(req["LayerName"]).name, int(req["VersionNumber"])
    if tx.get(LAYER_VERSIONS, name, -number) is None:
        raise not_found(f"Layer version {layer_arn(tx.region, tx.account, name, number)} does not exist.")
    return name, number


def _check_alias(tx: Tx, name: Name) -> None:
    qualifier = name.qualifier
    if qualifier and not qualifier.isdigit() and "$" not in qualifier and tx.get(ALIASES, name.name, qualifier) is None:
        raise not_found(f"Cannot find alias arn: {arn_of(tx.region, tx.account, name.name, qualifier)}")


def _principal(tx: Tx, principal: str) -> Any:
    if principal == "*":
        return "*"
    if principal.isdigit() and len(principal) == 12:
        return {"AWS": f"arn:{partition_of(tx.region)}:iam::{principal}:root"}
    arn = parse_or_none(principal)
    if arn is not None and arn.service in ("iam", "sts"):
        return {"AWS": principal}
    if _SERVICE.fullmatch(principal):
        return {"Service": principal}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def _conditions(req: Mapping[str, Any]) -> dict[str, Any]:
    equal = {
        "AWS:SourceAccount": req.get("SourceAccount"),
        "lambda:EventSourceToken": req.get("EventSourceToken"),
        "lambda:FunctionUrlAuthType": req.get("FunctionUrlAuthType"),
        "aws:PrincipalOrgID": req.get("PrincipalOrgID"),
    }
    conditions: dict[str, Any] = {}
    if given := {key: value for key, value in equal.items() if value}:
        conditions["StringEquals"] = given
    if req.get("InvokedViaFunctionUrl") is not None:
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": "true" if req["InvokedViaFunctionUrl"] else "false"}
    if req.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": req["SourceArn"]}
    return conditions


def _added(tx: Tx, policy: Policy | None, statement: dict[str, Any]) -> Policy:
    statements = policy.statements if policy is not None else []
    if any(other.get("Sid") == statement["Sid"] for other in statements):
        sid = statement["Sid"]
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )
    return policy_of(tx, [*statements, statement])


def _removed(tx: Tx, policy: Policy, req: Mapping[str, Any], operation: str) -> Policy | None:
    check_revision(req, policy.revision, operation)
    rest = [statement for statement in policy.statements if statement.get("Sid") != req["StatementId"]]
    if len(rest) == len(policy.statements):
        raise not_found(f"Statement {req['StatementId']} is not found in resource policy.")
    return Policy(rest, tx.new_id()) if rest else None


def _text(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
