"""Stacks: created, updated, rolled back and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.cloudformation.deploying import endings, engine
from windtunnel.services.cloudformation.deploying.events import INITIATED, set_stack
from windtunnel.services.cloudformation.stacks.beginning import cancel
from windtunnel.services.cloudformation.stacks.changing import FAILED_UPDATABLE, created, deleted, updated
from windtunnel.services.cloudformation.stacks.sources import principal_of
from windtunnel.services.cloudformation.state import STACKS, Operation, bracketed, find_stack, is_repeated

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t


async def create_stack(call: Call, req: t.CreateStackInput) -> t.CreateStackOutput:
    return {"StackId": await created(call, req)}


async def update_stack(call: Call, req: t.UpdateStackInput) -> t.UpdateStackOutput:
    return {"StackId": await updated(call, req)}


def cancel_update_stack(tx: Tx, req: t.CancelUpdateStackInput) -> None:
    stack = bracketed(tx, req["StackName"])
    if is_repeated(tx, stack, req, "cancel_update_stack"):
        return
    if stack.status != "UPDATE_IN_PROGRESS":
        raise Fault("ValidationError", f"CancelUpdateStack cannot be called from current stack status {stack.status}")
    cancel(tx, stack.uuid, INITIATED)


def continue_update_rollback(tx: Tx, req: t.ContinueUpdateRollbackInput) -> dict[str, Any]:
    stack = bracketed(tx, req["StackName"])
    if is_repeated(tx, stack, req, "continue_update_rollback"):
        return {}
    if stack.status != "UPDATE_ROLLBACK_FAILED" or stack.operation is None:
        raise Fault("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not continue rollback.")
    operation = msgspec.structs.replace(stack.operation, retain=list(req.get("ResourcesToSkip", [])), cancelled="")
    stack = set_stack(tx, msgspec.structs.replace(stack, operation=operation), "UPDATE_ROLLBACK_IN_PROGRESS", INITIATED)
    engine.operate(tx, stack, "rollback", endings.restorations(tx, stack))
    return {}


def rollback_stack(tx: Tx, req: t.RollbackStackInput) -> t.RollbackStackOutput:
    stack = bracketed(tx, req["StackName"])
    if is_repeated(tx, stack, req, "rollback_stack"):
        return {"StackId": stack.id}
    if stack.status not in FAILED_UPDATABLE:
        raise Fault("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
    creating = stack.status == "CREATE_FAILED"
    token = str(req.get("ClientRequestToken", ""))
    operation = Operation("rollback", target=stack.current, token=token, creating=creating, began=tx.now)
    stack = msgspec.structs.replace(stack, operation=operation, disable_rollback=False)
    if creating:
        stack = set_stack(tx, stack, "ROLLBACK_IN_PROGRESS", INITIATED)
        engine.operate(tx, stack, "rollback", endings.deletions(endings.rows_of(tx, stack)))
    else:
        engine.operate(tx, *endings.roll_back(tx, stack, INITIATED))
    return {"StackId": stack.id}


async def delete_stack(call: Call, req: t.DeleteStackInput) -> None:
    stack = call.read(find_stack, str(req["StackName"]))
    role = str(req.get("RoleARN", "")) or ("" if stack is None else stack.role)
    principal = await principal_of(call, role) if stack is not None and not stack.parent else None
    await call.transact(deleted, req, principal)


def update_termination_protection(tx: Tx, req: t.UpdateTerminationProtectionInput) -> t.UpdateTerminationProtectionOutput:
    stack = bracketed(tx, req["StackName"])
    if stack.root:
        raise Fault("ValidationError", f"Operation can be performed only on the root stack: {stack.root}")
    if stack.deleted and stack.status.startswith("DELETE"):
        raise Fault("ValidationError", f"Stack [{req['StackName']}] does not exist")
    tx.put(STACKS, stack.uuid, value=msgspec.structs.replace(stack, protected=req["EnableTerminationProtection"]))
    return {"StackId": stack.id}
