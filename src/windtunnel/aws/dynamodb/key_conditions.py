"""Which part of the keys a Query asks for: one partition, and within it one comparison of the sort key.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.former import condition
from windtunnel.aws.dynamodb.trees import Apply, Literal, Node, Path
from windtunnel.aws.dynamodb.values import WRONG, Value, type_of

Compared = tuple[str, list[Value]]
"""A sign (or "between", "begins_with") and what a key is compared with."""

_TURNED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FORMER: Final = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "between", "BEGINS_WITH": "begins_with"}
NO_BOUNDS: Final = "Attempted conditional constraint is not an indexable operation"


class Asked(msgspec.Struct, frozen=True):
    """The partition, and the comparison of its sort keys where there is one."""

    hash: Value
    range: Compared | None = None


def of_expression(node: Node) -> dict[str, Compared]:
    """What a KeyConditionExpression says of each key."""
    found: dict[str, Compared] = {}
    _read(node, found)
    return _counted(found)


def of_conditions(given: Mapping[str, Any]) -> dict[str, Compared]:
    """The same of `KeyConditions`."""
    found: dict[str, Compared] = {}
    for name, asked in given.items():
        operator, values = condition(asked)
        found[name] = (_FORMER.get(operator, ""), values)
    return _counted(found)


def _counted(found: dict[str, Compared]) -> dict[str, Compared]:
    if not 1 <= len(found) <= 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    return found


def asked(
    conditions: Mapping[str, Compared],
    hash_name: str,
    range_name: str,
    types: Mapping[str, str],
    check: Callable[[str], None] | None = None,
) -> Asked:
    """The conditions held against a key's schema. `check` is called with each key's name before it is looked at."""
    for name in (hash_name, range_name) if range_name else (hash_name,):
        if check is not None:
            check(name)
        if not range_name and len(conditions) > 1:
            raise invalid("Query key condition not supported")
        if name not in conditions:
            if name == hash_name or len(conditions) > 1:
                raise invalid(f"Query condition missed key schema element: {name}")
            continue
        sign, values = conditions[name]
        if not sign:
            raise invalid(NO_BOUNDS)
        if any(type_of(value) != types[name] for value in values):
            raise invalid(f"{WRONG}Condition parameter type does not match schema type")
        if name == hash_name and sign != "=":
            raise invalid("Query key condition not supported")
        for value in values:
            if not value[types[name]] and types[name] != "N":
                kind = "string" if types[name] == "S" else "binary"
                raise invalid(
                    "One or more parameter values are not valid. "
                    f"The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {name}"
                )
    return Asked(conditions[hash_name][1][0], conditions.get(range_name))


def _read(node: Node, found: dict[str, Compared]) -> None:
    assert isinstance(node, Apply), "a condition is an operator or a function"
    if node.name == "and":
        for argument in node.args:
            _read(argument, found)
        return
    if node.name in ("or", "not", "in", "<>"):
        raise invalid(f"Invalid operator used in KeyConditionExpression: {node.name.upper()}")
    if node.function and node.name != "begins_with":
        raise invalid(f"Invalid operator used in KeyConditionExpression: {node.name}")
    if node.name in ("between", "begins_with") and not isinstance(node.args[0], Path):
        word = node.name.upper() if node.name == "between" else node.name
        raise invalid(f"Invalid condition in KeyConditionExpression: {word} operator must have the key attribute as its first operand")
    first, name = node.args[0], ""
    for argument in node.args:
        if isinstance(argument, Apply):
            raise invalid("KeyConditionExpressions cannot contain nested operations")
        if isinstance(argument, Path):
            if name:
                raise invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
            name, *rest = map(str, argument.parts)
            if rest:
                raise invalid("KeyConditionExpressions cannot have conditions on nested attributes")
    if not name:
        raise invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
    if name in found:
        raise invalid("KeyConditionExpressions must only contain one condition per key")
    values = [argument.value for argument in node.args if isinstance(argument, Literal)]
    found[name] = (_TURNED[node.name] if isinstance(first, Literal) else node.name, values)
