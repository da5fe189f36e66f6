"""How an operation on a set begins: which instances it is about, and that it is the only one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.sets.state import (
    INSTANCES,
    OPERATION_IDS,
    OPERATIONS,
    RESULTS,
    RUNNING,
    Instance,
    Result,
    SetOperation,
    StackSet,
    put_operation,
)


def check_model(req: Mapping[str, Any]) -> None:
    """Raises NotImplemented for what needs an organization."""
    if req.get("PermissionModel") == "SERVICE_MANAGED" or "OrganizationalUnitIds" in req.get("DeploymentTargets", {}):
        raise Fault("NotImplemented", "windtunnel does not implement stack sets with service-managed permissions.", status=501)


def check_idle(tx: Tx, found: StackSet) -> None:
    """Raises OperationInProgressException where something is done to a set already."""
    latest = next((operation for _, operation in tx.scan(OPERATIONS, found.uuid, limit=1)), None)
    if latest is not None and latest.status in RUNNING:
        raise Fault("OperationInProgressException", f"Another Operation on StackSet {found.id} is in progress: {latest.id}")


def find_instance(tx: Tx, found: StackSet, account: str, region: str) -> Instance:
    """An instance. Raises StackInstanceNotFoundException."""
    instance = tx.get(INSTANCES, found.uuid, account, region)
    if instance is None:
        why = f"Stack instance with stack set id {found.id}, account {account} and region {region} is not found"
        raise Fault("StackInstanceNotFoundException", why)
    return instance


def begin(tx: Tx, found: StackSet, action: str, req: Mapping[str, Any]) -> str:
    """Begins an operation; its id. An update without accounts is about all instances."""
    check_idle(tx, found)
    id = str(req.get("OperationId") or tx.new_id())
    if tx.get(OPERATION_IDS, found.uuid, id) is not None:
        raise Fault("OperationIdAlreadyExistsException", f"Operation {id} already exists.")
    existing = [(str(key[1]), str(key[2])) for key, _ in tx.scan(INSTANCES, found.uuid)]
    accounts = [str(each) for each in req.get("Accounts") or req.get("DeploymentTargets", {}).get("Accounts", [])]
    regions = [str(each) for each in req.get("Regions", [])]
    if action == "UPDATE" and not accounts:
        accounts, regions = list(dict.fromkeys(a for a, _ in existing)), list(dict.fromkeys(r for _, r in existing))
    for account in accounts if action == "UPDATE" else ():
        for region in regions:
            find_instance(tx, found, account, region)
    order = [str(each) for each in req.get("OperationPreferences", {}).get("RegionOrder", [])]
    regions = [*[each for each in order if each in regions], *[each for each in regions if each not in order]]
    operation = SetOperation(
        id,
        action,
        tx.now,
        accounts=accounts,
        regions=regions,
        retain=bool(req.get("RetainStacks", False)),
        preferences=dict(req.get("OperationPreferences", {})),
    )
    put_operation(tx, found.uuid, operation)
    for account in accounts:
        for region in regions:
            _prepare(tx, found, operation, account, region, req)
    tx.timer(tx.now, "deploy_set", {"set": found.name, "id": id})
    return id


def _prepare(tx: Tx, found: StackSet, operation: SetOperation, account: str, region: str, req: Mapping[str, Any]) -> None:
    instance = tx.get(INSTANCES, found.uuid, account, region)
    if instance is None:
        if operation.action != "CREATE":
            return
        instance = Instance(f"StackSet-{found.name}-{tx.new_id()}")
    if "ParameterOverrides" in req:
        instance = msgspec.structs.replace(instance, overrides=list(req["ParameterOverrides"]))
    changed = msgspec.structs.replace(instance, status="OUTDATED", detailed="PENDING", operation=operation.id)
    tx.put(INSTANCES, found.uuid, account, region, value=changed)
    tx.put(RESULTS, found.uuid, operation.id, account, region, value=Result())
