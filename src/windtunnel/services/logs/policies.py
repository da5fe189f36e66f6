"""Resource policies: by them an account lets AWS's services write to its log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, invalid
from windtunnel.services.logs.state import POLICIES, Policy

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

POLICIES_MAX = 10
"""A region's, https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
OLD_VERSION = "2008-10-17"


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyRequest) -> t.PutResourcePolicyResponse:
    name = _account_policy(req)
    document = req.get("policyDocument", "")
    normal = _normal(document)
    if tx.get(POLICIES, name) is None and sum(1 for _ in tx.scan(POLICIES, limit=POLICIES_MAX)) == POLICIES_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    policy = Policy(int(tx.now * MILLISECONDS), normal)
    tx.put(POLICIES, name, value=policy)
    return {"resourcePolicy": {**_described(name, policy), "policyDocument": document}}  # pyright: ignore[reportReturnType]


def describe_resource_policies(tx: Tx, req: t.DescribeResourcePoliciesRequest) -> t.DescribeResourcePoliciesResponse:
    if "resourceArn" in req or req.get("policyScope") == "RESOURCE":
        raise _of_resources()
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    page, token = pages.page(tx.scan(POLICIES, start=start), req.get("limit", DESCRIBE_LIMIT))
    described = [_described(str(key[0]), policy) for key, policy in page]
    return {"resourcePolicies": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyRequest) -> None:
    name = _account_policy(req)
    if tx.get(POLICIES, name) is None:
        raise Fault("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    tx.delete(POLICIES, name)


def _account_policy(req: Any) -> str:
    if "resourceArn" in req:
        raise _of_resources()
    if not req.get("policyName"):
        raise invalid("The policyName must be specified.")
    return req["policyName"]


def _of_resources() -> Fault:
    return Fault("NotImplemented", "windtunnel does not implement policies of single log groups.", status=501)


def _normal(document: str) -> str:
    """A policy as AWS keeps it: with a version, and without lists around single principals."""
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise invalid("Syntax errors in policy.") from error
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise invalid("Syntax errors in policy.")
    kept = cast("dict[str, Any]", policy)
    told: Any = kept["Statement"]
    statements = cast("list[Any]", told if isinstance(told, list) else [told])
    return orjson.dumps({"Version": OLD_VERSION, **kept, "Statement": [_statement(one) for one in statements]}).decode()


def _statement(statement: Any) -> Any:
    if not isinstance(statement, dict):
        return statement
    members = cast("dict[str, Any]", statement)
    principals = members.get("Principal")
    if not isinstance(principals, dict):
        return members
    return {**members, "Principal": {kind: _single(names) for kind, names in cast("dict[str, Any]", principals).items()}}


def _single(names: Any) -> Any:
    if not isinstance(names, list):
        return names
    listed = cast("list[Any]", names)
    return listed[0] if len(listed) == 1 else listed


def _described(name: str, policy: Policy) -> dict[str, Any]:
    return {"policyName": name, "policyDocument": policy.document, "lastUpdatedTime": policy.updated, "policyScope": "ACCOUNT"}
