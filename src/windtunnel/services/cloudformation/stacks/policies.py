"""Stack policies and signals: what clients say to a stack beside its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.cloudformation.deploying.protection import check_policy
from windtunnel.services.cloudformation.stacks.sources import text_of
from windtunnel.services.cloudformation.state import POLICIES, ROWS, SIGNALS, bracketed, changed_channel, stack_of

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t


async def set_stack_policy(call: Call, req: t.SetStackPolicyInput) -> None:
    text = await text_of(call, req, "StackPolicyBody", "StackPolicyURL")
    await call.transact(_set, req["StackName"], text)


def _set(tx: Tx, name: str, text: str) -> None:
    stack = stack_of(tx, name)
    if not text:
        raise Fault("ValidationError", "Either StackPolicyURL or StackPolicyBody must be specified.")
    check_policy(text)
    tx.put(POLICIES, stack.uuid, "", value=text)


def get_stack_policy(tx: Tx, req: t.GetStackPolicyInput) -> t.GetStackPolicyOutput:
    policy = tx.get(POLICIES, stack_of(tx, req["StackName"]).uuid, "")
    return {"StackPolicyBody": policy} if policy else {}


def signal_resource(tx: Tx, req: t.SignalResourceInput) -> None:
    stack, logical = bracketed(tx, req["StackName"]), req["LogicalResourceId"]
    row = tx.get(ROWS, stack.uuid, logical)
    if row is None:
        raise Fault("ValidationError", f"Resource {logical} does not exist for stack {stack.name}")
    if not row.status.endswith("_IN_PROGRESS"):
        raise Fault("ValidationError", f"Signal is not allowed: resource {logical} is in {row.status} state")
    tx.put(SIGNALS, stack.uuid, logical, req["UniqueId"], value=[req["Status"], "", ""])
    tx.wake(*changed_channel(stack.uuid))
