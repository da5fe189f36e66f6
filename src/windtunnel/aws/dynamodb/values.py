"""Attribute values: `{"S": "text"}` and the like are checked, measured, compared and put in order as DynamoDB does.

An item is kept in the form in which clients send it, with binary values as bytes and numbers in their canonical text.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from windtunnel.aws.dynamodb import decimals
from windtunnel.aws.dynamodb.decimals import invalid, normal

Value = dict[str, Any]
Item = dict[str, Value]

TYPES: Final = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
SETS: Final = frozenset({"SS", "NS", "BS"})
NESTING_MAX = 32
WRONG = "One or more parameter values were invalid: "
_EMPTY_SETS: Final = {
    "SS": "An string set  may not be empty",
    "NS": "An number set  may not be empty",
    "BS": "Binary sets should not be empty",
}


def checked(value: Value, depth: int = 0) -> Value:
    """The value in its canonical form; refuses what is none."""
    if len(value) != 1:
        return _refuse_shape(value, depth)
    kind, content = next(iter(value.items()))
    match kind:
        case "S" | "B" | "BOOL":
            return value
        case "N":
            text = normal(content)
            return value if text is content else {"N": text}
        case "NULL":
            if not content:
                raise invalid(f"{WRONG}Null attribute value types must have the value of true")
            return value
        case "SS" | "NS" | "BS":
            return {kind: _checked_set(kind, content)}
        case "L" | "M":
            if depth >= NESTING_MAX - 1:
                raise invalid("Nesting Levels have exceeded supported limits: Attributes level in item exceeded maximum")
            if kind == "L":
                return {"L": [checked(member, depth + 1) for member in content]}
            return {"M": {name: checked(member, depth + 1) for name, member in content.items()}}
        case _:
            return _refuse_shape({}, depth)


def checked_item(item: Mapping[str, Any]) -> Item:
    return {name: checked(value) for name, value in item.items()}


def _refuse_shape(value: Value, depth: int) -> Value:
    if not value:
        raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    for kind in TYPES:  # what is wrong with one of several values is said first
        if kind in value:
            checked({kind: value[kind]}, depth)
    raise invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")


def _checked_set(kind: str, members: list[Any]) -> list[Any]:
    if not members:
        raise invalid(WRONG + _EMPTY_SETS[kind])
    if kind == "NS":
        members = [normal(member) for member in members]
    if len(set(members)) == len(members):
        return members
    if kind == "NS":
        raise invalid("Input collection contains duplicates")
    printed = ", ".join(member if kind == "SS" else b64encode(member).decode() for member in members)
    raise invalid(f"{WRONG}Input collection [{printed}]{'of type BS' if kind == 'BS' else ''} contains duplicates.")


def type_of(value: Value) -> str:
    return next(iter(value))


def size_of(item: Mapping[str, Value]) -> int:
    """The bytes of an item, as they are billed and limited.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode("utf-8", "surrogatepass"))
        text = value.get("S")
        size += len(text) if text is not None and text.isascii() else value_size(value)
    return size


def value_size(value: Value) -> int:
    kind, content = next(iter(value.items()))
    match kind:
        case "S":
            return len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
        case "N":
            return decimals.size(content)
        case "B":
            return len(content)
        case "SS" | "NS" | "BS":
            return sum(value_size({kind[0]: member}) for member in content)
        case "L":
            return 3 + len(content) + sum(map(value_size, content))
        case "M":
            return 3 + len(content) + size_of(content)
        case _:
            return 1


def equal(one: Value, other: Value) -> bool:
    """Whether two values are the same; sets are whatever their order, also within lists and maps."""
    if one == other:
        return True
    kind, content = next(iter(one.items()))
    if kind not in other:
        return False
    against = other[kind]
    match kind:
        case "SS" | "NS" | "BS":
            return set(content) == set(against)
        case "L":
            return len(content) == len(against) and all(map(equal, content, against))
        case "M":
            return content.keys() == against.keys() and all(equal(content[name], against[name]) for name in content)
        case _:
            return False


def sort_key(value: Value) -> Any:
    """What a number, text or bytes is compared by."""
    kind, content = next(iter(value.items()))
    if kind == "N":
        return Decimal(content)
    return content.encode("utf-8", "surrogatepass") if kind == "S" else content


def contains(whole: Value, part: Value) -> bool:
    """Whether text or bytes stand within others, or a value is a member of a set or a list."""
    kind, content = next(iter(whole.items()))
    wanted, sought = next(iter(part.items()))
    if kind == "L":
        return any(equal(member, part) for member in content)
    if kind in SETS:
        return wanted == kind[0] and sought in content
    return kind in ("S", "B") and kind == wanted and sought in content


def length(value: Value) -> int | None:
    """What `size(path)` says: characters of text, bytes of binary values, members of the others; None where it has no size."""
    kind, content = next(iter(value.items()))
    match kind:
        case "S" | "B" | "SS" | "NS" | "BS" | "L" | "M":
            return len(content)
        case _:
            return None


def key_part(value: Value) -> str | bytes:
    """A key attribute's value as a part of the store's keys: text and bytes as they are, numbers as bytes that sort."""
    kind, content = next(iter(value.items()))
    return decimals.sortable(content) if kind == "N" else content
