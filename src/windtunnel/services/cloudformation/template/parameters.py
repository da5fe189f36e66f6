"""Parameters: their declarations, what a client gives, and the values that functions see.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from windtunnel.aws.coerce import plain_text
from windtunnel.aws.java_patterns import java_pattern
from windtunnel.services.cloudformation.template.parsing import invalid
from windtunnel.services.cloudformation.template.templates import Template

STORED = "AWS::SSM::Parameter::Value<"
"""Types whose value is that of a parameter in the parameter store."""
STORED_NAME = "AWS::SSM::Parameter::Name"
HIDDEN = "****"


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """One parameter's value, as text; `resolved` is what the parameter store has under it."""

    value: str
    resolved: str = ""


def given_by(template: Template, request: Iterable[Mapping[str, Any]], before: Mapping[str, Given] | None) -> dict[str, Given]:
    """The value of each parameter of a template, from a request and what the stack had `before`. Raises ValidationError."""
    asked = {str(each.get("ParameterKey")): each for each in request}
    unknown = [name for name in asked if name not in template.parameters]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found: dict[str, Given] = {}
    missing: list[str] = []
    for name, declared in template.parameters.items():
        value = _value(name, declared, asked.get(name), before)
        if value is None:
            missing.append(name)
            continue
        found[name] = value
        if not declared.get("Type", "").startswith(STORED):
            _check(name, declared, value.value)
    if missing:
        stored = [name for name in missing if template.parameters[name].get("Type", "").startswith(STORED)]
        if stored:
            raise invalid(f"Parameter {stored[0]} should either have input value or default value")
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    return found


def _value(name: str, declared: Mapping[str, Any], asked: Mapping[str, Any] | None, before: Mapping[str, Given] | None) -> Given | None:
    if asked is not None and asked.get("UsePreviousValue"):
        if before is None or name not in before:
            why = "Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            raise invalid(f"Invalid input for parameter key {name}. {why}")
        return before[name]
    if asked is not None and "ParameterValue" in asked:
        return Given(str(asked["ParameterValue"]))
    return Given(plain_text(declared["Default"])) if "Default" in declared else None


def _check(name: str, declared: Mapping[str, Any], value: str) -> None:
    kind = str(declared.get("Type", "String"))
    items = [item.strip() for item in value.split(",")] if is_list(kind) else [value]
    allowed = declared.get("AllowedValues")
    if allowed is not None:
        choices = [plain_text(each) for each in allowed]
        if any(item not in choices for item in items):
            raise _refused(name, declared, f"Parameter {name} failed to satisfy constraint: ", f"must be one of [{', '.join(choices)}]")
    if kind in ("Number", "List<Number>"):
        for item in items:
            _check_number(name, declared, item)
    pattern = declared.get("AllowedPattern")
    compiled = None if pattern is None else java_pattern(str(pattern))
    if compiled is not None and not all(compiled.fullmatch(item) for item in items):
        raise _refused(name, declared, f"Parameter {name} failed to satisfy constraint: ", f"must match pattern {pattern}")
    if kind == "String":
        if len(value) < int(declared.get("MinLength", 0)):
            raise _refused(name, declared, f"Parameter '{name}' must contain at least {declared['MinLength']} characters", "")
        if "MaxLength" in declared and len(value) > int(declared["MaxLength"]):
            raise _refused(name, declared, f"Parameter '{name}' must contain at most {declared['MaxLength']} characters", "")


def _check_number(name: str, declared: Mapping[str, Any], value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be a number.") from None
    if "MinValue" in declared and number < float(declared["MinValue"]):
        raise _refused(name, declared, f"Parameter '{name}' must be a number not less than {declared['MinValue']}", "")
    if "MaxValue" in declared and number > float(declared["MaxValue"]):
        raise _refused(name, declared, f"Parameter '{name}' must be a number not greater than {declared['MaxValue']}", "")


def _refused(name: str, declared: Mapping[str, Any], beginning: str, otherwise: str) -> Exception:
    described = declared.get("ConstraintDescription")
    if described:
        return invalid(f"Parameter {name} failed to satisfy constraint: {described}")
    return invalid(beginning + otherwise)


def is_list(kind: str) -> bool:
    return kind.removeprefix(STORED).startswith(("CommaDelimitedList", "List<"))


def values_of(template: Template, given: Mapping[str, Given]) -> dict[str, Any]:
    """What functions see of the parameters."""
    values: dict[str, Any] = {}
    for name, declared in template.parameters.items():
        if name in given:
            text = given[name].resolved or given[name].value
            values[name] = [item.strip() for item in text.split(",")] if is_list(str(declared.get("Type", ""))) else text
    return values


def shown(template: Template, given: Mapping[str, Given]) -> list[dict[str, Any]]:
    """Parameters as descriptions print them."""
    found: list[dict[str, Any]] = []
    for name, value in given.items():
        hidden = plain_text(template.parameters.get(name, {}).get("NoEcho", False)).lower() == "true"
        each = {"ParameterKey": name, "ParameterValue": HIDDEN if hidden else value.value}
        if value.resolved:
            each["ResolvedValue"] = value.resolved
        found.append(each)
    return found
