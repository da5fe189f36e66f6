"""The parameters from before there were expressions, as the trees that expressions become.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.trees import Action, Apply, Literal, Node, Path
from windtunnel.aws.dynamodb.values import SETS, WRONG, Value, checked, sort_key, type_of

_SIGNS: Final = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_FUNCTIONS: Final = {"CONTAINS": "contains", "BEGINS_WITH": "begins_with", "IN": "in", "BETWEEN": "between"}
_COUNTS: Final = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_SCALARS: Final = frozenset({"S", "N", "B"})
_TYPES: Final = {
    "EQ": _SCALARS | SETS | {"BOOL", "NULL", "L", "M"},
    "NE": _SCALARS | SETS | {"BOOL", "NULL", "L", "M"},
    "BEGINS_WITH": frozenset({"S", "B"}),
    "CONTAINS": _SCALARS | {"BOOL", "NULL"},
    "NOT_CONTAINS": _SCALARS | {"BOOL", "NULL"},
}


def expected(given: Mapping[str, Any], operator: str) -> Node | None:
    """What `Expected` asks of the item that is there."""
    return _joined([_expectation(name, asked) for name, asked in given.items()], operator)


def filtered(given: Mapping[str, Any], operator: str) -> Node | None:
    """What `QueryFilter` and `ScanFilter` ask of each item."""
    return _joined([_comparison(name, *condition(asked)) for name, asked in given.items()], operator)


def condition(asked: Mapping[str, Any]) -> tuple[str, list[Value]]:
    """A Condition's operator and values."""
    operator: str = asked["ComparisonOperator"]
    values = [checked(value) for value in asked.get("AttributeValueList") or ()]
    _check(operator, values)
    allowed = _TYPES.get(operator, _SCALARS)
    for value in values:
        if type_of(value) not in allowed:
            raise invalid(f"{WRONG}ComparisonOperator {operator} is not valid for {type_of(value)} AttributeValue type")
    _check_between(operator, values)
    return operator, values


def actions(given: Mapping[str, Any]) -> tuple[Action, ...]:
    """What `AttributeUpdates` does."""
    return tuple(_action(name, update) for name, update in given.items())


def _action(name: str, update: Mapping[str, Any]) -> Action:
    done: str = update.get("Action", "PUT")
    path = Path((name,))
    if update.get("Value") is None:
        if done != "DELETE":
            raise invalid(f"{WRONG}Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", path)
    value = checked(update["Value"])
    kind = type_of(value)
    if done == "DELETE" and kind not in SETS:
        raise invalid(f"{WRONG}DELETE action with value is not supported for the type {kind}")
    if done == "ADD" and kind not in SETS and kind not in ("N", "L"):
        raise invalid(f"{WRONG}ADD action is not supported for the type {kind}")
    return Action("SET" if done == "PUT" else done, path, Literal(value))


def _expectation(name: str, asked: Mapping[str, Any]) -> Node:
    operator, exists, listed = asked.get("ComparisonOperator"), asked.get("Exists"), asked.get("AttributeValueList")
    value = asked.get("Value")
    if listed is not None and value is not None:
        raise invalid(f"{WRONG}Value and AttributeValueList cannot be used together for Attribute: {name}")
    if operator is not None:
        if exists is not None:
            raise invalid(f"{WRONG}Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        if operator not in ("NULL", "NOT_NULL") and listed is None and value is None:
            raise invalid(f"{WRONG}Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}")
        values = [checked(one) for one in (listed if listed is not None else [value] if value is not None else [])]
        _check(operator, values)
        _check_between(operator, values)
        return _comparison(name, operator, values)
    if listed is not None:
        raise invalid(f"{WRONG}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is None or exists:
        if value is None:
            said = "null" if exists is None else "true"
            raise invalid(f"{WRONG}Value must be provided when Exists is {said} for Attribute: {name}")
        return _comparison(name, "EQ", [checked(value)])
    if value is not None:
        raise invalid(f"{WRONG}Value cannot be used when Exists is false for Attribute: {name}")
    return _comparison(name, "NULL", [])


def _check(operator: str, values: list[Value]) -> None:
    count = _COUNTS.get(operator, 1)
    if not values if operator == "IN" else len(values) != count:
        raise invalid(f"{WRONG}Invalid number of argument(s) for the {operator} ComparisonOperator")
    if len({type_of(value) for value in values}) > 1:
        raise invalid(f"{WRONG}AttributeValues inside AttributeValueList must be of same type")


def _check_between(operator: str, values: list[Value]) -> None:
    if operator == "BETWEEN" and type_of(values[0]) in _SCALARS and sort_key(values[0]) > sort_key(values[1]):
        raise invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")


def _comparison(name: str, operator: str, values: list[Value]) -> Node:
    path = Path((name,))
    if operator in ("NULL", "NOT_NULL"):
        return Apply("attribute_not_exists" if operator == "NULL" else "attribute_exists", (path,), function=True)
    if operator == "NOT_CONTAINS":
        return Apply("not", (Apply("contains", (path, Literal(values[0])), function=True),))
    return Apply(_SIGNS.get(operator) or _FUNCTIONS[operator], (path, *map(Literal, values)))


def _joined(nodes: list[Node], operator: str) -> Node | None:
    if not nodes:
        return None
    return nodes[0] if len(nodes) == 1 else Apply(operator.lower(), tuple(nodes))
