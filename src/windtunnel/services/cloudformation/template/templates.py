"""A template's anatomy: its sections, checked as AWS checks them before it acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid, parse

SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata"),
        *("Outputs", "Parameters", "Resources", "Rules", "Transform"),
    }
)
ATTRIBUTES = frozenset(
    {
        *("Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy"),
        *("CreationPolicy", "Version", "Connectors", "IgnoreGlobals"),
    }
)
RESOURCES_MAX = 500
LANGUAGE = "AWS::LanguageExtensions"
TEMPLATES_KEPT = 64


class Template(msgspec.Struct, frozen=True):
    """A template whose sections are there and have the right form."""

    tree: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    mappings: dict[str, Any]
    conditions: dict[str, Any]
    rules: dict[str, Any]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]
    transforms: list[Any]

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """The resources, without loops that are not written out."""
        return {name: resource for name, resource in self.resources.items() if not name.startswith("Fn::")}

    @property
    def description(self) -> str:
        return str(self.tree.get("Description", ""))

    @property
    def language(self) -> bool:
        """Whether it speaks the language extensions."""
        return LANGUAGE in self.transforms


@lru_cache(TEMPLATES_KEPT)
def template_of(text: str) -> Template:
    """The checked template of a text. Raises ValidationError."""
    return checked(parse(text))


def checked(tree: Mapping[str, Any]) -> Template:
    """A template from its tree."""
    unknown = [name for name in tree if name not in SECTIONS]
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    _no_nulls(tree)
    resources = _section(tree, "Resources")
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    if len(resources) > RESOURCES_MAX:
        raise invalid(f"Template format error: Number of resources, {len(resources)}, is greater than maximum allowed, {RESOURCES_MAX}")
    transform: Any = tree.get("Transform", [])
    template = Template(
        tree=dict(tree),
        parameters=_section(tree, "Parameters"),
        mappings=_section(tree, "Mappings"),
        conditions=_section(tree, "Conditions"),
        rules=_section(tree, "Rules"),
        resources=resources,
        outputs=_section(tree, "Outputs"),
        transforms=transform if a_list(transform) else [transform],
    )
    for name in template.parameters:
        _check_name("Parameter", name)
    for name, resource in resources.items():
        _check_resource(name, resource)
    for name, output in template.outputs.items():
        _check_output(name, output)
    _check_mappings(template.mappings)
    return template


def _section(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    section: Any = tree.get(name) or {}
    if not a_map(section):
        raise invalid(f"Template format error: {name} must be a map.")
    members = section
    if name in ("Resources", "Parameters", "Outputs"):
        for key, member in members.items():
            if not a_map(member) and not key.startswith("Fn::"):
                raise invalid(f"Template format error: Any {name} member must be an object.")
    return members


def _check_name(what: str, name: str) -> None:
    if not (name.isascii() and name.isalnum()):
        raise invalid(f"Template format error: {what} name {name} is non alphanumeric.")


def _check_resource(name: str, resource: Mapping[str, Any]) -> None:
    if name.startswith("Fn::"):
        return  # of the language extensions, and gone once they were processed
    _check_name("Resource", name)
    if not isinstance(resource.get("Type"), str):
        raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
    for attribute in resource:
        if attribute not in ATTRIBUTES:
            raise invalid(f"Invalid template resource property '{attribute}'")


def _check_output(name: str, output: Mapping[str, Any]) -> None:
    if not name.startswith("Fn::") and "Value" not in output:
        raise invalid("Template format error: Every Outputs member must contain a Value object")


def _check_mappings(mappings: Mapping[str, Any]) -> None:
    for name, mapping in mappings.items():
        if name.startswith("Fn::"):
            continue
        if not a_map(mapping):
            raise invalid(f"Template format error: Every Mappings member {name} must be a map")
        for key, attributes in mapping.items():
            if key.startswith("Fn::"):
                continue
            if not a_map(attributes):
                raise invalid(f"Template format error: Every Mappings member {key} must be a map")
            for attribute, value in attributes.items():
                if a_map(value) and not attribute.startswith("Fn::"):
                    raise invalid("Template format error: Every Mappings attribute must be a String or a List.")


def _no_nulls(tree: Mapping[str, Any]) -> None:
    for path in _nulls(tree, ""):
        raise invalid(f"[{path}] 'null' values are not allowed in templates")


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif a_map(value):
        for key, item in value.items():
            yield from _nulls(item, f"{path}/{key}")
    elif a_list(value):
        for number, item in enumerate(value):
            yield from _nulls(item, f"{path}/{number}")
