"""The language extensions: loops over collections, written out before the template is deployed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

import re
from typing import Any

from windtunnel.aws.coerce import plain_text
from windtunnel.services.cloudformation.template.context import Context
from windtunnel.services.cloudformation.template.functions import resolve
from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid

LOOP = "Fn::ForEach::"
_PARTS = 3
_OTHERS = re.compile(r"[^A-Za-z0-9]")


def expanded(value: Any, context: Context) -> Any:
    """A value with all loops in it written out."""
    if a_list(value):
        return [expanded(item, context) for item in value]
    if not a_map(value):
        return value
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name.startswith(LOOP):
            found |= _loop(name, item, context)
        else:
            found[name] = expanded(item, context)
    return found


def _loop(name: str, argument: Any, context: Context) -> dict[str, Any]:
    if not a_list(argument) or len(argument) != _PARTS or not a_map(argument[2]):
        raise invalid(f"{name} layout is incorrect")
    identifier, collection, body = argument
    items = resolve(collection, context)
    if not a_list(items):
        raise invalid(f"{name} could not resolve its collection")
    found: dict[str, Any] = {}
    for item in items:
        found |= expanded(_replaced(body, str(identifier), plain_text(item)), context)
    return found


def _replaced(value: Any, identifier: str, item: str) -> Any:
    """A loop's body for one item: `${Name}` is the item, `&{Name}` the item without what no logical id may have."""
    if a_list(value):
        return [_replaced(each, identifier, item) for each in value]
    if a_map(value):
        if value == {"Ref": identifier}:
            return item
        return {_text(name, identifier, item): _replaced(each, identifier, item) for name, each in value.items()}
    return _text(value, identifier, item) if isinstance(value, str) else value


def _text(text: str, identifier: str, item: str) -> str:
    return text.replace(f"${{{identifier}}}", item).replace(f"&{{{identifier}}}", _OTHERS.sub("", item))
