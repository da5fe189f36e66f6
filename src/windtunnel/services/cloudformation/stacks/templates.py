"""Templates of stacks, and templates before they are a stack's: shown, validated and summed up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.cloudformation.changes.comparing import find_change
from windtunnel.services.cloudformation.sets.state import find_set
from windtunnel.services.cloudformation.stacks.checks import EXPAND, capabilities_of
from windtunnel.services.cloudformation.stacks.sources import needed
from windtunnel.services.cloudformation.stacks.views import REVIEW
from windtunnel.services.cloudformation.state import Revision, Stack, revision_of, stack_of
from windtunnel.services.cloudformation.template.parsing import parse
from windtunnel.services.cloudformation.template.templates import LANGUAGE, Template, template_of
from windtunnel.services.cloudformation.transforms.transforms import has_transforms, names_of

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t

LIMITS = {"StackLimit": 2000, "StackOutputsLimit": 200, "ConcurrentResourcesLimit": 2500}
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
ACKNOWLEDGED = "The following resource(s) require capabilities: [{}]"


def get_template(tx: Tx, req: t.GetTemplateInput) -> dict[str, Any]:
    if "ChangeSetName" in req:
        if "StackName" not in req and not req["ChangeSetName"].startswith("arn:"):
            raise Fault("ValidationError", "StackName is a required parameter.")
        stack, change = find_change(tx, req["ChangeSetName"], req.get("StackName", ""))
        revision = revision_of(tx, stack, change.revision)
    elif "StackName" in req:
        stack = stack_of(tx, req["StackName"])
        if stack.status == REVIEW:
            return {"TemplateBody": "", "StagesAvailable": ["Original", "Processed"]}
        revision = revision_of(tx, stack)
    else:
        raise Fault("ValidationError", "StackName is required if ChangeSetName is not specified.")
    processed = req.get("TemplateStage") == "Processed"
    return {"TemplateBody": _processed(revision) if processed else revision.original, "StagesAvailable": ["Original", "Processed"]}


def _processed(revision: Revision) -> str:
    if not revision.processed:
        return revision.original
    tree = parse(revision.processed)
    tree.pop("Transform", None)
    return orjson.dumps(tree).decode()


async def validate_template(call: Call, req: t.ValidateTemplateInput) -> dict[str, Any]:
    template = template_of(await needed(call, req))
    told: dict[str, Any] = {"Parameters": [_brief(name, declared) for name, declared in template.parameters.items()]}
    if template.description:
        told["Description"] = template.description
    told |= _capabilities(call, template)
    return told


def _brief(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"ParameterKey": name, "NoEcho": _is_true(declared.get("NoEcho", False))}
    if "Default" in declared:
        told["DefaultValue"] = plain_text(declared["Default"])
    if "Description" in declared:
        told["Description"] = str(declared["Description"])
    return told


def _is_true(value: Any) -> bool:
    return plain_text(value).lower() == "true"


def _capabilities(call: Call, template: Template) -> dict[str, Any]:
    needs = capabilities_of(call.cloud.services.kind, template)
    told: dict[str, Any] = {}
    if needs:
        types = {
            str(resource["Type"])
            for resource in template.declared.values()
            if (kind := call.cloud.services.kind(str(resource["Type"]))) is not None and kind.deploy is not None and kind.deploy.capability
        }
        told["CapabilitiesReason"] = ACKNOWLEDGED.format(", ".join(sorted(types)))
    if has_transforms(template):
        told["DeclaredTransforms"] = names_of(template)
        if [name for name in names_of(template) if name != LANGUAGE]:
            needs.append(EXPAND)
    return {**told, "Capabilities": needs} if needs else told


async def get_template_summary(call: Call, req: t.GetTemplateSummaryInput) -> dict[str, Any]:
    if "StackName" in req:
        stack = call.read(stack_of, req["StackName"])
        if stack.status == REVIEW:
            raise Fault("ValidationError", "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        template = call.read(_template, stack)
    elif "StackSetName" in req:
        template = template_of(call.read(find_set, req["StackSetName"]).template)
    else:
        template = template_of(await needed(call, req))
    return _summary(call, template)


def _template(tx: Tx, stack: Stack) -> Template:
    return template_of(revision_of(tx, stack).template)


def _summary(call: Call, template: Template) -> dict[str, Any]:
    types = list(dict.fromkeys(str(resource["Type"]) for resource in template.declared.values()))
    told: dict[str, Any] = {
        "Parameters": [_declared(name, declared) for name, declared in template.parameters.items()],
        "ResourceTypes": types,
        "ResourceIdentifierSummaries": [_identified(template, type) for type in types],
        "Version": str(template.tree.get("AWSTemplateFormatVersion", "2010-09-09")),
    }
    if template.description:
        told["Description"] = template.description
    if "Metadata" in template.tree:
        told["Metadata"] = _printed(template.tree["Metadata"])
    return told | _capabilities(call, template)


def _identified(template: Template, type: str) -> dict[str, Any]:
    return {"ResourceType": type, "LogicalResourceIds": [name for name, resource in template.declared.items() if resource["Type"] == type]}


def _declared(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    told = {**_brief(name, declared), "ParameterType": str(declared.get("Type", "String"))}
    allowed = {"AllowedValues": [plain_text(each) for each in declared["AllowedValues"]]} if "AllowedValues" in declared else {}
    return {**told, "ParameterConstraints": allowed}


def _printed(value: Any) -> str:
    """Metadata as AWS prints it."""
    return repr(value)


def describe_account_limits(tx: Tx, req: t.DescribeAccountLimitsInput) -> dict[str, Any]:
    return {"AccountLimits": [{"Name": name, "Value": value} for name, value in LIMITS.items()]}
