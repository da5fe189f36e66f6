"""Functions that other accounts may use: a function's policy is asked before an operation runs in the account the function is in.

https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import msgspec

from windtunnel.aws.policy import Context, Decision, Policies, Principal, compile_policy, evaluate
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.asking import asker, known_of
from windtunnel.services.lambda_.places import named
from windtunnel.services.lambda_.rules import Name, arn_of, layer_arn, name_of
from windtunnel.services.lambda_.state import LAYER_POLICIES, POLICIES, Policy

Operation = TypeVar("Operation", bound=Callable[..., Any])
GET_LAYER = "lambda:GetLayerVersion"


def shared(operation: Operation) -> Operation:
    """An operation that acts in a function's account where its policy lets the caller, who is of another account."""
    action = "lambda:" + "".join(part.title() for part in operation.__name__.split("_"))

    if inspect.iscoroutinefunction(operation):

        @wraps(operation)
        async def waiting(call: Call, req: Mapping[str, Any]) -> Any:
            account = call.read(_account, action, req)
            return await operation(call if account == call.account else call.at(account=account), req)

        return cast("Operation", waiting)

    @wraps(operation)
    def plain(tx: Tx, req: Mapping[str, Any]) -> Any:
        account = _account(tx, action, req)
        return operation(tx if account == tx.account else tx.at(account=account), req)

    return cast("Operation", plain)


def permitted(tx: Tx, name: Name, caller: Principal, action: str, keys: Mapping[str, str]) -> bool:
    """Whether a function's policy lets somebody of another account, or nobody in particular, do something.

    What a caller's own policies say is not asked here.
    """
    return _decision(tx, *_policy_of(tx, name), caller, action, keys) == "allow"


def denied(tx: Tx, name: Name, caller: Principal, action: str, keys: Mapping[str, str]) -> bool:
    """Whether a function's policy says no to somebody, of whichever account."""
    return _decision(tx, *_policy_of(tx, name), caller, action, keys) == "explicit-deny"


def check_layer(tx: Tx, layer: Name, number: int) -> None:
    """Raises AccessDeniedException where a layer is another account's, whose policy doesn't lend it to the caller."""
    if layer.account in ("", tx.account):
        return
    policy = tx.at(account=layer.account).get(LAYER_POLICIES, layer.name, number)
    arn, caller = layer_arn(tx.region, layer.account, layer.name, number), tx.scope.principal
    if _decision(tx, policy, arn, layer.account, asker(caller), GET_LAYER, {}) != "allow":
        raise Fault(
            "AccessDeniedException",
            f"User: {caller.arn} is not authorized to perform: {GET_LAYER} on resource: {arn} because no resource-based policy allows the "
            f"{GET_LAYER} action",
        )


def _policy_of(tx: Tx, name: Name) -> tuple[Policy | None, str, str]:
    """A function's policy, its ARN and its account."""
    policy = tx.at(account=name.account).get(POLICIES, name.name, name.qualifier)
    return policy, arn_of(name.region, name.account, name.name, name.qualifier), name.account


def _decision(tx: Tx, policy: Policy | None, arn: str, account: str, caller: Principal, action: str, keys: Mapping[str, str]) -> Decision:
    if policy is None:
        return "implicit-deny"
    compiled = compile_policy(msgspec.json.encode({"Version": "2012-10-17", "Statement": policy.statements}).decode())
    context = Context(caller, action, arn, account, known_of(tx, caller) | dict(keys))
    return evaluate(Policies(identity=(compiled,), resource=(compiled,)), context)


def _account(tx: Tx, action: str, req: Mapping[str, Any]) -> str:
    """The account to act in: the function's own, where that is allowed; else the caller's, where the operation refuses."""
    arn = req.get("Resource", "")
    if arn and ":function:" not in arn:
        return tx.account
    name = name_of(arn) if arn else named(tx, req)
    if name.account == tx.account or not permitted(tx, name, asker(tx.scope.principal), action, {}):
        return tx.account
    return name.account
