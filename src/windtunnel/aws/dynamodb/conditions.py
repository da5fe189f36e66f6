"""Conditions asked of an item: true or false, never an error. What isn't there, or is of another type, fulfils nothing."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.dynamodb.trees import Apply, Literal, Node, Path
from windtunnel.aws.dynamodb.values import Item, Value, contains, equal, length, sort_key, type_of

ORDERED = frozenset({"S", "N", "B"})


def find(item: Item, path: Path) -> Value | None:
    """The value at a path of an item."""
    parts = path.parts
    value = item.get(parts[0])  # pyright: ignore[reportArgumentType]
    for part in parts[1:]:
        if value is None:
            return None
        if isinstance(part, int):
            members: list[Value] = value.get("L", [])
            value = members[part] if part < len(members) else None
        else:
            value = value.get("M", {}).get(part)
    return value


def holds(node: Node, item: Item) -> bool:
    """Whether an item fulfils a condition."""
    assert isinstance(node, Apply), "a condition is an operator or a function"
    name, args = node.name, node.args
    match name:
        case "and":
            return all(holds(argument, item) for argument in args)
        case "or":
            return any(holds(argument, item) for argument in args)
        case "not":
            return not holds(args[0], item)
        case "attribute_exists":
            return _value(args[0], item) is not None
        case "attribute_not_exists":
            return _value(args[0], item) is None
        case _:
            return compare(name, [_value(argument, item) for argument in args])


def compare(name: str, values: list[Value | None]) -> bool:
    """Whether an operator or function is true of its operands."""
    value = values[0]
    if name == "<>":
        other = values[1]
        return value is not other if value is None or other is None else not equal(value, other)
    if value is None or (name != "in" and None in values[1:]):
        return False
    others: Any = values[1:]
    match name:
        case "=":
            return equal(value, others[0])
        case "in":
            return any(other is not None and equal(value, other) for other in others)
        case "between":
            return _ordered(">=", value, others[0]) and _ordered("<=", value, others[1])
        case "contains":
            return contains(value, others[0])
        case "begins_with":
            kind = type_of(value)
            return kind in ("S", "B") and kind in others[0] and value[kind].startswith(others[0][kind])
        case "attribute_type":
            return type_of(value) == others[0].get("S")
        case _:
            return _ordered(name, value, others[0])


def _ordered(sign: str, value: Value, other: Value) -> bool:
    kind = type_of(value)
    if kind not in ORDERED or kind not in other:
        return False
    one, two = sort_key(value), sort_key(other)
    match sign:
        case "<":
            return one < two
        case "<=":
            return one <= two
        case ">":
            return one > two
        case _:
            return one >= two


def _value(node: Node, item: Item) -> Value | None:
    if isinstance(node, Path):
        return find(item, node)
    if isinstance(node, Literal):
        return node.value
    assert isinstance(node, Apply), "placeholders are bound by now"
    if node.name != "size":
        return {"BOOL": holds(node, item)}
    whole = _value(node.args[0], item)
    size = None if whole is None else length(whole)
    return None if size is None else {"N": str(size)}
