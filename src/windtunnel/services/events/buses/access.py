"""Whether a bus takes an event of another account: its policy is asked."""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.aws.arn import partition_of
from windtunnel.aws.policy import Context, Policies, Principal, compile_policy, evaluate
from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.state import arn_within, find_bus

PUT_EVENTS = "events:PutEvents"


def check_caller(tx: Tx, name: str, keys: dict[str, str]) -> None:
    """Raises AccessDeniedException where a caller of another account than the bus's has no word of its policy. `tx` is the bus's place."""
    caller = tx.scope.principal
    if caller.account == tx.account:
        return
    arn, bus = arn_within(tx, "event-bus", name), find_bus(tx, name)
    # A rule that forwards does so for its account, whose word the policy gives; a role of the rule's would be checked there.
    account_root = f"arn:{partition_of(tx.region)}:iam::{caller.account}:root"
    principal = Principal("root", caller.account, account_root if caller.kind == "AWSService" else caller.arn)
    known = {"aws:principalaccount": caller.account, "aws:sourcearn": tx.scope.source_arn, **keys}
    context = Context(principal, PUT_EVENTS, arn, tx.account, {key: value for key, value in known.items() if value})
    resource = (compile_policy(document(bus.statements)),) if bus.statements else ()
    if evaluate(Policies(resource=resource), context) != "allow":
        reason = f"because no resource-based policy allows the {PUT_EVENTS} action"
        raise Fault("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: {PUT_EVENTS} on resource: {arn} {reason}")


def document(statements: list[dict[str, Any]]) -> str:
    return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()
