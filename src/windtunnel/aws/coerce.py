"""Values as templates write them, made what an operation takes: "30" becomes 30, a policy's object becomes its JSON.

Templates know little of types: a parameter of the type Number is a text, and YAML reads a text of digits as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from windtunnel.aws.model import Shape, operation_model

_TRUTHS = {"true": True, "false": False}


def coerced(service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request whose values have the types of the operation's model. Members that are None are left out."""
    shape = operation_model(service, operation).input_shape
    return {} if shape is None else _structure(shape, request)


def plain_text(value: Any) -> str:
    """A scalar as templates print it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


def _structure(shape: Shape, value: Mapping[str, Any]) -> dict[str, Any]:
    members = shape.members
    return {name: _value(members[name], item) if name in members else item for name, item in value.items() if item is not None}


def _value(shape: Shape, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not shape.is_document_type:
        return _structure(shape, cast("dict[str, Any]", value))
    if kind == "list":
        items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        return [_value(shape.member, item) for item in items]
    if kind == "map" and isinstance(value, dict):
        return {plain_text(key): _value(shape.value, item) for key, item in cast("dict[Any, Any]", value).items()}
    return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> Any:
    """Text that is no number where one is wanted stays: the operation refuses it in its own words."""
    if kind in ("string", "character"):
        return plain_text(value)
    if kind == "blob":
        return value.encode() if isinstance(value, str) else value
    if not isinstance(value, str):
        return value
    if kind == "boolean":
        return _TRUTHS.get(value.lower(), value)
    try:
        if kind in ("integer", "long", "short", "byte"):
            return int(value)
        return float(value) if kind in ("float", "double") else value
    except ValueError:
        return value
