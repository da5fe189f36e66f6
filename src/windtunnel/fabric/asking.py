"""Callers and their requests as policies know them: what a service brings along when it asks a resource's policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from windtunnel.aws.policy import ALLOW, Policy, Principal, PrincipalKind

if TYPE_CHECKING:
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
