"""Targets of a rule, at most five."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.input_templates import placeholders
from windtunnel.aws.jsonpath import is_path
from windtunnel.fabric import Tx
from windtunnel.services.events.listings import page_of, start_of
from windtunnel.services.events.routing.inputs import PREDEFINED
from windtunnel.services.events.routing.ruling import check_managed
from windtunnel.services.events.state import TARGETS, bus_of, find_rule, invalid, limit_exceeded

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

TARGETS_MAX = 5
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
INPUTS = ("Input", "InputPath", "InputTransformer")
NEEDED = {"ecs": ("cluster", "EcsParameters"), "batch": ("job-queue", "BatchParameters")}
"""Targets that can't be called without parameters of their own."""


def put_targets(tx: Tx, req: t.PutTargetsRequest) -> t.PutTargetsResponse:
    bus, name = bus_of(tx, req), req["Rule"]
    check_managed(find_rule(tx, bus, name), name)
    for target in req["Targets"]:
        _check(target)
    ids = {str(key[2]) for key, _ in tx.scan(TARGETS, bus, name)} | {target["Id"] for target in req["Targets"]}
    if len(ids) > TARGETS_MAX:
        raise limit_exceeded()
    for target in req["Targets"]:
        tx.put(TARGETS, bus, name, target["Id"], value=dict(target))
    return {"FailedEntryCount": 0, "FailedEntries": []}


def remove_targets(tx: Tx, req: t.RemoveTargetsRequest) -> t.RemoveTargetsResponse:
    bus, name = bus_of(tx, req), req["Rule"]
    rule = find_rule(tx, bus, name)
    if not req.get("Force"):
        check_managed(rule, name)
    for id in req["Ids"]:
        tx.delete(TARGETS, bus, name, id)
    return {"FailedEntryCount": 0, "FailedEntries": []}


def list_targets_by_rule(tx: Tx, req: t.ListTargetsByRuleRequest) -> t.ListTargetsByRuleResponse:
    bus, name = bus_of(tx, req), req["Rule"]
    find_rule(tx, bus, name)
    return page_of(req, "Targets", tx.scan(TARGETS, bus, name, start=start_of(req, 2)), lambda _, target: target)


def _check(target: Mapping[str, Any]) -> None:
    id, arn = target["Id"], parse_or_none(target["Arn"])
    if arn is None:
        raise invalid(f"Parameter {target['Arn']} is not valid. Reason: Provided Arn is not in correct format.")
    if sum(member in target for member in INPUTS) > 1:
        raise invalid(f"Only one of Input, InputPath, or InputTransformer must be provided for target {id}.")
    if "InputPath" in target and not is_path(target["InputPath"]):
        raise invalid(f"Parameter InputPath for target {id} is not valid. Reason: {target['InputPath']} is not a JSON path.")
    if "InputTransformer" in target:
        _check_transformer(id, target["InputTransformer"])
    kind, member = NEEDED.get(arn.service, ("", ""))
    if kind and arn.type == kind and member not in target:
        raise invalid(f"Parameter {member} for target {id} must not be null.")
    if arn.service == "sqs" and arn.resource.endswith(".fifo") and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise invalid(f"Parameter(s) SqsParameters must be specified for target: {id}.")


def _check_transformer(id: str, transformer: Mapping[str, Any]) -> None:
    paths: Mapping[str, str] = transformer.get("InputPathsMap", {})
    for path in paths.values():
        if not is_path(path):
            raise invalid(f"InputPathsMap for target {id} contains invalid path {path}.")
    for word in placeholders(transformer["InputTemplate"]):
        if word not in paths and word not in PREDEFINED:
            raise invalid(f"InputTemplate for target {id} contains invalid placeholder {word}.")
