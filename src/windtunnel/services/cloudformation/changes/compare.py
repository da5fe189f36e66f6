"""What an update would do: each resource as it is, and as a revision would have it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-samples.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import Deploy, Tx
from windtunnel.services.cloudformation.deploying.endings import OVER
from windtunnel.services.cloudformation.deploying.places import context_of, kind_of, told_by
from windtunnel.services.cloudformation.state import ROWS, Revision, Row, Stack, revision_of
from windtunnel.services.cloudformation.template.context import Context, Known
from windtunnel.services.cloudformation.template.functions import resolve
from windtunnel.services.cloudformation.template.parsing import a_list, a_map
from windtunnel.services.cloudformation.template.references import needs_of, references
from windtunnel.services.cloudformation.template.templates import template_of
from windtunnel.services.cloudformation.transforms.transforms import has_transforms


class Plan(msgspec.Struct):
    """Two revisions side by side. `rows` are the resources that are there; `now` what is known of them after the update."""

    stack: Stack
    rows: dict[str, Row]
    old: Context | None
    new: Context
    now: dict[str, Known]
    tags: dict[str, str]
    """The stack's, after the update."""
    replaced: set[str]


def differs(tx: Tx, stack: Stack, revision: Revision) -> bool:
    """Whether an update has anything to do. What transforms make of a template nobody knows before."""
    if has_transforms(template_of(revision.original)) and not revision.processed:
        return True
    plan = plan_of(tx, stack, revision)
    old = revision_of(tx, stack)
    if old.tags != revision.tags or changes_of(tx, plan):
        return True
    return plan.old is None or _outputs(plan.old) != _outputs(plan.new)


def _outputs(context: Context) -> dict[str, Any]:
    return {
        name: resolve(output, context, "Outputs")
        for name, output in context.template.outputs.items()
        if "Condition" not in output or context.condition(str(output["Condition"]))
    }


def plan_of(tx: Tx, stack: Stack, revision: Revision) -> Plan:
    """What is known before a revision is deployed."""
    rows = {str(key[1]): row for key, row in tx.scan(ROWS, stack.uuid) if row.status not in OVER and row.id}
    now: dict[str, Known] = {logical: Known(row.id, told_by(row)) for logical, row in rows.items()}
    old = None
    if stack.current:
        before = revision_of(tx, stack, stack.current)
        old = context_of(tx, stack, before, planning=True, known=now.get)
    new = context_of(tx, stack, revision, planning=True, known=now.get)
    return Plan(stack, rows, old, new, now, revision.tags, set())


def changes_of(tx: Tx, plan: Plan) -> list[dict[str, Any]]:
    """The changes as DescribeChangeSet prints them, with all values."""
    template = plan.new.template
    wanted = [name for name in template.resources if plan.new.wanted(name)]
    found: dict[str, dict[str, Any]] = {}
    for name in _ordered(plan, wanted):
        row = plan.rows.get(name)
        change = _addition(plan, name) if row is None else _modification(tx, plan, name, row)
        if change is not None:
            found[name] = change
    for name, row in plan.rows.items():
        if name not in wanted:
            found[name] = _removal(tx, plan, name, row)
    return [{"Type": "Resource", "ResourceChange": found[name]} for name in sorted(found)]


