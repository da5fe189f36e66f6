"""What functions in a template are resolved against: parameters, pseudo parameters, mappings, conditions and the stack's resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from windtunnel.services.cloudformation.template.parsing import invalid
from windtunnel.services.cloudformation.template.templates import Template

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""Stands in change sets for what is known only when the stack is deployed."""


class NoValue:
    """The type of NO_VALUE, which takes what holds it away."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = NoValue()


class Known(msgspec.Struct, frozen=True):
    """What functions can ask of a resource that is deployed."""

    id: str
    attributes: dict[str, Any] = {}


class Context(msgspec.Struct):
    """Where functions are resolved. `known` tells of a resource by its logical id; None where it isn't deployed (yet).

    `imported` is the value of an export. With `planning`, what isn't known yet is UNKNOWN instead of an error.
    """

    template: Template
    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    known: Callable[[str], Known | None] = lambda _: None
    imported: Callable[[str], str] | None = None
    planning: bool = False
    met: dict[str, bool] = {}
    """Conditions that were evaluated so far."""

    def ref(self, name: str, where: str) -> Any:
        """What `Ref` gives."""
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            value = self.parameters[name]
            return NO_VALUE if value == "AWS::NoValue" else value
        known = self.resource(name, where)
        return UNKNOWN if known is None else known.id

    def resource(self, name: str, where: str) -> Known | None:
        """A resource that is deployed; None where it will be."""
        if name not in self.template.resources or not self.wanted(name):
            raise unresolved(name, where)
        known = self.known(name)
        if known is None and not self.planning:
            raise unresolved(name, where)
        return known

    def wanted(self, name: str) -> bool:
        """Whether a resource's condition is met."""
        condition = self.template.resources[name].get("Condition")
        return condition is None or self.condition(str(condition))

    def condition(self, name: str) -> bool:
        """Whether a condition of the template is met."""
        from windtunnel.services.cloudformation.template.conditions import holds

        if name not in self.met:
            if name not in self.template.conditions:
                raise invalid(f"Template error: unresolved condition dependency {name} in Fn::If")
            self.met[name] = False  # of one that asks for itself
            self.met[name] = holds(self.template.conditions[name], self)
        return self.met[name]


def unresolved(name: str, where: str) -> Exception:
    """The refusal of a reference to what the template hasn't."""
    if where == "Outputs":
        return invalid(f"Unresolved resource dependencies [{name}] in the Outputs block of the template")
    return invalid(f"Template format error: Unresolved resource dependencies [{name}] in the {where} block of the template")
