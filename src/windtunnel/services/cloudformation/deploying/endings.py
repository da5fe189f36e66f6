"""What follows on a phase: the next one, or the end of the operation in success or failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.cloudformation.deploying.events import set_stack
from windtunnel.services.cloudformation.deploying.outputs import forget_exports, publish
from windtunnel.services.cloudformation.deploying.places import context_of
from windtunnel.services.cloudformation.drift.state import DRIFTS
from windtunnel.services.cloudformation.state import (
    BEFORE,
    CHANGE_IDS,
    CHANGES,
    EVENTS,
    GONE,
    LISTED,
    NAMES,
    POLICIES,
    REVISIONS,
    ROWS,
    SIGNALS,
    STACKS,
    TOKENS,
    WORK,
    Item,
    Row,
    Stack,
    revision_of,
)

Following = tuple[Stack, str, Mapping[str, Item]]
"""A stack, the phase that begins, and its items."""


KEPT_SECONDS = 90 * 86_400
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html"""
SLICE_ROWS = 256
OVER = ("DELETE_COMPLETE", "DELETE_SKIPPED")


def after(tx: Tx, stack: Stack, items: Mapping[str, Item]) -> Following | None:
    """What comes after the phase of these items, which are done, failed, or wait for what failed."""
    assert stack.operation is not None
    failed = [item.logical for item in items.values() if item.state == "failed"]
    match stack.operation.phase:
        case "forward":
            return _after_forward(tx, stack, failed)
        case "cleanup":
            return _end(tx, stack, "UPDATE_COMPLETE", current=stack.operation.target)
        case "rollback" if stack.operation.creating:
            if failed:
                return _end(tx, stack, "ROLLBACK_FAILED", _failed("delete", failed), current=stack.operation.target)
            return _end(tx, stack, "ROLLBACK_COMPLETE", deleted=tx.now, current=stack.operation.target)
        case "rollback":
            return _after_rollback(tx, stack, failed)
        case "rollback_cleanup":
            return _end(tx, stack, "UPDATE_ROLLBACK_COMPLETE")
        case _:
            return _after_deletion(tx, stack, failed)


def _failed(verb: str, failed: list[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(failed)}]. "


