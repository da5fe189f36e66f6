"""Stacks, their resources and events as clients read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.paging import start_of
from windtunnel.services.cloudformation.stacks.views import LISTED_MAX, REVIEW, described, drift_of, of_revision, resource_drift
from windtunnel.services.cloudformation.state import (
    EVENTS,
    EXPORTS,
    IMPORTS,
    LISTED,
    ROWS,
    STACKS,
    Event,
    Row,
    Stack,
    bracketed,
    find_stack,
    stack_of,
)

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t


def describe_stacks(tx: Tx, req: t.DescribeStacksInput) -> t.DescribeStacksOutput:
    if "StackName" in req:
        return {"Stacks": [described(tx, stack_of(tx, req["StackName"]))]}  # pyright: ignore[reportReturnType]
    stacks, token = _page(tx, req, lambda stack: stack.status != "DELETE_COMPLETE")
    result: dict[str, Any] = {"Stacks": [described(tx, stack) for stack in stacks]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def _page(tx: Tx, req: Mapping[str, Any], wanted: Callable[[Stack], bool]) -> tuple[list[Stack], str | None]:
    start = start_of(req)
    found: Iterator[tuple[Any, Stack]] = ((key, stack) for key, stack in _stacks(tx, start) if wanted(stack))
    rows, token = pages.page(found, LISTED_MAX)
    return [stack for _, stack in rows], token


def _stacks(tx: Tx, start: Any) -> Iterator[tuple[Any, Stack]]:
    for key, uuid in tx.scan(LISTED, start=start):
        if (stack := tx.get(STACKS, uuid)) is not None:
            yield key, stack


def list_stacks(tx: Tx, req: t.ListStacksInput) -> t.ListStacksOutput:
    statuses = req.get("StackStatusFilter", [])
    stacks, token = _page(tx, req, lambda stack: not statuses or stack.status in statuses)
    result: dict[str, Any] = {"StackSummaries": [_summary(tx, stack) for stack in stacks]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def _summary(tx: Tx, stack: Stack) -> dict[str, Any]:
    told: dict[str, Any] = {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "DriftInformation": drift_of(stack),
    }
    optional: dict[str, Any] = {
        "StackStatusReason": stack.reason,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "ParentId": stack.parent,
        "RootId": stack.root,
        "TemplateDescription": "" if stack.status == REVIEW else of_revision(tx, stack).get("Description", ""),
    }
    return told | {name: value for name, value in optional.items() if value}


def describe_stack_events(tx: Tx, req: t.DescribeStackEventsInput) -> t.DescribeStackEventsOutput:
    if "StackName" not in req:
        raise Fault(
            "ValidationError",
            "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null",
        )
    stack = bracketed(tx, req["StackName"])
    end = start_of(req, 1)
    rows, token = pages.page(tx.scan(EVENTS, stack.uuid, end=end, reverse=True), LISTED_MAX, reverse=True)
    result: dict[str, Any] = {"StackEvents": [_event(stack, event) for _, event in rows]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def _event(stack: Stack, event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical,
        "PhysicalResourceId": event.physical,
        "ResourceType": event.type,
        "Timestamp": event.at,
        "ResourceStatus": event.status,
    }
    optional = {"ResourceStatusReason": event.reason, "ResourceProperties": event.properties, "ClientRequestToken": event.token}
    return told | {name: value for name, value in optional.items() if value}


def describe_stack_resources(tx: Tx, req: t.DescribeStackResourcesInput) -> t.DescribeStackResourcesOutput:
    logical = req.get("LogicalResourceId", "")
    if "StackName" in req:
        stack = stack_of(tx, req["StackName"])
    elif "PhysicalResourceId" in req:
        stack = _stack_with(tx, req["PhysicalResourceId"])
    else:
        raise Fault("ValidationError", "Either StackName or PhysicalResourceId must be specified")
    rows = [(str(key[1]), row) for key, row in tx.scan(ROWS, stack.uuid) if logical in ("", key[1])]
    if logical and not rows:
        raise Fault("ValidationError", f"Resource {logical} does not exist for stack {stack.name}")
    return {"StackResources": [_with_stack(stack, name, row) for name, row in rows]}  # pyright: ignore[reportReturnType]


def _stack_with(tx: Tx, physical: str) -> Stack:
    for key, _ in tx.find(ROWS, "physical", physical):
        stack = tx.get(STACKS, key[0])
        if stack is not None and stack.status != "DELETE_COMPLETE":
            return stack
    raise Fault("ValidationError", f"Stack for {physical} does not exist")


def _with_stack(stack: Stack, name: str, row: Row) -> dict[str, Any]:
    return {"StackName": stack.name, "StackId": stack.id, **_resource(name, row), "Timestamp": row.at}


def _resource(name: str, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        "LogicalResourceId": name,
        "ResourceType": row.type,
        "ResourceStatus": row.status,
        "DriftInformation": resource_drift(row),
    }
    optional = {"PhysicalResourceId": row.id, "ResourceStatusReason": row.reason}
    return told | {name: value for name, value in optional.items() if value}


def describe_stack_resource(tx: Tx, req: t.DescribeStackResourceInput) -> t.DescribeStackResourceOutput:
    stack, logical = find_stack(tx, req["StackName"]), req["LogicalResourceId"]
    if stack is None:
        raise Fault("ValidationError", f"Stack '{req['StackName']}' does not exist")
    row = tx.get(ROWS, stack.uuid, logical)
    if row is None:
        raise Fault("ValidationError", f"Resource {logical} does not exist for stack {req['StackName']}")
    detail = {"StackName": stack.name, "StackId": stack.id, **_resource(logical, row), "LastUpdatedTimestamp": row.at}
    detail["Metadata"] = row.metadata or "{}"
    return {"StackResourceDetail": detail}  # pyright: ignore[reportReturnType]


def list_stack_resources(tx: Tx, req: t.ListStackResourcesInput) -> t.ListStackResourcesOutput:
    stack = stack_of(tx, req["StackName"])
    start = start_of(req, 1)
    rows, token = pages.page(tx.scan(ROWS, stack.uuid, start=start), LISTED_MAX)
    listed = [{**_resource(str(key[1]), row), "LastUpdatedTimestamp": row.at} for key, row in rows]
    result: dict[str, Any] = {"StackResourceSummaries": listed}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def list_exports(tx: Tx, req: t.ListExportsInput) -> t.ListExportsOutput:
    start = start_of(req)
    rows, token = pages.page(tx.scan(EXPORTS, start=start), LISTED_MAX)
    exports = [{"ExportingStackId": export.stack_id, "Name": str(key[0]), "Value": export.value} for key, export in rows]
    result: dict[str, Any] = {"Exports": exports}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def list_imports(tx: Tx, req: t.ListImportsInput) -> t.ListImportsOutput:
    name = req["ExportName"]
    start = start_of(req, 1)
    rows, token = pages.page(tx.scan(IMPORTS, name, start=start), LISTED_MAX)
    if not rows:
        raise Fault("ValidationError", f"Export '{name}' is not imported by any stack.")
    result: dict[str, Any] = {"Imports": [stack for _, stack in rows]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]
