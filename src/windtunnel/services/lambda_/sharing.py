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
from windtunnel.fabric import Call, Tx
from windtunnel.fabric import Principal as Caller
from windtunnel.services.lambda_.places import named
from windtunnel.services.lambda_.rules import Name, arn_of, moment_z
from windtunnel.services.lambda_.state import POLICIES

Operation = TypeVar("Operation", bound=Callable[..., Any])
KINDS = {"Root": "root", "IAMUser": "user", "AssumedRole": "assumed-role", "FederatedUser": "federated-user", "AWSService": "service"}


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


def principal_of(caller: Caller) -> Principal:
    """A caller as policies know them."""
    kind: Any = KINDS.get(caller.kind, "anonymous")
    return Principal(kind, caller.account, caller.arn, caller.issuer, caller.id, caller.name if kind == "service" else "")


def permitted(tx: Tx, name: Name, caller: Principal, action: str, keys: Mapping[str, str]) -> bool:
    """Whether a function's policy lets somebody of another account, or nobody in particular, do something.

    What a caller's own policies say is not asked here.
    """
    return _decision(tx, name, caller, action, keys) == "allow"


def denied(tx: Tx, name: Name, caller: Principal, action: str, keys: Mapping[str, str]) -> bool:
    """Whether a function's policy says no to somebody, of whichever account."""
    return _decision(tx, name, caller, action, keys) == "explicit-deny"


def _decision(tx: Tx, name: Name, caller: Principal, action: str, keys: Mapping[str, str]) -> Decision:
    policy = tx.at(account=name.account).get(POLICIES, name.name, name.qualifier)
    if policy is None:
        return "implicit-deny"
    compiled = compile_policy(msgspec.json.encode({"Version": "2012-10-17", "Statement": policy.statements}).decode())
    arn = arn_of(name.region, name.account, name.name, name.qualifier)
    known = {
        "aws:currenttime": moment_z(tx.now),
        "aws:principalaccount": caller.account,
        "aws:principalarn": caller.arn,
        "aws:sourceip": tx.scope.source_ip,
        "aws:useragent": tx.scope.user_agent,
    }
    context = Context(caller, action, arn, name.account, {key: value for key, value in known.items() if value} | dict(keys))
    return evaluate(Policies(identity=(compiled,), resource=(compiled,)), context)


def _account(tx: Tx, action: str, req: Mapping[str, Any]) -> str:
    """The account to act in: the function's own, where that is allowed; else the caller's, where the operation refuses."""
    name = named(tx, req)
    if name.account == tx.account or not permitted(tx, name, principal_of(tx.scope.principal), action, {}):
        return tx.account
    return name.account
