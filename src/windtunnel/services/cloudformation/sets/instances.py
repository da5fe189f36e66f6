"""Instances of stack sets, and the operations on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.paging import start_of
from windtunnel.services.cloudformation.sets.beginning import begin, check_model, find_instance
from windtunnel.services.cloudformation.sets.state import (
    INSTANCES,
    OPERATIONS,
    RESULTS,
    Instance,
    SetOperation,
    StackSet,
    find_operation,
    find_set,
    put_operation,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t

LISTED_MAX = 100


def create_stack_instances(tx: Tx, req: t.CreateStackInstancesInput) -> t.CreateStackInstancesOutput:
    return {"OperationId": _begun(tx, "CREATE", req)}


def update_stack_instances(tx: Tx, req: t.UpdateStackInstancesInput) -> t.UpdateStackInstancesOutput:
    return {"OperationId": _begun(tx, "UPDATE", req)}


def delete_stack_instances(tx: Tx, req: t.DeleteStackInstancesInput) -> t.DeleteStackInstancesOutput:
    return {"OperationId": _begun(tx, "DELETE", req)}


def _begun(tx: Tx, action: str, req: Mapping[str, Any]) -> str:
    check_model(req)
    return begin(tx, find_set(tx, req["StackSetName"]), action, req)


def describe_stack_instance(tx: Tx, req: t.DescribeStackInstanceInput) -> t.DescribeStackInstanceOutput:
    found, account, region = find_set(tx, req["StackSetName"]), req["StackInstanceAccount"], req["StackInstanceRegion"]
    instance = find_instance(tx, found, account, region)
    told = {**_shown(found, account, region, instance), "ParameterOverrides": instance.overrides}
    return {"StackInstance": told}  # pyright: ignore[reportReturnType]


def _shown(found: StackSet, account: str, region: str, instance: Instance) -> dict[str, Any]:
    told: dict[str, Any] = {
        "StackSetId": found.id,
        "Region": region,
        "Account": account,
        "Status": instance.status,
        "StackInstanceStatus": {"DetailedStatus": instance.detailed},
        "OrganizationalUnitId": "",
        "DriftStatus": "NOT_CHECKED",
        "LastOperationId": instance.operation,
    }
    optional = {"StackId": instance.stack_id, "StatusReason": instance.reason}
    return told | {name: value for name, value in optional.items() if value}


def list_stack_instances(tx: Tx, req: t.ListStackInstancesInput) -> t.ListStackInstancesOutput:
    found = find_set(tx, req["StackSetName"])
    start = start_of(req, 1)
    account, region = req.get("StackInstanceAccount"), req.get("StackInstanceRegion")
    rows = (row for row in tx.scan(INSTANCES, found.uuid, start=start) if account in (None, row[0][1]) and region in (None, row[0][2]))
    listed, token = pages.page(rows, int(req.get("MaxResults", LISTED_MAX)))
    summaries = [_shown(found, str(key[1]), str(key[2]), instance) for key, instance in listed]
    result: dict[str, Any] = {"Summaries": summaries}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def describe_stack_set_operation(tx: Tx, req: t.DescribeStackSetOperationInput) -> t.DescribeStackSetOperationOutput:
    found = find_set(tx, req["StackSetName"])
    operation = find_operation(tx, found, req["OperationId"])
    told: dict[str, Any] = {
        **_summary(operation),
        "StackSetId": found.id,
        "AdministrationRoleARN": found.administration,
        "ExecutionRoleName": found.execution,
    }
    if operation.action == "DELETE":
        told["RetainStacks"] = operation.retain
    return {"StackSetOperation": told}  # pyright: ignore[reportReturnType]


def _summary(operation: SetOperation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "OperationId": operation.id,
        "Action": operation.action,
        "Status": operation.status,
        "CreationTimestamp": operation.created,
        "StatusDetails": {"FailedStackInstancesCount": operation.failed},
        "OperationPreferences": operation.preferences,
    }
    return {**told, "EndTimestamp": operation.ended} if operation.ended else told


def list_stack_set_operations(tx: Tx, req: t.ListStackSetOperationsInput) -> t.ListStackSetOperationsOutput:
    found = find_set(tx, req["StackSetName"])
    start = start_of(req, 1)
    listed, token = pages.page(tx.scan(OPERATIONS, found.uuid, start=start), int(req.get("MaxResults", LISTED_MAX)))
    result: dict[str, Any] = {"Summaries": [_summary(operation) for _, operation in listed]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def list_stack_set_operation_results(tx: Tx, req: t.ListStackSetOperationResultsInput) -> t.ListStackSetOperationResultsOutput:
    found = find_set(tx, req["StackSetName"])
    operation = find_operation(tx, found, req["OperationId"])
    start = start_of(req, 2)
    listed, token = pages.page(tx.scan(RESULTS, found.uuid, operation.id, start=start), int(req.get("MaxResults", LISTED_MAX)))
    summaries: list[dict[str, Any]] = []
    for key, each in listed:
        told = {"Account": str(key[2]), "Region": str(key[3]), "Status": each.status, "OrganizationalUnitId": ""}
        summaries.append({**told, "StatusReason": each.reason} if each.reason else told)
    result: dict[str, Any] = {"Summaries": summaries}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def stop_stack_set_operation(tx: Tx, req: t.StopStackSetOperationInput) -> dict[str, Any]:
    found = find_set(tx, req["StackSetName"])
    operation = find_operation(tx, found, req["OperationId"])
    if operation.status != "RUNNING":
        raise Fault("InvalidOperationException", f"Operation {operation.id} is not running.")
    put_operation(tx, found.uuid, msgspec.structs.replace(operation, status="STOPPING"))
    return {}
