"""Reads an event pattern's text into alternatives of conditions, refusing in AWS's words what AWS refuses.

The order in which things are looked at is what decides on the message and the place in it, so this reads the text token by token
as EventBridge does, instead of walking a finished dict.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, Literal

from msgspec import Struct

from windtunnel.aws.patterns_operators import ONE_KEY, TESTS, TOO_COMPLEX, Dialect
from windtunnel.aws.patterns_text import Reader

Path = tuple[str, ...]

OPERATORS = frozenset(("exists", *TESTS))
ALTERNATIVES_MAX = 1000


class Condition(Struct, frozen=True):
    """What a value may be: `value` is compared, `test` is a function to ask, `absent` is fulfilled where the key is nowhere."""

    kind: Literal["value", "test", "absent"]
    value: Any = None


class _Object(Struct):
    """A pattern's object: each key's conditions or object, and the alternatives of each `$or`."""

    members: dict[str, "list[Condition] | _Object"]
    ors: list[list["_Object"]]


def parse_pattern(text: str, dialect: Dialect) -> list[dict[Path, list[Condition]]]:
    """The pattern as alternatives, each with all its keys; more than one where there is an `$or`."""
    reader = Reader(text)
    if reader.next().kind != "{":
        reader.refuse("Filter is not an object")
    alternatives = list(_expanded(_object(reader, dialect), ()))
    if len(alternatives) > ALTERNATIVES_MAX:
        raise ValueError(TOO_COMPLEX)
    return alternatives


def _expanded(node: _Object, path: Path) -> Iterator[dict[Path, list[Condition]]]:
    fixed: dict[Path, list[Condition]] = {}
    choices: list[list[dict[Path, list[Condition]]]] = []
    for key, member in node.members.items():
        if isinstance(member, list):
            fixed[(*path, key)] = member
        else:
            choices.append(list(_expanded(member, (*path, key))))
    choices.extend([each for branch in branches for each in _expanded(branch, path)] for branches in node.ors)
    size = 1
    for choice in choices:
        size *= len(choice)
        if size > ALTERNATIVES_MAX:
            raise ValueError(TOO_COMPLEX)
    for chosen in product(*choices):
        merged = dict(fixed)
        for part in chosen:
            merged.update(part)
        yield merged


def _object(reader: Reader, dialect: Dialect) -> _Object:
    node = _Object({}, [])
    empty = True
    while (token := reader.next()).kind == "name":
        empty = False
        key: str = token.value
        if key == "$or" and reader.starts_or(OPERATORS):
            node.ors.append(_branches(reader, dialect))
            continue
        value = reader.next()
        if value.kind == "{":
            node.members[key] = _object(reader, dialect)
        elif value.kind == "[":
            node.members[key] = list(_conditions(reader, dialect))
        else:
            reader.refuse(f'"{key}" must be an object or an array')
    if empty:
        reader.refuse("Empty objects are not allowed")
    return node


def _branches(reader: Reader, dialect: Dialect) -> list[_Object]:
    reader.next()
    branches: list[_Object] = []
    while reader.next().kind == "{":
        branches.append(_object(reader, dialect))
    return branches


def _conditions(reader: Reader, dialect: Dialect) -> Iterator[Condition]:
    empty = True
    while (token := reader.next()).kind != "]":
        empty = False
        if token.kind == "{":
            yield _expression(reader, dialect)
        elif token.kind == "[":
            reader.refuse("Match value must be String, number, true, false, or null")
        else:
            yield Condition("value", token.value)
    if empty:
        reader.refuse("Empty arrays are not allowed")


def _expression(reader: Reader, dialect: Dialect) -> Condition:
    name = reader.next()
    if name.kind != "name":
        reader.refuse("Match expression name not found")
    operator: str = name.value
    if operator not in OPERATORS or (operator == "wildcard" and dialect == "sns"):
        reader.refuse(f"Unrecognized match type {operator}")
    condition = Condition("test", TESTS[operator](reader, dialect)) if operator != "exists" else _exists(reader)
    if reader.next().kind != "}":
        reader.refuse(ONE_KEY)
    return condition


def _exists(reader: Reader) -> Condition:
    value = reader.next()
    if value.kind != "literal" or value.value is None:
        reader.refuse("exists match pattern must be either true or false.")
    return Condition("test", _any_value) if value.value else Condition("absent")


def _any_value(_: Any) -> bool:
    return True
