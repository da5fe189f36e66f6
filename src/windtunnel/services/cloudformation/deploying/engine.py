"""Moves a stack's operation on: which resources can begin now, and what follows when all of a phase are through.

An operation is rows: an item in WORK for each resource that has something to do, with those it has to wait for. Each item that begins is a
timer's row, whose step (steps.py) calls the services; its end is one transaction with the items that can begin then. So what lies between
is nothing but rows, any number run side by side, and a region that is killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.deploying import endings
from windtunnel.services.cloudformation.deploying.events import set_row
from windtunnel.services.cloudformation.deploying.places import context_of, kind_of
from windtunnel.services.cloudformation.deploying.protection import protected_from
from windtunnel.services.cloudformation.state import BEFORE, ROWS, STACKS, WORK, Item, Row, Stack, changed_channel, revision_of
from windtunnel.services.cloudformation.template.functions import resolve
from windtunnel.services.cloudformation.template.references import needs_of

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
TOKEN_CHARACTERS = 12
TOKEN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def begin(tx: Tx, stack: Stack) -> None:
    """Begins with the resources of the revision that a stack is to become."""
    assert stack.operation is not None
    context = context_of(tx, stack, revision_of(tx, stack, stack.operation.target))
    wanted = [name for name in context.template.resources if context.wanted(name)]
    operate(tx, stack, "forward", {name: Item("put", needs=needs_of(context.template, name, context), logical=name) for name in wanted})


def operate(tx: Tx, stack: Stack, phase: str, items: Mapping[str, Item]) -> None:
    """Begins a phase with these items."""
    assert stack.operation is not None
    for key, _ in tx.scan(WORK, stack.uuid):
        tx.delete(WORK, *key)
    for key, item in items.items():
        tx.put(WORK, stack.uuid, key, value=item)
    stack = msgspec.structs.replace(stack, operation=msgspec.structs.replace(stack.operation, phase=phase))
    tx.put(STACKS, stack.uuid, value=stack)
    advance(tx, stack.uuid)


def advance(tx: Tx, uuid: str) -> None:
    """Begins all that can begin; where nothing is left of the phase, what comes after it."""
    stack = tx.get(STACKS, uuid)
    if stack is None or stack.operation is None or stack.operation.phase == "prepare":
        return
    items = {str(key[1]): item for key, item in tx.scan(WORK, uuid)}
    while not _stopped(stack, items.values()):
        ready = [key for key, item in items.items() if item.state == "waiting" and all(_is_done(items.get(need)) for need in item.needs)]
        if not ready:
            break
        for key in ready:
            items[key] = _start(tx, stack, key, items[key])
            tx.put(WORK, uuid, key, value=items[key])
    if any(item.state == "running" for item in items.values()):
        if _stopped(stack, items.values()):
            tx.wake(*changed_channel(uuid))
        return
    if (following := endings.after(tx, stack, items)) is not None:
        operate(tx, following[0], *following[1:])


def _stopped(stack: Stack, items: Iterable[Item]) -> bool:
    assert stack.operation is not None
    return stack.operation.stops and (bool(stack.operation.cancelled) or any(item.state == "failed" for item in items))


def _is_done(item: Item | None) -> bool:
    return item is None or item.state == "done"


def _start(tx: Tx, stack: Stack, key: str, item: Item) -> Item:
    """An item that can begin: what is through at once is done or failed then, all else runs."""
    if item.action == "delete":
        return _start_deletion(tx, stack, key, item)
    if item.action == "restore":
        return _start_restoring(tx, stack, key, item)
    return _start_put(tx, stack, key, item)


def run(tx: Tx, stack: Stack, key: str, item: Item, **changes: Any) -> Item:
    """An item whose step runs now."""
    serial = tx.serial()
    tx.timer(tx.now, "step", {"stack": stack.uuid, "key": key, "serial": serial})
    return msgspec.structs.replace(item, state="running", serial=serial, **changes)


def _start_put(tx: Tx, stack: Stack, key: str, item: Item) -> Item:
    assert stack.operation is not None
    revision, logical = revision_of(tx, stack, stack.operation.target), item.logical
    context = context_of(tx, stack, revision)
    definition = context.template.resources[logical]
    type = str(definition["Type"])
    old = tx.get(ROWS, stack.uuid, logical)
    fresh = old is None or not old.id
    row = old or Row(type, "", tx.now)
    if not row.token or (not fresh and _is_other(tx, row, type, {})):
        row = msgspec.structs.replace(row, token=tx.ids.text(TOKEN_CHARACTERS, TOKEN_LETTERS))
    try:
        described = {
            "needs": item.needs,
            "deletion": str(resolve(definition.get("DeletionPolicy", "Delete"), context)),
            "replacing": str(resolve(definition.get("UpdateReplacePolicy", "Delete"), context)),
            "metadata": _metadata(definition, context),
        }
        properties: dict[str, Any] = resolve(definition.get("Properties", {}), context)
    except Fault as fault:
        set_row(tx, stack, logical, msgspec.structs.replace(row, type=type), "CREATE_FAILED" if fresh else "UPDATE_FAILED", fault.message)
        return msgspec.structs.replace(item, state="failed")
    action = "create" if fresh else _action(tx, row, type, properties, revision.tags)
    if not action:
        tx.put(ROWS, stack.uuid, logical, value=msgspec.structs.replace(row, **described))
        return msgspec.structs.replace(item, state="done")
    if not fresh and tx.get(BEFORE, stack.uuid, logical) is None:
        tx.put(BEFORE, stack.uuid, logical, value=row)
    if action == "replace":
        described["token"] = tx.ids.text(TOKEN_CHARACTERS, TOKEN_LETTERS)
    row = msgspec.structs.replace(row, type=type, properties=properties, **described)
    importing = fresh and logical in stack.operation.imported
    status = "IMPORT_IN_PROGRESS" if importing else "CREATE_IN_PROGRESS" if fresh else "UPDATE_IN_PROGRESS"
    row = set_row(tx, stack, logical, row, status, REPLACING if action == "replace" else "")
    if why := _refusal(tx, stack, logical, row, action):
        set_row(tx, stack, logical, row, "CREATE_FAILED" if fresh else "UPDATE_FAILED", why)
        return msgspec.structs.replace(item, state="failed")
    return run(tx, stack, key, item, action="import" if importing else action)


def _metadata(definition: Mapping[str, Any], context: Any) -> str:
    if "Metadata" not in definition:
        return ""
    try:
        return msgspec.json.encode(resolve(definition["Metadata"], context)).decode()
    except Fault:
        return msgspec.json.encode(definition["Metadata"]).decode()


def _action(tx: Tx, row: Row, type: str, properties: dict[str, Any], tags: dict[str, str]) -> str:
    """What has to be done for a resource that is there; "" where nothing has changed."""
    if row.status.endswith("_FAILED"):
        return "replace" if _is_other(tx, row, type, properties) else "update"
    kind = kind_of(tx.kind, type)
    retagged = kind is not None and kind.deploy is not None and kind.deploy.tagged and row.tags != tags
    always = kind is not None and kind.deploy is not None and kind.deploy.always
    if row.type == type and row.properties == properties and not retagged and not always:
        return ""
    return "replace" if _is_other(tx, row, type, properties) else "update"


def _is_other(tx: Tx, row: Row, type: str, properties: dict[str, Any]) -> bool:
    """Whether a resource of these properties has to be another one. Without properties: whether its type is another."""
    kind = kind_of(tx.kind, type)
    if row.type != type:
        return True
    if not properties or kind is None or kind.deploy is None:
        return False
    changed = [name for name in {**row.properties, **properties} if row.properties.get(name) != properties.get(name)]
    return replaces(kind.deploy, changed)


def replaces(deploy: Any, changed: list[str]) -> bool:
    """Whether a change of these properties needs a new resource."""
    fixed = deploy.replaced.split()
    return bool(changed) and (deploy.update is None or any(name in fixed for name in changed))


def _refusal(tx: Tx, stack: Stack, logical: str, row: Row, action: str) -> str:
    """Why a resource can't be deployed, whatever its service says."""
    kind = kind_of(tx.kind, row.type)
    if kind is None or kind.deploy is None:
        return f"windtunnel does not implement the resource type {row.type}."
    missing = [name for name in kind.deploy.required.split() if name not in row.properties]
    if missing:
        return f"Property validation failure: [{', '.join(f'The property {{/{name}}} is required' for name in missing)}]"
    known = kind.deploy.properties.split()
    unknown = [] if "*" in known else [name for name in row.properties if name not in known]
    if unknown:
        return f"windtunnel does not implement the property {unknown[0]} of {row.type}."
    if action in ("update", "replace") and protected_from(tx, stack, logical, row.type, "Replace" if action == "replace" else "Modify"):
        return "Action denied by stack policy: Statement [#1] does not allow [Update:*] for resource [*]; "
    return ""


