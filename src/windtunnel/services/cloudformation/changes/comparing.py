"""How a change set comes about: it is for a stack, and finds out what it would do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none, partition_of
from windtunnel.fabric import Call, Fault, Principal, Tx
from windtunnel.services.cloudformation.changes.compare import changes_of, differs, plan_of
from windtunnel.services.cloudformation.deploying.events import INITIATED, set_stack
from windtunnel.services.cloudformation.stacks.beginning import check_revision, new_stack, processed_of, put_revision
from windtunnel.services.cloudformation.stacks.checks import UPDATABLE, check_name
from windtunnel.services.cloudformation.stacks.views import REVIEW
from windtunnel.services.cloudformation.state import CHANGE_IDS, CHANGES, REVISIONS, STACKS, Change, Revision, Stack, bracketed, find_stack

UNCHANGED = "The submitted information didn't contain changes. Submit different information to create a change set."


def stack_for(tx: Tx, name: str, change: str, kind: str) -> Stack | None:
    """The stack that a change set is for. Raises ValidationError where it isn't there, or is there already."""
    stack = find_stack(tx, name)
    if kind in ("CREATE", "IMPORT"):
        if stack is None and not name.startswith("arn:"):
            check_name(name)
        if stack is not None and kind == "CREATE" and stack.status != REVIEW:
            raise Fault("ValidationError", f"Stack [{name}] already exists and cannot be created again with the changeSet [{change}].")
        return stack
    if stack is None:
        raise Fault("ValidationError", f"Stack [{name}] does not exist")
    if stack.status not in UPDATABLE and stack.status != REVIEW and not stack.status.endswith("_FAILED"):
        raise Fault("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


def put_change(tx: Tx, req: Mapping[str, Any], revision: Revision, principal: Principal) -> tuple[Change, Stack]:
    name, kind = str(req["ChangeSetName"]), str(req.get("ChangeSetType", "UPDATE"))
    stack = stack_for(tx, str(req["StackName"]), name, kind)
    if stack is None:
        stack = new_stack(tx, str(req["StackName"]), principal, REVIEW, {})
        stack = set_stack(tx, stack, REVIEW, INITIATED)
    if tx.get(CHANGES, stack.uuid, name) is not None:
        raise Fault("AlreadyExistsException", f"ChangeSet {name} already exists")
    check_revision(tx, stack.name, stack.id, revision, direct=False)
    uuid = tx.new_id()
    change = Change(
        id=f"arn:{partition_of(tx.region)}:cloudformation:{tx.region}:{tx.account}:changeSet/{name}/{uuid}",
        name=name,
        created=tx.now,
        kind=kind,
        revision=put_revision(tx, stack.uuid, revision),
        status="CREATE_PENDING",
        description=str(req.get("Description", "")),
        nested=bool(req.get("IncludeNestedStacks", False)),
        on_failure=str(req.get("OnStackFailure", "")),
        imported={each["LogicalResourceId"]: each["ResourceIdentifier"] for each in req.get("ResourcesToImport", [])},
    )
    tx.put(CHANGES, stack.uuid, name, value=change)
    tx.put(CHANGE_IDS, uuid, value=[stack.uuid, name])
    tx.timer(tx.now, "compare", {"stack": stack.uuid, "name": name, "id": change.id})
    return change, stack


async def compare(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None]:
    """Timer: finds out what a change set would do."""
    stack = call.read(Tx.get, STACKS, payload["stack"])
    change = call.read(Tx.get, CHANGES, payload["stack"], payload["name"])
    if stack is None or change is None or change.id != payload["id"]:
        return lambda _: None
    revision = call.read(Tx.get, REVISIONS, stack.uuid, change.revision)
    assert revision is not None
    try:
        processed, why = await processed_of(call, stack, revision), ""
    except Fault as fault:
        processed, why = "", fault.message
    return partial(_compared, change=change, uuid=stack.uuid, processed=processed, why=why)


def _compared(tx: Tx, change: Change, uuid: str, processed: str, why: str) -> None:
    stack, revision = tx.get(STACKS, uuid), tx.get(REVISIONS, uuid, change.revision)
    if stack is None or revision is None or tx.get(CHANGES, uuid, change.name) is None:
        return
    revision = msgspec.structs.replace(revision, processed=processed)
    tx.put(REVISIONS, uuid, change.revision, value=revision)
    changes: list[dict[str, Any]] = []
    if not why:
        try:
            plan = plan_of(tx, stack, revision)
            changes = [_marked(each, change) for each in changes_of(tx, plan)]
            why = UNCHANGED if stack.current and not changes and not processed and not differs(tx, stack, revision) else ""
        except Fault as fault:
            why = fault.message
    if why:
        change = msgspec.structs.replace(change, status="FAILED", execution="UNAVAILABLE", reason=why)
    else:
        change = msgspec.structs.replace(change, status="CREATE_COMPLETE", execution="AVAILABLE", changes=changes)
    tx.put(CHANGES, uuid, change.name, value=change)


def _marked(each: dict[str, Any], change: Change) -> dict[str, Any]:
    """Resources that are to be imported are not added."""
    resource = each["ResourceChange"]
    ids = change.imported.get(resource["LogicalResourceId"])
    if ids is None:
        return each
    return {**each, "ResourceChange": {**resource, "Action": "Import", "PhysicalResourceId": next(iter(ids.values()))}}


def find_change(tx: Tx, name: str, stack_name: str) -> tuple[Stack, Change]:
    """A change set by its ARN, or by its name and its stack's."""
    if name.startswith("arn:"):
        arn = parse_or_none(name)
        place = None if arn is None else tx.get(CHANGE_IDS, arn.resource.rpartition("/")[2])
        stack = None if place is None else tx.get(STACKS, place[0])
        change = None if place is None else tx.get(CHANGES, *place)
        if stack is None or change is None or change.id != name:
            raise Fault("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
        return stack, change
    if not stack_name:
        raise Fault("ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.")
    stack = bracketed(tx, stack_name)
    change = tx.get(CHANGES, stack.uuid, name)
    if change is None:
        raise Fault("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
    return stack, change
