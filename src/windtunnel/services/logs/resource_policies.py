"""Resource policies: by them an account lets AWS's services write to its log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, invalid
from windtunnel.services.logs.state import GROUP_RESOURCE_POLICIES, POLICIES, Policy, arn_of, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

POLICIES_MAX = 10
"""A region's, https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
OLD_VERSION = "2008-10-17"


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyRequest) -> t.PutResourcePolicyResponse:
    document = req.get("policyDocument", "")
    normal = _normal(document)
    if "resourceArn" in req:
        group = _group(tx, req)
        _check_revision(tx.get(GROUP_RESOURCE_POLICIES, group), req)
        policy = Policy(int(tx.now * MILLISECONDS), normal, req.get("policyName", ""), tx.new_id())
        tx.put(GROUP_RESOURCE_POLICIES, group, value=policy)
        shown = _of_group(tx, group, policy)
        return {"resourcePolicy": {**shown, "policyDocument": document}, "revisionId": policy.revision}  # pyright: ignore[reportReturnType]
    name = _named(req)
    if tx.get(POLICIES, name) is None and sum(1 for _ in tx.scan(POLICIES, limit=POLICIES_MAX)) == POLICIES_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    policy = Policy(int(tx.now * MILLISECONDS), normal)
    tx.put(POLICIES, name, value=policy)
    return {"resourcePolicy": {**_described(name, policy), "policyDocument": document}}  # pyright: ignore[reportReturnType]


def describe_resource_policies(tx: Tx, req: t.DescribeResourcePoliciesRequest) -> t.DescribeResourcePoliciesResponse:
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    if "resourceArn" in req:
        group = name_of(tx, req["resourceArn"])
        kept = tx.get(GROUP_RESOURCE_POLICIES, group)
        return {"resourcePolicies": [] if kept is None else [_of_group(tx, group, kept)]}  # pyright: ignore[reportReturnType]
    of_groups = req.get("policyScope") == "RESOURCE"
    page, token = pages.page(tx.scan(GROUP_RESOURCE_POLICIES if of_groups else POLICIES, start=start), req.get("limit", DESCRIBE_LIMIT))
    described = [_of_group(tx, str(key[0]), policy) if of_groups else _described(str(key[0]), policy) for key, policy in page]
    return {"resourcePolicies": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyRequest) -> None:
    if "resourceArn" in req:
        group = _group(tx, req)
        kept = tx.get(GROUP_RESOURCE_POLICIES, group)
        if kept is None:
            raise Fault("ResourceNotFoundException", "The specified resource policy does not exist.")
        _check_revision(kept, req)
        tx.delete(GROUP_RESOURCE_POLICIES, group)
        return
    name = _named(req)
    if tx.get(POLICIES, name) is None:
        raise Fault("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    tx.delete(POLICIES, name)


def _named(req: Any) -> str:
    if not req.get("policyName"):
        raise invalid("The policyName must be specified.")
    return req["policyName"]


def _group(tx: Tx, req: Any) -> str:
    """The name of the group whose policy a request is about."""
    name = name_of(tx, req["resourceArn"])
    find_group(tx, name)
    return name


def _check_revision(kept: Policy | None, req: Any) -> None:
    """Refuses who doesn't know the policy as it is: none for one that isn't there yet."""
    if req.get("expectedRevisionId") != (None if kept is None else kept.revision):
        raise Fault("OperationAbortedException", "The expectedRevisionId does not match the revision of the resource policy.")


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


def _of_group(tx: Tx, group: str, policy: Policy) -> dict[str, Any]:
    described = {
        **_described(policy.name, policy),
        "policyScope": "RESOURCE",
        "resourceArn": arn_of(tx, group),
        "revisionId": policy.revision,
    }
    return described if policy.name else {word: value for word, value in described.items() if word != "policyName"}
