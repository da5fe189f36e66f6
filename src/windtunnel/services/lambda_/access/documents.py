"""Whole policy documents of functions, which may deny too: the same policies as those that are written statement by statement.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.policy import compile_policy
from windtunnel.fabric import Tx
from windtunnel.services.lambda_.places import find, own, policy_of, printed_policy
from windtunnel.services.lambda_.rules import Name, check_revision, invalid, not_found
from windtunnel.services.lambda_.state import POLICIES, Policy

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


class Document(msgspec.Struct, frozen=True):
    """What is kept of a document."""

    Statement: list[dict[str, Any]] | dict[str, Any]


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyRequest) -> dict[str, Any]:
    name, policy = _found(tx, req["ResourceArn"])
    check_revision(req, policy.revision if policy is not None else "", "GetResourcePolicy")
    try:
        compile_policy(req["Policy"])
        said = msgspec.json.decode(req["Policy"], type=Document).Statement
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid(f"The resource policy is not valid: {error}") from error
    written = policy_of(tx, said if isinstance(said, list) else [said])
    tx.put(POLICIES, name.name, name.qualifier, value=written)
    return printed_policy(written)


def get_resource_policy(tx: Tx, req: t.GetResourcePolicyRequest) -> dict[str, Any]:
    _, policy = _found(tx, req["ResourceArn"])
    if policy is None:
        raise not_found("The resource you requested does not exist.")
    return printed_policy(policy)


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyRequest) -> None:
    name, policy = _found(tx, req["ResourceArn"])
    if policy is None:
        raise not_found("The resource you requested does not exist.")
    check_revision(req, policy.revision, "GetResourcePolicy")
    tx.delete(POLICIES, name.name, name.qualifier)


def _found(tx: Tx, arn: str) -> tuple[Name, Policy | None]:
    name = own(tx, {"FunctionName": arn})
    find(tx, name)
    return name, tx.get(POLICIES, name.name, name.qualifier)
