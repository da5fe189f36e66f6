"""What a stack's template and request have to satisfy before an operation begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.deploying.places import Kinds, kind_of, pseudo_of
from windtunnel.services.cloudformation.template.context import Context
from windtunnel.services.cloudformation.template.parameters import Given, values_of
from windtunnel.services.cloudformation.template.references import check_references
from windtunnel.services.cloudformation.template.rules import check_rules
from windtunnel.services.cloudformation.template.templates import Template

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
NAME_CHARACTERS_MAX = 128
TYPE = re.compile(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+(::MODULE)?")
NAMED = "CAPABILITY_NAMED_IAM"
EXPAND = "CAPABILITY_AUTO_EXPAND"
TAGS_MAX = 50
BUSY = "_IN_PROGRESS"
UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
)


def check_name(name: str) -> None:
    if NAME.fullmatch(name) is None or len(name) > NAME_CHARACTERS_MAX:
        raise Fault(
            "ValidationError",
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular"
            " expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*",
        )


def check_template(tx: Tx, name: str, id: str, template: Template, given: Mapping[str, Given]) -> None:
    """Raises ValidationError for what a template says of itself; its resources are not looked at here."""
    context = Context(template, values_of(template, given), pseudo_of(tx.account, tx.region, name, id, []), planning=True, met={})
    check_rules(context)
    unknown = [str(resource["Type"]) for resource in template.declared.values() if not _is_known(tx, str(resource["Type"]))]
    if unknown:
        raise Fault("ValidationError", f"Template format error: Unrecognized resource types: [{', '.join(dict.fromkeys(unknown))}]")
    check_references(template, context)


def _is_known(tx: Tx, type: str) -> bool:
    """Whether AWS might have a type. Those that are not implemented fail when they are deployed, by name."""
    return kind_of(tx.kind, type) is not None or TYPE.fullmatch(type) is not None


def check_types(template: Template, allowed: Iterable[str]) -> None:
    """Raises ValidationError for a resource of a type that a request doesn't allow."""
    patterns = list(allowed)
    for resource in template.declared.values() if patterns else ():
        type = str(resource["Type"])
        if not any(type == each or (each.endswith("*") and type.startswith(each[:-1])) for each in patterns):
            raise Fault("ValidationError", f"Resource type {type} is not allowed by parameter ResourceTypes [{', '.join(patterns)}]")


def check_capabilities(kinds: Kinds, template: Template, given: Iterable[str], *, expands: bool) -> None:
    """Raises InsufficientCapabilitiesException where the client doesn't acknowledge what the template does."""
    have = set(given)
    needed = capabilities_of(kinds, template)
    missing = [each for each in needed if each not in have and NAMED not in have]
    if expands and EXPAND not in have:
        missing.append(EXPAND)
    if missing:
        raise Fault("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]")


def capabilities_of(kinds: Kinds, template: Template) -> list[str]:
    """The capability that a template's resources need, if any."""
    needed = ""
    for resource in template.declared.values():
        kind = kind_of(kinds, str(resource["Type"]))
        if kind is None or kind.deploy is None or not kind.deploy.capability:
            continue
        named = kind.deploy.name in resource.get("Properties", {})
        needed = NAMED if named or needed == NAMED else kind.deploy.capability
    return [needed] if needed else []


def check_triggers(configuration: Mapping[str, Any]) -> None:
    """Raises ValidationError for rollback triggers that are no alarms."""
    for trigger in configuration.get("RollbackTriggers", []):
        if trigger["Type"] not in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            raise Fault("ValidationError", "Rollback Trigger Type not supported")
        if ":alarm:" not in trigger["Arn"]:
            raise Fault("ValidationError", "RelativeId of a Rollback Trigger's ARN is incorrect")