def _ordered(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """Resources after those they need."""
    left = {name: set(needs_of(plan.new.template, name, plan.new)) & set(wanted) for name in wanted}
    while left:
        for name in [name for name, needs in left.items() if not needs & left.keys()]:
            del left[name]
            yield name


def _addition(plan: Plan, name: str) -> dict[str, Any]:
    definition = plan.new.template.resources[name]
    return {
        "Action": "Add",
        "LogicalResourceId": name,
        "ResourceType": definition["Type"],
        "Scope": [],
        "Details": [],
        "AfterContext": _context(resolve(definition.get("Properties", {}), plan.new)),
    }


def _removal(tx: Tx, plan: Plan, name: str, row: Row) -> dict[str, Any]:
    before = row.properties
    if plan.old is not None and name in plan.old.template.resources:
        # Values that come of other resources are not told of one that goes.
        blind = context_of(tx, plan.stack, revision_of(tx, plan.stack, plan.stack.current), planning=True, known=lambda _: None)
        before = resolve(plan.old.template.resources[name].get("Properties", {}), blind)
    return {
        "PolicyAction": row.deletion.replace("RetainExceptOnCreate", "Retain"),
        "Action": "Remove",
        "LogicalResourceId": name,
        "PhysicalResourceId": row.id,
        "ResourceType": row.type,
        "Scope": [],
        "Details": [],
        "BeforeContext": _context(before),
    }


def _modification(tx: Tx, plan: Plan, name: str, row: Row) -> dict[str, Any] | None:
    definition = plan.new.template.resources[name]
    kind = kind_of(tx.kind, str(definition["Type"]))
    deploy = kind.deploy if kind is not None else None
    after: dict[str, Any] = resolve(definition.get("Properties", {}), plan.new)
    details: list[dict[str, Any]] = []
    fixed = False
    for each in sorted({*row.properties, *after}):
        if row.properties.get(each) != after.get(each):
            always = _always(deploy, each)
            fixed = fixed or always
            details += _details(plan, name, each, row.properties, after, "Always" if always else "Never")
    scope = ["Properties"] if details else []
    if _metadata(definition, plan.new) != row.metadata:
        scope.append("Metadata")
        target = {"Attribute": "Metadata", "RequiresRecreation": "Never"}
        details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
    retagged = deploy is not None and deploy.tagged and row.tags != plan.tags
    if retagged:
        scope.append("Tags")
        target = {"Attribute": "Tags", "RequiresRecreation": "Never"}
        details.append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
    other = row.type != definition["Type"]
    if not details and not other:
        return None
    changed = {each for each in {*row.properties, *after} if row.properties.get(each) != after.get(each)}
    _forget(plan, name, changed, replaced=fixed or other)
    change: dict[str, Any] = {
        "Action": "Modify",
        "LogicalResourceId": name,
        "PhysicalResourceId": row.id,
        "ResourceType": definition["Type"],
        "Replacement": "True" if fixed or other else "False",
        "Scope": scope,
        "Details": details,
        "BeforeContext": _context(row.properties),
        "AfterContext": _context(after),
    }
    if fixed or other:
        policy = str(resolve(definition.get("UpdateReplacePolicy", "Delete"), plan.new))
        change["PolicyAction"] = f"ReplaceAnd{policy}"
    return change


def _metadata(definition: dict[str, Any], context: Context) -> str:
    return msgspec.json.encode(resolve(definition["Metadata"], context)).decode() if "Metadata" in definition else ""


def _always(deploy: Deploy | None, name: str) -> bool:
    return deploy is not None and (deploy.update is None or name in deploy.replaced.split())


def _forget(plan: Plan, name: str, changed: set[str], *, replaced: bool) -> None:
    """What is known of a resource only when it has been changed."""
    known = plan.now.pop(name, None)
    if replaced:
        plan.replaced.add(name)
    elif known is not None:
        plan.now[name] = Known(known.id, {key: value for key, value in known.attributes.items() if key not in changed})


def _details(plan: Plan, name: str, each: str, before: dict[str, Any], after: dict[str, Any], recreation: str) -> Iterator[dict[str, Any]]:
    """Why a property changes: its own text, a parameter, another resource."""
    kind = "Add" if each not in before else "Remove" if each not in after else "Modify"
    target = {"Attribute": "Properties", "Name": each, "RequiresRecreation": recreation}
    target |= {"Path": f"/Properties/{each}", "AttributeChangeType": kind}
    if each in before:
        target["BeforeValue"] = plain_text(before[each])
    if each in after:
        target["AfterValue"] = plain_text(after[each])
    causes = list(_causes(plan, plan.new.template.resources[name].get("Properties", {}).get(each)))
    for source, entity in causes:
        yield {"Target": target, "Evaluation": "Static", "ChangeSource": source, "CausingEntity": entity}
    yield {"Target": target, "Evaluation": "Dynamic" if causes else "Static", "ChangeSource": "DirectModification"}


def _causes(plan: Plan, value: Any) -> Iterator[tuple[str, str]]:
    for name, attribute in dict.fromkeys(references(value, plan.new)):
        if name in plan.new.template.parameters:
            old = plan.old.parameters.get(name) if plan.old is not None else None
            if old != plan.new.parameters.get(name):
                yield "ParameterReference", name
        elif name in plan.new.template.resources and (name in plan.replaced or _is_open(plan, name, attribute)):
            yield ("ResourceAttribute", f"{name}.{attribute}") if attribute else ("ResourceReference", name)


def _is_open(plan: Plan, name: str, attribute: str) -> bool:
    known = plan.now.get(name)
    return known is None or (bool(attribute) and attribute not in known.attributes)


def _context(properties: dict[str, Any]) -> str:
    return orjson.dumps({"Properties": _texts(properties)}).decode()


def _texts(value: Any) -> Any:
    if a_map(value):
        return {name: _texts(item) for name, item in value.items()}
    return [_texts(item) for item in value] if a_list(value) else plain_text(value)
