"""How a stack's operation begins: its revision is written, its template transformed, and its resources set off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Principal, Tx
from windtunnel.services.cloudformation.deploying import endings, engine
from windtunnel.services.cloudformation.deploying.events import INITIATED, set_stack
from windtunnel.services.cloudformation.stacks.checks import check_capabilities, check_template, check_triggers, check_types
from windtunnel.services.cloudformation.stacks.sources import with_stored
from windtunnel.services.cloudformation.state import LISTED, NAMES, POLICIES, REVISIONS, STACKS, Operation, Revision, Stack, stack_id
from windtunnel.services.cloudformation.template.parameters import Given, given_by
from windtunnel.services.cloudformation.template.templates import Template, template_of
from windtunnel.services.cloudformation.transforms.transforms import check_transforms, has_transforms, transformed

MINUTE_SECONDS = 60


async def revision_from(call: Call, req: Mapping[str, Any], text: str, before: Revision | None = None) -> Revision:
    """The revision that a request describes; what it leaves out is as it was `before`. Raises ValidationError."""
    template = template_of(text)
    parameters = given_by(template, req.get("Parameters", []), before.parameters if before is not None else None)
    given = await with_stored(call, template, parameters)
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in req["Tags"]} if "Tags" in req else before.tags if before is not None else {}
    check_triggers(req.get("RollbackConfiguration", {}))
    check_types(template, req.get("ResourceTypes", []))
    return Revision(
        original=text,
        parameters=given,
        tags=tags,
        capabilities=list(req.get("Capabilities", [])),
        notifications=list(req.get("NotificationARNs", before.notifications if before is not None else [])),
        triggers=dict(req.get("RollbackConfiguration", before.triggers if before is not None else {})),
        role=str(req.get("RoleARN", before.role if before is not None else "")),
    )


def check_revision(tx: Tx, name: str, id: str, revision: Revision, *, direct: bool) -> None:
    """Raises AWS's faults for a revision that can't be deployed. `direct`: without a change set that somebody could look at."""
    template = template_of(revision.original)
    check_transforms(template)
    transforms = has_transforms(template)
    check_capabilities(tx.kind, template, revision.capabilities, expands=direct and transforms)
    if not transforms:
        check_template(tx, name, id, template, revision.parameters)


def new_stack(tx: Tx, name: str, principal: Principal, status: str, req: Mapping[str, Any], **members: Any) -> Stack:
    """A stack that is not deployed yet."""
    stack = Stack(
        id=stack_id(tx, name),
        name=name,
        created=tx.now,
        status=status,
        principal=principal,
        role=str(req.get("RoleARN", "")),
        protected=bool(req.get("EnableTerminationProtection", False)),
        disable_rollback=bool(req.get("DisableRollback", False)),
        minutes=int(req.get("TimeoutInMinutes", 0)),
        **members,
    )
    tx.put(NAMES, name, value=stack.uuid)
    tx.put(LISTED, -tx.now, tx.serial(), value=stack.uuid)
    tx.put(STACKS, stack.uuid, value=stack)
    return stack


def put_revision(tx: Tx, uuid: str, revision: Revision) -> int:
    number = tx.serial()
    tx.put(REVISIONS, uuid, number, value=revision)
    return number


def begin(tx: Tx, stack: Stack, status: str, operation: Operation, **changes: Any) -> None:
    """Begins an operation towards its target; one whose template has transforms does when they are through."""
    stack = msgspec.structs.replace(stack, operation=msgspec.structs.replace(operation, began=tx.now), **changes)
    stack = set_stack(tx, stack, status, INITIATED)
    minutes = stack.minutes if operation.creating else 0
    if minutes:
        tx.timer(tx.now + minutes * MINUTE_SECONDS, "timeout", {"stack": stack.uuid}, name=stack.uuid)
    revision = tx.get(REVISIONS, stack.uuid, operation.target)
    assert revision is not None
    if not revision.processed and has_transforms(template_of(revision.original)):
        tx.timer(tx.now, "prepare", {"stack": stack.uuid})
    else:
        engine.begin(tx, stack)


async def prepare(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None]:
    """Timer: a template's transforms, before its resources."""
    stack = call.read(Tx.get, STACKS, payload["stack"])
    if stack is None or stack.operation is None:
        return lambda _: None
    revision = call.read(Tx.get, REVISIONS, stack.uuid, stack.operation.target)
    assert revision is not None
    try:
        processed, why = await processed_of(call, stack, revision), ""
    except Fault as fault:
        processed, why = "", fault.message
    return partial(_prepared, uuid=stack.uuid, processed=processed, why=why)


async def processed_of(call: Call, stack: Stack, revision: Revision) -> str:
    """The text of a revision's template after its transforms; "" where it has none. Raises ValidationError."""
    template = template_of(revision.original)
    if not has_transforms(template):
        return ""
    tree = await transformed(call, stack.principal, template, revision.parameters)
    text = msgspec.json.encode(tree).decode()
    call.read(_check, stack, template_of(text), revision.parameters)
    return text


def _check(tx: Tx, stack: Stack, template: Template, given: Mapping[str, Given]) -> None:
    check_template(tx, stack.name, stack.id, template, given)


def _prepared(tx: Tx, uuid: str, processed: str, why: str) -> None:
    stack = tx.get(STACKS, uuid)
    if stack is None or stack.operation is None:
        return
    why = why or stack.operation.cancelled
    if why:
        if (following := endings.fail(tx, stack, why if stack.operation.cancelled else f"{why}. ")) is not None:
            engine.operate(tx, following[0], *following[1:])
        return
    revision = tx.get(REVISIONS, uuid, stack.operation.target)
    assert revision is not None
    tx.put(REVISIONS, uuid, stack.operation.target, value=msgspec.structs.replace(revision, processed=processed))
    engine.begin(tx, stack)


def timeout(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a creation that takes too long is ended."""
    cancel(tx, payload["stack"], "Stack creation time exceeded the specified timeout. ")


def cancel(tx: Tx, uuid: str, reason: str) -> None:
    """Ends what is under way; what has begun already is waited for."""
    stack = tx.get(STACKS, uuid)
    if stack is None or stack.operation is None or stack.operation.phase not in ("prepare", "forward"):
        return
    tx.put(STACKS, uuid, value=msgspec.structs.replace(stack, operation=msgspec.structs.replace(stack.operation, cancelled=reason)))
    engine.advance(tx, uuid)


def put_policy(tx: Tx, uuid: str, text: str, which: str = "") -> None:
    if text:
        tx.put(POLICIES, uuid, which, value=text)
