"""Change sets: made, described, carried out and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.tags import tag_list
from windtunnel.services.cloudformation.changes.comparing import find_change, put_change, stack_for
from windtunnel.services.cloudformation.paging import start_of
from windtunnel.services.cloudformation.stacks.beginning import begin, revision_from
from windtunnel.services.cloudformation.stacks.checks import BUSY, UPDATABLE
from windtunnel.services.cloudformation.stacks.sources import needed, principal_of
from windtunnel.services.cloudformation.stacks.views import LISTED_MAX, REVIEW, next_page
from windtunnel.services.cloudformation.state import (
    CHANGE_IDS,
    CHANGES,
    STACKS,
    Change,
    Operation,
    Stack,
    bracketed,
    changed_channel,
    is_repeated,
    revision_of,
)
from windtunnel.services.cloudformation.template.parameters import shown
from windtunnel.services.cloudformation.template.templates import template_of

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t

ANSWERED_SECONDS = 2.0
DONE, DONE_END = "#", "$"
"""Names begin with a letter, so that change sets that were carried out come before all others."""
VALUES = ("BeforeValue", "AfterValue", "AttributeChangeType", "Path")


async def create_change_set(call: Call, req: t.CreateChangeSetInput) -> t.CreateChangeSetOutput:
    kind = req.get("ChangeSetType", "UPDATE")
    stack = call.read(stack_for, str(req["StackName"]), str(req["ChangeSetName"]), str(kind))
    before = call.read(revision_of, stack) if stack is not None and stack.status != REVIEW else None
    text = before.original if req.get("UsePreviousTemplate") and before is not None else await needed(call, req)
    revision = await revision_from(call, req, text, before)
    principal = await principal_of(call, revision.role)
    change, stack = await call.transact(put_change, req, revision, principal)
    return {"Id": change.id, "StackId": stack.id}


def describe_change_set(tx: Tx, req: t.DescribeChangeSetInput) -> t.DescribeChangeSetOutput:
    stack, change = find_change(tx, req["ChangeSetName"], req.get("StackName", ""))
    revision = revision_of(tx, stack, change.revision)
    start, size = next_page(req), LISTED_MAX
    values = bool(req.get("IncludePropertyValues", False))
    described: dict[str, Any] = {
        "ChangeSetName": change.name,
        "ChangeSetId": change.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "Parameters": shown(template_of(revision.template), revision.parameters),
        "CreationTime": change.created,
        "ExecutionStatus": change.execution,
        "Status": change.status,
        "NotificationARNs": revision.notifications,
        "RollbackConfiguration": revision.triggers,
        "Capabilities": revision.capabilities,
        "Tags": tag_list(revision.tags),
        "Changes": [each if values else _without_values(each) for each in change.changes[start : start + size]],
        "IncludeNestedStacks": change.nested,
    }
    optional = {"StatusReason": change.reason, "Description": change.description, "OnStackFailure": change.on_failure}
    described |= {name: value for name, value in optional.items() if value}
    for name in ("Parameters", "Tags"):
        if not described[name]:
            del described[name]
    if start + size < len(change.changes):
        described["NextToken"] = pages.encode((start + size,))
    return described  # pyright: ignore[reportReturnType]


def _without_values(each: dict[str, Any]) -> dict[str, Any]:
    resource = {name: value for name, value in each["ResourceChange"].items() if name not in ("BeforeContext", "AfterContext")}
    resource["Details"] = [
        {**detail, "Target": {name: value for name, value in detail["Target"].items() if name not in VALUES}}
        for detail in resource["Details"]
    ]
    return {**each, "ResourceChange": resource}


def list_change_sets(tx: Tx, req: t.ListChangeSetsInput) -> t.ListChangeSetsOutput:
    stack = bracketed(tx, req["StackName"])
    start = start_of(req)
    rows, token = pages.page(tx.scan(CHANGES, stack.uuid, start=(DONE_END,) if start is None else start[1:]), LISTED_MAX)
    result: dict[str, Any] = {"Summaries": [_summary(stack, change) for _, change in rows]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def _summary(stack: Stack, change: Change) -> dict[str, Any]:
    told = {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": change.id,
        "ChangeSetName": change.name,
        "ExecutionStatus": change.execution,
        "Status": change.status,
        "CreationTime": change.created,
        "IncludeNestedStacks": change.nested,
    }
    optional = {"StatusReason": change.reason, "Description": change.description}
    return told | {name: value for name, value in optional.items() if value}


async def execute_change_set(call: Call, req: t.ExecuteChangeSetInput) -> dict[str, Any]:
    """Answers once the stack is done, if that is soon: `aws cloudformation deploy` looks at once, and then after half a minute."""
    uuid, deadline = await call.transact(_execute, req), call.now() + ANSWERED_SECONDS
    while call.read(_is_busy, uuid) and call.now() < deadline:
        if not await call.wait(changed_channel(uuid), until=deadline):
            break
    return {}


def _is_busy(tx: Tx, uuid: str) -> bool:
    stack = tx.get(STACKS, uuid)
    return stack is not None and stack.status.endswith(BUSY)


def _execute(tx: Tx, req: t.ExecuteChangeSetInput) -> str:
    """Begins with a change set; the UUID of its stack."""
    stack, change = find_change(tx, req["ChangeSetName"], req.get("StackName", ""))
    if is_repeated(tx, stack, req, "execute_change_set"):
        return stack.uuid
    if change.execution != "AVAILABLE":
        raise Fault("InvalidChangeSetStatus", f"ChangeSet [{change.id}] cannot be executed in its current status of [{change.status}]")
    if stack.status not in UPDATABLE and stack.status != REVIEW and not stack.status.endswith("_FAILED"):
        raise Fault("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    creating = not stack.current
    disable = bool(req.get("DisableRollback", False))
    revision = revision_of(tx, stack, change.revision)
    on_failure = change.on_failure or "ROLLBACK"
    operation = Operation(
        "prepare",
        target=change.revision,
        token=str(req.get("ClientRequestToken", "")),
        creating=creating,
        on_failure=on_failure,
        imported=change.imported,
    )
    for key, other in list(tx.scan(CHANGES, stack.uuid)):
        # The others were made for what the stack is no more.
        tx.delete(CHANGES, *key)
        if other.id != change.id:
            tx.delete(CHANGE_IDS, other.id.rpartition("/")[2])
    # What was carried out is found by its id alone, and its name is free again.
    id = change.id.rpartition("/")[2]
    tx.put(CHANGES, stack.uuid, f"{DONE}{id}", value=msgspec.structs.replace(change, execution="EXECUTE_COMPLETE"))
    tx.put(CHANGE_IDS, id, value=[stack.uuid, f"{DONE}{id}"])
    status = "IMPORT_IN_PROGRESS" if change.imported else "CREATE_IN_PROGRESS" if creating else "UPDATE_IN_PROGRESS"
    begin(tx, stack, status, operation, updated=tx.now, change_set=change.id, role=revision.role, disable_rollback=disable)
    return stack.uuid


def delete_change_set(tx: Tx, req: t.DeleteChangeSetInput) -> dict[str, Any]:
    try:
        stack, change = find_change(tx, req["ChangeSetName"], req.get("StackName", ""))
    except Fault as fault:
        if fault.code == "ChangeSetNotFound":
            return {}
        raise
    tx.delete(CHANGES, stack.uuid, change.name)
    tx.delete(CHANGE_IDS, change.id.rpartition("/")[2])
    return {}