def _after_forward(tx: Tx, stack: Stack, failed: list[str]) -> Following | None:
    operation = stack.operation
    assert operation is not None
    if operation.cancelled:
        return fail(tx, stack, operation.cancelled)
    if failed:
        verbs = {"create": list[str](), "update": list[str]()}
        for logical in failed:
            verbs["update" if tx.get(BEFORE, stack.uuid, logical) is not None else "create"].append(logical)
        return fail(tx, stack, "".join(_failed(verb, names) for verb, names in verbs.items() if names))
    context = context_of(tx, stack, revision_of(tx, stack, operation.target))
    try:
        outputs = publish(tx, stack, context)
    except Fault as fault:
        return fail(tx, stack, f"{fault.message.rstrip('.')}. ")
    stack = msgspec.structs.replace(stack, outputs=outputs)
    if operation.creating and not operation.imported:
        return _end(tx, stack, "CREATE_COMPLETE", current=operation.target)
    if operation.imported:
        return _end(tx, stack, "IMPORT_COMPLETE", current=operation.target)
    stack = set_stack(tx, stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    kept = {name for name in context.template.resources if context.wanted(name)}
    removed = {logical: row for logical, row in rows_of(tx, stack).items() if logical not in kept}
    return stack, "cleanup", {**deletions(removed), **_gone(tx, stack)}


def fail(tx: Tx, stack: Stack, reason: str) -> Following | None:
    """The operation doesn't succeed: it is taken back, or left where it is."""
    operation = stack.operation
    assert operation is not None
    if stack.status == "DELETE_IN_PROGRESS":
        return stack, "delete", everything(tx, stack)
    if stack.disable_rollback or operation.on_failure == "DO_NOTHING":
        if operation.creating:
            return _end(tx, stack, "CREATE_FAILED", reason, current=operation.target)
        return _pause(tx, stack, reason)
    if not operation.creating:
        return roll_back(tx, stack, reason)
    if operation.on_failure == "DELETE":
        stack = set_stack(tx, stack, "DELETE_IN_PROGRESS", f"{reason}Delete requested by user.")
        return stack, "delete", deletions(rows_of(tx, stack))
    stack = set_stack(tx, stack, "ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
    return stack, "rollback", deletions(rows_of(tx, stack))


def _forget_revisions(tx: Tx, uuid: str, current: int) -> None:
    """Those that neither the stack nor a change set is made of any more."""
    needed = {current, *(change.revision for _, change in tx.scan(CHANGES, uuid))}
    for key, _ in list(tx.scan(REVISIONS, uuid)):
        if key[1] not in needed:
            tx.delete(REVISIONS, *key)


def _forget_changes(tx: Tx, uuid: str, keys: list[tuple[Any, ...]]) -> None:
    for key in keys:
        change = tx.get(CHANGES, *key)
        assert change is not None, "a change set of this stack"
        tx.delete(CHANGES, *key)
        tx.delete(CHANGE_IDS, change.id.rpartition("/")[2])


def forget(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: what a stack that was deleted long ago has left, a slice at a time."""
    uuid = str(payload["stack"])
    stack = tx.get(STACKS, uuid)
    events = [key for key, _ in tx.scan(EVENTS, uuid, limit=SLICE_ROWS)]
    for key in events:
        tx.delete(EVENTS, *key)
    if len(events) == SLICE_ROWS:
        tx.timer(tx.now, "forget", payload)
        return
    _forget_changes(tx, uuid, [key for key, _ in tx.scan(CHANGES, uuid)])
    _clear(tx, uuid, REVISIONS, ROWS, DRIFTS, TOKENS)
    for key, other in list(tx.scan(LISTED, -stack.created)) if stack is not None else ():
        if other == uuid:
            tx.delete(LISTED, *key)
    tx.delete(STACKS, uuid)


def roll_back(tx: Tx, stack: Stack, reason: str) -> Following:
    """What an update did is taken back; what it replaced takes its place again."""
    _clear(tx, stack.uuid, GONE)
    stack = set_stack(tx, stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
    return stack, "rollback", restorations(tx, stack)


def _pause(tx: Tx, stack: Stack, reason: str) -> None:
    """An update that failed is left where it is: another update may mend it, or RollbackStack take it back."""
    _clear(tx, stack.uuid, WORK)
    stack = set_stack(tx, stack, "UPDATE_FAILED", reason)
    tx.put(STACKS, stack.uuid, value=msgspec.structs.replace(stack, operation=None))


def everything(tx: Tx, stack: Stack) -> dict[str, Item]:
    """Items that delete all that a stack has, also what an update that failed has replaced."""
    return {**deletions(rows_of(tx, stack)), **_gone(tx, stack)}


def _after_rollback(tx: Tx, stack: Stack, failed: list[str]) -> Following | None:
    if failed:
        assert stack.operation is not None
        stack = set_stack(tx, stack, "UPDATE_ROLLBACK_FAILED", _failed("update", failed))
        return None
    stack = set_stack(tx, stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    old = set(revision_template(tx, stack))
    added = {logical: row for logical, row in rows_of(tx, stack).items() if logical not in old}
    return stack, "rollback_cleanup", {**deletions(added), **_gone(tx, stack)}


def revision_template(tx: Tx, stack: Stack) -> list[str]:
    """The resources that a stack had before the update under way."""
    context = context_of(tx, stack, revision_of(tx, stack, stack.current))
    return [name for name in context.template.resources if context.wanted(name)]


def _after_deletion(tx: Tx, stack: Stack, failed: list[str]) -> Following | None:
    if failed:
        assert stack.operation is not None
        return _end(tx, stack, "DELETE_FAILED", _failed("delete", failed), current=stack.current or stack.operation.target)
    assert stack.operation is not None
    uuid = stack.uuid
    forget_exports(tx, stack)
    # One that was carried out is told of by its id for as long as its stack is.
    _forget_changes(tx, uuid, [key for key, change in tx.scan(CHANGES, uuid) if change.execution != "EXECUTE_COMPLETE"])
    _clear(tx, uuid, SIGNALS, POLICIES)
    if tx.get(NAMES, stack.name) == uuid:
        tx.delete(NAMES, stack.name)
    tx.timer(tx.now + KEPT_SECONDS, "forget", {"stack": uuid})
    return _end(tx, stack, "DELETE_COMPLETE", deleted=tx.now, current=stack.current or stack.operation.target)


def _end(tx: Tx, stack: Stack, status: str, reason: str = "", **changes: Any) -> None:
    """The operation is over."""
    _clear(tx, stack.uuid, WORK, BEFORE, GONE)
    tx.delete(POLICIES, stack.uuid, "update")
    tx.cancel_timer("timeout", stack.uuid)
    stack = set_stack(tx, stack, status, reason, **changes)
    tx.put(STACKS, stack.uuid, value=msgspec.structs.replace(stack, operation=None))
    _forget_revisions(tx, stack.uuid, stack.current)


def _clear(tx: Tx, uuid: str, *tables: Table[Any]) -> None:
    for table in tables:
        for key, _ in list(tx.scan(table, uuid)):
            tx.delete(table, *key)


def rows_of(tx: Tx, stack: Stack) -> dict[str, Row]:
    """The resources that are there."""
    return {str(key[1]): row for key, row in tx.scan(ROWS, stack.uuid) if row.status not in OVER}


def deletions(rows: Mapping[str, Row]) -> dict[str, Item]:
    """Items that delete resources, each after those that need it."""
    needed_by: dict[str, list[str]] = {logical: [] for logical in rows}
    for logical, row in rows.items():
        for need in row.needs:
            if need in needed_by:
                needed_by[need].append(logical)
    return {logical: Item("delete", needs=needed_by[logical], logical=logical, row=row) for logical, row in rows.items()}


def restorations(tx: Tx, stack: Stack) -> dict[str, Item]:
    """Items that make resources what they were before the update under way."""
    before = {str(key[1]): row for key, row in tx.scan(BEFORE, stack.uuid)}
    return {
        logical: Item("restore", needs=[need for need in row.needs if need in before], logical=logical, row=row)
        for logical, row in before.items()
    }


def abandon(tx: Tx, stack: Stack, logical: str, row: Row) -> None:
    """What another one took the place of has to go, once the operation stands."""
    tx.put(GONE, stack.uuid, logical, tx.serial(), value=row)


def _gone(tx: Tx, stack: Stack) -> dict[str, Item]:
    return {f"{key[1]}#{key[2]}": Item("delete", logical=str(key[1]), row=row) for key, row in tx.scan(GONE, stack.uuid)}