def _start_restoring(tx: Tx, stack: Stack, key: str, item: Item) -> Item:
    """A resource that an update had changed, or was about to, becomes what it was."""
    before, row = item.row, tx.get(ROWS, stack.uuid, item.logical)
    assert before is not None
    assert row is not None
    assert stack.operation is not None
    if item.logical in stack.operation.retain:
        tx.put(ROWS, stack.uuid, item.logical, value=msgspec.structs.replace(before, status="UPDATE_COMPLETE", at=tx.now))
        return msgspec.structs.replace(item, state="done")
    if row.id != before.id:
        endings.abandon(tx, stack, item.logical, row)
        set_row(tx, stack, item.logical, before, "UPDATE_COMPLETE")
        return msgspec.structs.replace(item, state="done")
    set_row(tx, stack, item.logical, msgspec.structs.replace(row, properties=before.properties), "UPDATE_IN_PROGRESS")
    return run(tx, stack, key, item, properties=row.properties)


def _start_deletion(tx: Tx, stack: Stack, key: str, item: Item) -> Item:
    row, operation = item.row, stack.operation
    assert row is not None
    assert operation is not None
    shown, whole = operation.phase in ("delete", "rollback"), key == item.logical
    skipped = operation.keep or item.logical in operation.retain
    policy = row.deletion if whole else row.replacing
    if policy == "Retain" or (policy == "RetainExceptOnCreate" and operation.phase == "delete"):
        skipped = True
    if skipped or not row.id:
        set_row(tx, stack, item.logical, row, "DELETE_SKIPPED" if skipped else "DELETE_COMPLETE", shown=shown, kept=shown)
        if whole and not shown:
            tx.delete(ROWS, stack.uuid, item.logical)
        return msgspec.structs.replace(item, state="done")
    set_row(tx, stack, item.logical, row, "DELETE_IN_PROGRESS", shown=shown, kept=whole)
    return run(tx, stack, key, item)
