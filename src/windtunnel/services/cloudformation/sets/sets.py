"""Stack sets: made, changed, described and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.cloudformation.paging import start_of
from windtunnel.services.cloudformation.sets.beginning import begin, check_idle, check_model
from windtunnel.services.cloudformation.sets.state import INSTANCES, SETS, StackSet, find_set, set_arn
from windtunnel.services.cloudformation.stacks.checks import check_capabilities
from windtunnel.services.cloudformation.stacks.sources import needed
from windtunnel.services.cloudformation.template.parameters import given_by
from windtunnel.services.cloudformation.template.templates import template_of
from windtunnel.services.cloudformation.transforms.transforms import has_transforms

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t

LISTED_MAX = 100
ADMINISTRATION = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION = "AWSCloudFormationStackSetExecutionRole"


async def create_stack_set(call: Call, req: t.CreateStackSetInput) -> t.CreateStackSetOutput:
    check_model(req)
    if "StackId" in req:
        raise Fault("NotImplemented", "windtunnel does not implement CreateStackSet with a StackId.", status=501)
    text = await needed(call, req)
    return {"StackSetId": await call.transact(_create, req, text)}  # pyright: ignore[reportReturnType]


def _create(tx: Tx, req: t.CreateStackSetInput, text: str) -> str:
    name = req["StackSetName"]
    _check(tx, text, list(req.get("Parameters", [])), list(req.get("Capabilities", [])))
    if tx.get(SETS, name) is not None:
        raise Fault("NameAlreadyExistsException", f"A stack set named {name} already exists.")
    fresh: Any = {
        "parameters": list(req.get("Parameters", [])),
        "tags": list(req.get("Tags", [])),
        "capabilities": list(req.get("Capabilities", [])),
        "description": req.get("Description", ""),
        "administration": req.get("AdministrationRoleARN", f"arn:aws:iam::{tx.account}:role/{ADMINISTRATION}"),
        "execution": req.get("ExecutionRoleName", EXECUTION),
        "managed": bool(req.get("ManagedExecution", {}).get("Active", False)),
    }
    found = StackSet(f"{name}:{tx.new_id()}", name, text, **fresh)
    tx.put(SETS, name, value=found)
    return found.id


def _check(tx: Tx, text: str, parameters: list[Any], capabilities: list[str]) -> None:
    template = template_of(text)
    given_by(template, parameters, None)
    check_capabilities(tx.kind, template, capabilities, expands=has_transforms(template))


async def update_stack_set(call: Call, req: t.UpdateStackSetInput) -> t.UpdateStackSetOutput:
    check_model(req)
    found = call.read(find_set, req["StackSetName"])
    text = found.template if req.get("UsePreviousTemplate") else await needed(call, req)
    return {"OperationId": await call.transact(_update, req, text)}


def _update(tx: Tx, req: t.UpdateStackSetInput, text: str) -> str:
    found = find_set(tx, req["StackSetName"])
    before = {str(each.get("ParameterKey")): each for each in found.parameters}
    asked: list[Any] = list(req.get("Parameters", []))
    given: list[Any] = [before[each["ParameterKey"]] if each.get("UsePreviousValue") else each for each in asked]
    changes: Any = {
        "template": text,
        "parameters": given,
        "tags": list(req.get("Tags", found.tags)),
        "capabilities": list(req.get("Capabilities", found.capabilities)),
        "description": req.get("Description", found.description),
    }
    _check(tx, text, given, changes["capabilities"])
    tx.put(SETS, found.name, value=msgspec.structs.replace(found, **changes))
    return begin(tx, found, "UPDATE", req)


def delete_stack_set(tx: Tx, req: t.DeleteStackSetInput) -> dict[str, Any]:
    try:
        found = find_set(tx, req["StackSetName"])
    except Fault:
        return {}
    check_idle(tx, found)
    if next(tx.scan(INSTANCES, found.uuid, limit=1), None) is not None:
        raise Fault("StackSetNotEmptyException", "StackSet is not empty")
    tx.delete(SETS, found.name)
    return {}


def describe_stack_set(tx: Tx, req: t.DescribeStackSetInput) -> t.DescribeStackSetOutput:
    found = find_set(tx, req["StackSetName"])
    regions = dict.fromkeys(str(key[2]) for key, _ in tx.scan(INSTANCES, found.uuid))
    told: dict[str, Any] = {
        **_summary(found),
        "StackSetARN": set_arn(tx, found),
        "TemplateBody": found.template,
        "Parameters": found.parameters,
        "Capabilities": found.capabilities,
        "Tags": found.tags,
        "AdministrationRoleARN": found.administration,
        "ExecutionRoleName": found.execution,
        "OrganizationalUnitIds": [],
        "Regions": list(regions),
    }
    return {"StackSet": told}  # pyright: ignore[reportReturnType]


def _summary(found: StackSet) -> dict[str, Any]:
    told: dict[str, Any] = {
        "StackSetName": found.name,
        "StackSetId": found.id,
        "Status": found.status,
        "PermissionModel": "SELF_MANAGED",
        "ManagedExecution": {"Active": found.managed},
    }
    return {**told, "Description": found.description} if found.description else told


def list_stack_sets(tx: Tx, req: t.ListStackSetsInput) -> t.ListStackSetsOutput:
    start = start_of(req)
    rows = tx.scan(SETS, start=start) if req.get("Status", "ACTIVE") == "ACTIVE" else iter(())
    listed, token = pages.page(rows, int(req.get("MaxResults", LISTED_MAX)))
    summaries = [{**_summary(found), "DriftStatus": "NOT_CHECKED"} for _, found in listed]
    result: dict[str, Any] = {"Summaries": summaries}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]
