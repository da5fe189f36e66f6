"""Which resources a value needs: the order of deployment, and what a change set says a change comes of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windtunnel.services.cloudformation.template.context import Context, unresolved
from windtunnel.services.cloudformation.template.functions import PLACE, attribute_of
from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid
from windtunnel.services.cloudformation.template.templates import Template

_BRANCHES = 3
Reference = tuple[str, str]
"""A parameter's or a resource's name, and the attribute that is asked for ("" of a Ref)."""


def references(value: Any, context: Context | None = None) -> Iterator[Reference]:
    """What a value refers to, in the order of its text; with a context, only in those branches of conditions that are taken."""
    if a_list(value):
        for item in value:
            yield from references(item, context)
    if not a_map(value):
        return
    members = value
    if len(members) == 1:
        ((name, argument),) = members.items()
        if name == "Ref" and isinstance(argument, str):
            yield argument, ""
            return
        if name == "Fn::GetAtt":
            parts = attribute_of(argument)
            yield str(parts[0]), parts[1] if isinstance(parts[1], str) else ""
            yield from references(list(parts), context)
            return
        if name == "Fn::Sub":
            yield from _of_text(argument, context)
            return
        if name == "Fn::If" and context is not None and a_list(argument) and len(argument) > 2:
            yield from references(argument[1] if context.condition(str(argument[0])) else argument[2], context)
            return
    for item in members.values():
        yield from references(item, context)


def _of_text(argument: Any, context: Context | None) -> Iterator[Reference]:
    parts: list[Any] = argument if a_list(argument) else [argument]
    text: Any = parts[0]
    given: Any = parts[1] if len(parts) > 1 else {}
    yield from references(given, context)
    for found in PLACE.finditer(text if isinstance(text, str) else ""):
        name = found[2].strip()
        if not found[1] and name not in given:
            resource, _, attribute = name.partition(".")
            yield resource, attribute


def needs_of(template: Template, name: str, context: Context | None = None) -> list[str]:
    """The logical ids of the resources that a resource has to wait for."""
    resource = template.resources[name]
    depends: Any = resource.get("DependsOn", [])
    explicit = depends if a_list(depends) else [depends]
    parts = [resource.get(part) for part in ("Properties", "Metadata", "UpdatePolicy", "CreationPolicy")]
    implicit = [found for found, _ in references(parts, context) if found in template.resources]
    return [found for found in dict.fromkeys([*explicit, *implicit]) if found in template.resources and found != name]


def check_references(template: Template, context: Context) -> None:
    """Raises ValidationError where something refers to what the template hasn't, or resources need each other in a circle."""
    names = {*template.parameters, *template.resources, *context.pseudo, "AWS::NoValue"}
    wanted = [name for name in template.resources if context.wanted(name)]
    for name in wanted:
        resource = template.resources[name]
        depends: Any = resource.get("DependsOn", [])
        explicit = depends if a_list(depends) else [depends]
        for other in explicit:
            if other not in template.resources:
                raise unresolved(other, "Resources")
        _check(resource.get("Properties"), names, context, "Resources")
    for output in template.outputs.values():
        if "Condition" not in output or context.condition(str(output["Condition"])):
            _check(output, names, context, "Outputs")
    check_circles({name: needs_of(template, name, context) for name in wanted})


def _check(value: Any, names: set[str], context: Context, where: str) -> None:
    for name, attribute in references(value, context):
        if name not in names:
            if attribute:
                raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
            raise unresolved(name, where)
        if name in context.template.resources and not context.wanted(name):
            raise unresolved(name, where)


def check_circles(needs: Mapping[str, list[str]]) -> None:
    """Raises ValidationError where resources need each other in a circle."""
    left = {name: {other for other in others if other in needs} for name, others in needs.items()}
    while ready := [name for name, others in left.items() if not others]:
        for name in ready:
            del left[name]
        for others in left.values():
            others.difference_update(ready)
    if left:
        raise invalid(f"Circular dependency between resources: [{', '.join(sorted(left))}]")
