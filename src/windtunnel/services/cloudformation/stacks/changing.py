"""A stack is created, updated or deleted: by a client, or as a part of another stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Principal, Tx
from windtunnel.services.cloudformation.changes.compare import differs
from windtunnel.services.cloudformation.deploying import endings, engine
from windtunnel.services.cloudformation.deploying.events import INITIATED, set_stack
from windtunnel.services.cloudformation.deploying.outputs import check_exports_unused
from windtunnel.services.cloudformation.deploying.protection import check_policy
from windtunnel.services.cloudformation.stacks.beginning import (
    begin,
    cancel,
    check_revision,
    new_stack,
    put_policy,
    put_revision,
    revision_from,
)
from windtunnel.services.cloudformation.stacks.checks import BUSY, UPDATABLE, check_name
from windtunnel.services.cloudformation.stacks.sources import needed, principal_of, text_of
from windtunnel.services.cloudformation.state import (
    TOKENS,
    Operation,
    Revision,
    Stack,
    bracketed,
    find_stack,
    is_repeated,
    revision_of,
    stack_of,
)

FAILED_UPDATABLE = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})
"""Where rollback was disabled, an update may mend what failed."""


async def created(call: Call, req: Mapping[str, Any], parent: Stack | None = None) -> str:
    """Creates a stack, by itself or as a part of another; returns its id."""
    check_name(str(req["StackName"]))
    policy = await text_of(call, req, "StackPolicyBody", "StackPolicyURL")
    revision = await revision_from(call, req, await needed(call, req))
    principal = await principal_of(call, revision.role) if parent is None else parent.principal
    return await call.transact(_create, req, revision, principal, policy, parent)


def _create(tx: Tx, req: Mapping[str, Any], revision: Revision, principal: Principal, policy: str, parent: Stack | None) -> str:
    name = str(req["StackName"])
    existing = find_stack(tx, name)
    if existing is not None and existing.status != "REVIEW_IN_PROGRESS":
        if tx.get(TOKENS, existing.uuid, str(req.get("ClientRequestToken", ""))) == "create_stack":
            return existing.id
        raise Fault("AlreadyExistsException", f"Stack [{name}] already exists")
    if "OnFailure" in req and "DisableRollback" in req:
        raise Fault("ValidationError", "You can specify either DisableRollback or OnFailure, but not both.")
    if policy:
        check_policy(policy)
    family = {} if parent is None else {"parent": parent.id, "root": parent.root or parent.id}
    stack = existing or new_stack(tx, name, principal, "CREATE_IN_PROGRESS", req, **family)
    check_revision(tx, name, stack.id, revision, direct=True)
    put_policy(tx, stack.uuid, policy)
    is_repeated(tx, stack, req, "create_stack")
    operation = Operation(
        "prepare",
        target=put_revision(tx, stack.uuid, revision),
        token=str(req.get("ClientRequestToken", "")),
        creating=True,
        on_failure=str(req.get("OnFailure", "ROLLBACK")),
    )
    begin(tx, stack, "CREATE_IN_PROGRESS", operation, principal=principal, role=revision.role)
    return stack.id


async def updated(call: Call, req: Mapping[str, Any], parent: Stack | None = None) -> str:
    """Updates a stack; returns its id."""
    stack = call.read(bracketed if parent is None else stack_of, str(req["StackName"]))
    policy = await text_of(call, req, "StackPolicyBody", "StackPolicyURL")
    for_update = await text_of(call, req, "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL")
    before = call.read(revision_of, stack)
    text = before.original if req.get("UsePreviousTemplate") else await needed(call, req)
    revision = await revision_from(call, req, text, before)
    principal = await principal_of(call, revision.role) if parent is None else parent.principal
    return await call.transact(_update, req, revision, principal, (policy, for_update))


def _update(tx: Tx, req: Mapping[str, Any], revision: Revision, principal: Principal, policies: tuple[str, str]) -> str:
    stack = stack_of(tx, str(req["StackName"]))
    if is_repeated(tx, stack, req, "update_stack"):
        return stack.id
    check_updatable(stack)
    for policy in policies:
        if policy:
            check_policy(policy)
    check_revision(tx, stack.name, stack.id, revision, direct=True)
    if stack.status not in FAILED_UPDATABLE and not differs(tx, stack, revision):
        raise Fault("ValidationError", "No updates are to be performed.")
    put_policy(tx, stack.uuid, policies[0])
    put_policy(tx, stack.uuid, policies[1], "update")
    operation = Operation("prepare", target=put_revision(tx, stack.uuid, revision), token=str(req.get("ClientRequestToken", "")))
    disable = bool(req.get("DisableRollback", False))
    begin(tx, stack, "UPDATE_IN_PROGRESS", operation, principal=principal, role=revision.role, updated=tx.now, disable_rollback=disable)
    return stack.id


def check_updatable(stack: Stack) -> None:
    """Raises ValidationError for a stack that can't be changed now."""
    fine = stack.status in UPDATABLE or stack.status in FAILED_UPDATABLE
    if not fine or stack.status == "ROLLBACK_COMPLETE":
        raise Fault("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def deleted(tx: Tx, req: Mapping[str, Any], principal: Principal | None) -> None:
    """Begins to delete a stack; that there is none, or none any more, is fine."""
    stack = find_stack(tx, str(req["StackName"]))
    if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
        return
    if is_repeated(tx, stack, req, "delete_stack"):
        return
    if stack.protected:
        raise Fault("ValidationError", f"Stack [{stack.id}] cannot be deleted while TerminationProtection is enabled")
    if stack.status.startswith("UPDATE") and stack.status.endswith(BUSY):
        raise Fault("ValidationError", f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
    retain = [str(each) for each in req.get("RetainResources", [])]
    if retain and stack.status != "DELETE_FAILED":
        raise Fault("ValidationError", "Specified RetainResources parameter is only valid for stacks in DELETE_FAILED state")
    operation = Operation(
        "delete",
        target=stack.current or (stack.operation.target if stack.operation is not None else 0),
        token=str(req.get("ClientRequestToken", "")),
        began=tx.now,
        retain=retain,
        keep=req.get("DeletionMode") == "FORCE_DELETE_STACK" and stack.status == "DELETE_FAILED",
    )
    if stack.status == "CREATE_IN_PROGRESS" and stack.operation is not None:
        # What is being made has to be there before it can be removed.
        stack = set_stack(tx, stack, "DELETE_IN_PROGRESS", INITIATED, deleted=tx.now)
        cancel(tx, stack.uuid, INITIATED)
        return
    stack = msgspec.structs.replace(stack, operation=operation, principal=principal or stack.principal)
    stack = set_stack(tx, stack, "DELETE_IN_PROGRESS", INITIATED, deleted=tx.now)
    try:
        check_exports_unused(tx, stack)
    except Fault as fault:
        set_stack(tx, msgspec.structs.replace(stack, operation=None), "DELETE_FAILED", fault.message)
        return
    tx.cancel_timer("timeout", stack.uuid)
    engine.operate(tx, stack, "delete", endings.everything(tx, stack))
