"""Callers and their requests as policies know them: what a service brings along when it asks a resource's policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from windtunnel.aws.errors import Fault
from windtunnel.aws.policy import ALLOW, Context, Policies, Policy, Principal, PrincipalKind, compile_policy, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from windtunnel.fabric.scope import Principal as Caller
    from windtunnel.fabric.tx import Tx

_KINDS: dict[str, PrincipalKind] = {
    "Root": "root",
    "IAMUser": "user",
    "AssumedRole": "assumed-role",
    "FederatedUser": "federated-user",
    "AWSService": "service",
    "Anonymous": "anonymous",
}
WILLING = (Policy(lambda context: ALLOW),)
"""What stands for the caller's own policies where a resource's is asked: those are not asked anywhere in the region yet."""


def asker(caller: Caller) -> Principal:
    """A caller as policies know them."""
    service = caller.name if caller.kind == "AWSService" else ""
    return Principal(_KINDS[caller.kind], caller.account, caller.arn, caller.issuer, caller.id, service)


def known_of(tx: Tx, who: Principal) -> dict[str, str | list[str]]:
    """The condition keys that every request of somebody has, but for those that are empty."""
    scope = tx.scope
    known: dict[str, str | list[str]] = {
        "aws:currenttime": datetime.fromtimestamp(tx.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:principalaccount": who.account,
        "aws:principalarn": who.role or who.arn,
        "aws:sourceip": scope.source_ip,
        "aws:useragent": scope.user_agent,
    }
    if who.kind == "service":
        known |= {"aws:sourceaccount": who.account, "aws:sourcearn": scope.source_arn}
    return {key: value for key, value in known.items() if value}


def check_let_in(tx: Tx, policies: Sequence[str], action: str, arn: str, known: Mapping[str, str | list[str]] | None = None) -> None:
    """Raises AccessDeniedException where a resource's policies deny the caller, or don't let in one of another account.

    `known` are condition keys of the resource's own; `tx` is seen from its account.
    """
    caller = tx.scope.principal
    own = caller.account == tx.account
    if own and not policies:
        return
    who = asker(caller)
    context = Context(who, action, arn, tx.account, {**known_of(tx, who), **(known or {})})
    said = evaluate(Policies(identity=WILLING, resource=tuple(compile_policy(policy) for policy in policies)), context)
    if said == "allow" or (own and said == "implicit-deny"):
        return
    why = "with an explicit deny in a resource-based policy"
    if said == "implicit-deny":
        why = f"because no resource-based policy allows the {action} action"
    raise Fault("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn} {why}")
