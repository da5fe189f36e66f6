"""A set's operation goes from region to region, and in each from account to account, until too many have failed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-concepts.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.scope import root
from windtunnel.services.cloudformation.sets.state import (
    INSTANCES,
    OPERATION_IDS,
    OPERATIONS,
    RESULTS,
    SETS,
    Instance,
    Result,
    SetOperation,
    StackSet,
    find_operation,
    put_operation,
)
from windtunnel.services.cloudformation.stacks.changing import created, deleted, updated
from windtunnel.services.cloudformation.state import Stack, changed_channel, find_stack

PERCENT = 100
TOO_MANY = "Cancelled since failure tolerance has exceeded"
FINE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


async def deploy_set(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None]:
    """Timer: carries an operation out."""
    name, id = payload["set"], payload["id"]
    found = call.read(Tx.get, SETS, name)
    assert found is not None
    operation = call.read(find_operation, found, id)
    tolerated = _tolerated(operation)
    failed = 0
    for region in operation.regions:
        for account in operation.accounts:
            if call.read(_is_settled, found.uuid, id, account, region):
                continue
            stopped = call.read(find_operation, found, id).status == "STOPPING"
            if failed > tolerated or stopped:
                await call.transact(_note, found.uuid, id, (account, region), Result("CANCELLED", TOO_MANY))
                continue
            await call.transact(_note, found.uuid, id, (account, region), Result("RUNNING"))
            why = await _one(call, found, operation, account, region)
            failed += bool(why)
            await call.transact(_note, found.uuid, id, (account, region), Result("FAILED" if why else "SUCCEEDED", why))
    return partial(_end, uuid=found.uuid, id=id, failed=failed, tolerated=tolerated)


def _tolerated(operation: SetOperation) -> int:
    given = operation.preferences
    if "FailureTolerancePercentage" in given:
        return len(operation.accounts) * int(given["FailureTolerancePercentage"]) // PERCENT
    return int(given.get("FailureToleranceCount", 0))


def _is_settled(tx: Tx, uuid: str, id: str, account: str, region: str) -> bool:
    result = tx.get(RESULTS, uuid, id, account, region)
    return result is not None and result.status in ("SUCCEEDED", "FAILED", "CANCELLED")


async def _one(call: Call, found: StackSet, operation: SetOperation, account: str, region: str) -> str:
    """One instance; why it failed, "" where it didn't. Its stack is made by the root of its account."""
    there = call.at(account=account, region=region).acting(root(account))
    instance = call.read(Tx.get, INSTANCES, found.uuid, account, region)
    if instance is None:
        return ""
    try:
        if operation.action == "DELETE":
            if operation.retain or not instance.stack_id:
                return ""
            await there.transact(deleted, {"StackName": instance.stack_id}, root(account))
        else:
            id = await _put(there, found, instance)
            await call.transact(_know, found.uuid, account, region, id)
            instance = msgspec.structs.replace(instance, stack_id=id)
    except Fault as fault:
        return f"{fault.code}: {fault.message}"
    stack = await _ended(there, instance.stack_id)
    return "" if stack.status in FINE else stack.reason or f"The stack is in {stack.status}"


async def _put(there: Call, found: StackSet, instance: Instance) -> str:
    """Creates an instance's stack, or changes the one it has; its id."""
    overridden = {each["ParameterKey"]: each for each in [*found.parameters, *instance.overrides]}
    request: dict[str, Any] = {
        "StackName": instance.stack_name,
        "TemplateBody": found.template,
        "Parameters": list(overridden.values()),
        "Tags": found.tags,
        "Capabilities": found.capabilities,
    }
    stack = there.read(find_stack, instance.stack_name)
    if stack is None:
        return await created(there, request)
    try:
        return await updated(there, request)
    except Fault as fault:
        if fault.message != "No updates are to be performed.":
            raise
        return stack.id


async def _ended(there: Call, id: str) -> Stack:
    while True:
        stack = there.read(find_stack, id)
        assert stack is not None
        if not stack.status.endswith("_IN_PROGRESS"):
            return stack
        await there.wait(changed_channel(stack.uuid))


def _know(tx: Tx, uuid: str, account: str, region: str, stack_id: str) -> None:
    instance = tx.get(INSTANCES, uuid, account, region)
    assert instance is not None
    tx.put(INSTANCES, uuid, account, region, value=msgspec.structs.replace(instance, stack_id=stack_id))


def _note(tx: Tx, uuid: str, id: str, place: tuple[str, str], result: Result) -> None:
    """Keeps what came of an operation in a place."""
    tx.put(RESULTS, uuid, id, *place, value=result)
    instance, operation = tx.get(INSTANCES, uuid, *place), tx.get(OPERATIONS, uuid, tx.get(OPERATION_IDS, uuid, id), id)
    assert operation is not None
    if instance is None:
        return
    if operation.action == "DELETE" and result.status == "SUCCEEDED":
        tx.delete(INSTANCES, uuid, *place)
        return
    broken = operation.action == "DELETE" and result.status == "FAILED"
    status = "INOPERABLE" if broken else "CURRENT" if result.status == "SUCCEEDED" else "OUTDATED"
    changed = msgspec.structs.replace(instance, status=status, detailed=result.status, reason=result.reason, operation=id)
    tx.put(INSTANCES, uuid, *place, value=changed)


def _end(tx: Tx, uuid: str, id: str, failed: int, tolerated: int) -> None:
    operation = tx.get(OPERATIONS, uuid, tx.get(OPERATION_IDS, uuid, id), id)
    assert operation is not None
    status = "STOPPED" if operation.status == "STOPPING" else "FAILED" if failed > tolerated else "SUCCEEDED"
    put_operation(tx, uuid, msgspec.structs.replace(operation, status=status, ended=tx.now, failed=failed))
