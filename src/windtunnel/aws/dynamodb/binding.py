"""A request's expressions with its names and values put in: every placeholder defined, every one used, operands of types that can be."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from windtunnel.aws.dynamodb import syntax
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.syntax import CONDITION_FUNCTIONS, UPDATE_FUNCTIONS
from windtunnel.aws.dynamodb.tokens import Malformed, TooLong
from windtunnel.aws.dynamodb.trees import Action, Apply, Literal, Node, Parsed, Path, overlap
from windtunnel.aws.dynamodb.values import TYPES, Value, checked, sort_key, type_of
from windtunnel.aws.errors import Fault

_KEY = re.compile(r"[#:][0-9a-zA-Z_]+\Z")
_WORDS: Final = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "NULL": "NULL", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}
_VALID_TYPES: Final = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
KEY_BYTES_MAX = 255
FILTERS: Final = ("Expected", "QueryFilter", "ScanFilter")
VALUED: Final = ("UpdateExpression", "ConditionExpression", "FilterExpression", "KeyConditionExpression")
_READ: Final[Mapping[str, Callable[[str], Parsed]]] = {
    "UpdateExpression": syntax.update,
    "ConditionExpression": syntax.condition,
    "KeyConditionExpression": syntax.condition,
    "FilterExpression": syntax.condition,
    "ProjectionExpression": syntax.projection,
}


class Bound(msgspec.Struct, frozen=True):
    """The expressions of a request."""

    condition: Node | None = None
    key_condition: Node | None = None
    filter: Node | None = None
    actions: tuple[Action, ...] | None = None
    paths: tuple[Path, ...] | None = None


NOTHING: Final = Bound()


def given(request: Mapping[str, Any], expressions: tuple[str, ...], former: tuple[str, ...] = ()) -> list[str]:
    """Which expressions a request has, of those that its operation takes. Refuses what doesn't go together: that is said first of all.

    `former` are the operation's parameters from before there were expressions.
    """
    found = [name for name in expressions if request.get(name) is not None]
    if found:
        _check_mixed(request, found, former)
    elif request.get("ExpressionAttributeNames") is not None:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    if request.get("ConditionalOperator") is not None and "ConditionalOperator" in former:
        conditions = sum(len(request.get(member) or ()) for member in FILTERS)
        if not conditions:
            raise invalid("ConditionalOperator cannot be used without Filter or Expected")
        if conditions == 1:
            raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
    valued = [name for name in expressions if name in VALUED]
    if request.get("ExpressionAttributeValues") is not None and valued and not any(name in valued for name in found):
        said = " and ".join(valued) + (" are null" if len(valued) > 1 else " is null")
        raise invalid(f"ExpressionAttributeValues can only be specified when using expressions: {said}")
    return found


def bind(request: Mapping[str, Any], names: list[str]) -> Bound:
    """The expressions of a request that are `given`, with its names and values in them."""
    if not names:
        return NOTHING
    return _Binder(request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")).bind(request, names)


def _check_mixed(request: Mapping[str, Any], given: list[str], former: tuple[str, ...]) -> None:
    if request.get("KeyConditions") is not None and "KeyConditionExpression" not in given:
        former = tuple(name for name in former if name != "KeyConditions")
    mixed = [name for name in former if request.get(name) is not None]
    if mixed:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(mixed)}}} Expression parameters: {{{', '.join(given)}}}"
        )


class _Binder:
    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, Value] | None) -> None:
        self._names = names or {}
        self._values: dict[str, Value] = {}
        self._check_keys("ExpressionAttributeNames", "#", names)
        self._check_keys("ExpressionAttributeValues", ":", values)
        for name, value in (values or {}).items():
            try:
                self._values[name] = checked(value)
            except Fault as fault:
                raise invalid(f"ExpressionAttributeValues contains invalid value: {fault.message} for key {name}") from None

    @staticmethod
    def _check_keys(parameter: str, sign: str, given: Mapping[str, Any] | None) -> None:
        if given is None:
            return
        if not given:
            raise invalid(f"{parameter} must not be empty")
        for key, value in given.items():
            size = len(key.encode("utf-8", "surrogatepass"))
            if size > KEY_BYTES_MAX:
                told = f" size of key: {size}" if sign == "#" else ""
                raise invalid(f"{parameter} contains invalid key: The expression attribute map contains a key that is too long;{told}")
            if not key.startswith(sign) or not _KEY.match(key):
                raise invalid(f'{parameter} contains invalid key: Syntax error; key: "{key}"')
            if not value and sign == "#":
                raise invalid(f"{parameter} contains invalid value: Empty attribute name for key {key}")

    def bind(self, request: Mapping[str, Any], given: list[str]) -> Bound:
        made: dict[str, Any] = {}
        used_names: set[str] = set()
        used_values: set[str] = set()
        # The order in which what is wrong is said.
        for name, read in _READ.items():
            if name not in given:
                continue
            try:
                parsed = read(request[name])
                made[name] = self._bound(parsed)
            except TooLong as error:
                size = f" expression size: {error.size}" if name in ("ConditionExpression", "FilterExpression") else ""
                raise invalid(f"Invalid {name}: {error}{size}") from None
            except Malformed as error:
                raise invalid(f"Invalid {name}: {error}") from None
            used_names |= parsed.names
            used_values |= parsed.values
        for parameter, defined, used in (
            ("ExpressionAttributeNames", self._names, used_names),
            ("ExpressionAttributeValues", self._values, used_values),
        ):
            if len(used) < len(defined):
                unused = ", ".join(key for key in defined if key not in used)
                raise invalid(f"Value provided in {parameter} unused in expressions: keys: {{{unused}}}")
        return Bound(
            condition=made.get("ConditionExpression"),
            key_condition=made.get("KeyConditionExpression"),
            filter=made.get("FilterExpression"),
            actions=made.get("UpdateExpression"),
            paths=made.get("ProjectionExpression"),
        )

    def _bound(self, parsed: Parsed) -> Node | tuple[Action, ...] | tuple[Path, ...]:
        if parsed.condition is not None:
            return self._condition(parsed.condition)
        if parsed.actions:
            return self._actions(parsed)
        paths = tuple(self._path(path) for path in parsed.paths)
        if wrong := overlap(paths):
            raise Malformed(wrong)
        return paths

    # ------------------------------------------------------------ operands

    def _path(self, path: Path) -> Path:
        if not any(isinstance(part, str) and part[0] == "#" for part in path.parts):
            return path
        return Path(tuple(self._name(part) if isinstance(part, str) and part[0] == "#" else part for part in path.parts))

    def _name(self, placeholder: str) -> str:
        name = self._names.get(placeholder)
        if name is None:
            raise Malformed(f"An expression attribute name used in the document path is not defined; attribute name: {placeholder}")
        return name

    def _operand(self, node: Node) -> Node:
        if isinstance(node, Path):
            return self._path(node)
        if isinstance(node, Apply):
            return Apply(node.name, tuple(self._operand(argument) for argument in node.args), node.function)
        if isinstance(node, Literal):
            return node
        value = self._values.get(node.name)
        if value is None:
            raise Malformed(f"An expression attribute value used in expression is not defined; attribute value: {node.name}")
        return Literal(value)

    # ------------------------------------------------------------ conditions

    def _condition(self, node: Node) -> Node:
        if isinstance(node, Apply) and node.name in ("and", "or", "not"):
            return Apply(node.name, tuple(self._condition(argument) for argument in node.args))
        bound = self._operand(node)
        assert isinstance(bound, Apply), "a condition is an operator or a function"
        _check_counts(bound, CONDITION_FUNCTIONS)
        for check in (_check_distinct, _check_condition):
            for argument in bound.args:
                if isinstance(argument, Apply):
                    check(argument)
            check(bound)
        return bound

    # ------------------------------------------------------------ updates

    def _actions(self, parsed: Parsed) -> tuple[Action, ...]:
        for name in parsed.names:
            self._name(name)
        bound = tuple(
            Action(action.section, self._path(action.path), None if action.value is None else self._operand(action.value))
            for action in parsed.actions
        )
        if wrong := overlap(action.path for action in bound):
            raise Malformed(wrong)
        for action in bound:
            if action.section in ("ADD", "DELETE"):
                _check_set_operand(action)
        for action in bound:
            if isinstance(action.value, Apply):
                _check_counts(action.value, UPDATE_FUNCTIONS)
                _check_update(action.value)
        return bound


def _immediate(node: Node) -> str:
    """The type of a value that stands in the request; "" of anything else."""
    return type_of(node.value) if isinstance(node, Literal) else ""


def _type(node: Node) -> str:
    """The type of an operand as far as it is known before there is an item."""
    return "N" if isinstance(node, Apply) and node.name == "size" else _immediate(node)


def _check_counts(node: Apply, functions: Mapping[str, int]) -> None:
    for argument in node.args:
        if isinstance(argument, Apply):
            _check_counts(argument, functions)
    if node.function and functions.get(node.name) != len(node.args):
        raise Malformed(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {node.name}, number of operands: {len(node.args)}"
        )


def _check_distinct(node: Apply) -> None:
    first = node.args[0]
    if len(node.args) == 2 and isinstance(first, Path) and first == node.args[1]:
        raise Malformed(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {node.name}, first operand: {first}"
        )


def _wrong_operand(name: str, kind: str) -> Malformed:
    return Malformed(f"Incorrect operand type for operator or function; operator or function: {name}, operand type: {kind}")


def _check_condition(node: Apply) -> None:
    name, args = node.name, node.args
    match name:
        case "attribute_exists" | "attribute_not_exists":
            if not isinstance(args[0], Path):
                raise Malformed(f"Operator or function requires a document path; operator or function: {name}")
        case "begins_with":
            for argument in args:
                if (kind := _type(argument)) and kind not in ("S", "B"):
                    raise _wrong_operand(name, kind)
        case "attribute_type":
            kind = _type(args[1])
            if kind != "S" or not isinstance(args[1], Literal):
                raise _wrong_operand(name, kind or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
            if args[1].value["S"] not in TYPES:
                raise Malformed(f"Invalid attribute type name found; type: {args[1].value['S']}, valid types: {_VALID_TYPES}")
        case "size":
            if (kind := _type(args[0])) in ("N", "BOOL", "NULL"):
                raise _wrong_operand(name, kind)
        case "between":
            _check_between(args[1], args[2])
        case "<" | "<=" | ">" | ">=":
            for argument in args:
                if (kind := _immediate(argument)) and kind not in ("S", "N", "B"):
                    raise Malformed(f"Incorrect operand type for operator or function; operator: {name}, operand type: {kind}")
        case _:
            pass


def _check_between(low: Node, high: Node) -> None:
    if not (isinstance(low, Literal) and isinstance(high, Literal)):
        return
    bounds = f"lower bound operand: AttributeValue: {_printed(low.value)}, upper bound operand: AttributeValue: {_printed(high.value)}"
    one, other = type_of(low.value), type_of(high.value)
    if one != other:
        raise Malformed(f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}")
    if one in ("S", "N", "B") and sort_key(low.value) > sort_key(high.value):
        raise Malformed(f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {bounds}")


def _printed(value: Value) -> str:
    kind, content = next(iter(value.items()))
    return f"{{{kind}:{b64encode(content).decode() if kind == 'B' else content}}}"


def _check_set_operand(action: Action) -> None:
    assert action.value is not None, "ADD and DELETE have a value"
    kind = _immediate(action.value)
    if kind in _WORDS and not (action.section == "ADD" and kind == "N"):
        raise Malformed(
            f"Incorrect operand type for operator or function; operator: {action.section}, operand type: {_WORDS[kind]}, "
            f"typeSet: ALLOWED_FOR_{action.section}_OPERAND"
        )


def _check_update(node: Apply) -> None:
    for argument in node.args:
        if isinstance(argument, Apply):
            _check_update(argument)
    if node.name == "if_not_exists" and not isinstance(node.args[0], Path):
        raise Malformed(f"Operator or function requires a document path; operator or function: {node.name}")
    wanted = {"list_append": "L", "+": "N", "-": "N"}.get(node.name)
    for argument in node.args if wanted else ():
        if (kind := _immediate(argument)) and kind != wanted:
            raise _wrong_operand(node.name, kind)
