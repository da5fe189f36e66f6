"""The values of S3 Select's SQL: fields of records, comparisons, arithmetic, functions.

Fields of CSV files are text: beside a number they count as one if they read like one, as S3 has it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from typing import cast as typed

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.s3.select.dates import moment_of, written


class Missing:
    """The value of a field that a record doesn't have."""


MISSING = Missing()
ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
Number = int | float
_POSITION = re.compile(r"_(\d+)")
_INTEGER = re.compile(r"\s*[-+]?\d+\s*")


def field(record: Any, name: str, *, quoted: bool) -> Any:
    """A record's field by its name, in whatever case unless it was quoted, or by its place, as `_1`."""
    if not isinstance(record, dict):
        return MISSING
    fields = typed("dict[str, Any]", record)
    if name in fields:
        return fields[name]
    position = _POSITION.fullmatch(name)
    if position is not None:
        values = list(fields.values())
        return values[int(position[1]) - 1] if 0 < int(position[1]) <= len(values) else MISSING
    if quoted:
        return MISSING
    return next((value for key, value in fields.items() if key.lower() == name.lower()), MISSING)


def item(record: Any, number: int) -> Any:
    """A list's item."""
    items = typed("list[Any]", record) if isinstance(record, list) else []
    return items[number] if number < len(items) else MISSING


def truth(value: Any) -> bool:
    return value is True


def _number(value: Any) -> Number | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            return int(value) if _INTEGER.fullmatch(value) else float(value)
        except ValueError:
            return None
    return None


def compare(sign: str, left: Any, right: Any) -> bool | None:
    """None where either is null or missing; a number and a text that reads like one are compared as numbers."""
    if left is None or right is None or left is MISSING or right is MISSING:
        return None
    if isinstance(left, int | float) != isinstance(right, int | float):
        left, right = _number(left), _number(right)
        if left is None or right is None:
            return sign in ("!=", "<>")
    if sign == "=":
        return left == right
    if sign in ("!=", "<>"):
        return left != right
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if not numbers and (type(left) is not type(right) or not isinstance(left, str | datetime)):
        return None
    return ORDERS[sign](left, right)


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    if left is None or right is None or left is MISSING or right is MISSING:
        return None
    if sign == "||":
        return f"{printed(left)}{printed(right)}"
    one, other = _number(left), _number(right)
    if one is None or other is None:
        raise Fault("EvaluatorInvalidArguments", "The arguments of an arithmetic operation have to be numbers.")
    if sign in ("/", "%") and not other:
        raise Fault("EvaluatorInvalidArguments", "Cannot divide by zero.")
    match sign:
        case "+":
            return one + other
        case "-":
            return one - other
        case "*":
            return one * other
        case "/":
            whole = isinstance(one, int) and isinstance(other, int)
            return math.trunc(one / other) if whole else one / other
        case _:
            return math.fmod(one, other) if isinstance(one, float) or isinstance(other, float) else int(math.fmod(one, other))


@lru_cache(256)
def _pattern(text: str, escape: str) -> re.Pattern[str]:
    made, letters = "", iter(text)
    for letter in letters:
        if escape and letter == escape:
            made += re.escape(next(letters, ""))
        else:
            made += {"%": ".*", "_": "."}.get(letter) or re.escape(letter)
    return re.compile(made, re.DOTALL)


def like(value: Any, pattern: Any, escape: Any) -> bool | None:
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    return _pattern(pattern, str(escape)).fullmatch(value) is not None


def cast(value: Any, kind: str) -> Any:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-conversion.html"""
    if value is None or value is MISSING:
        return None
    try:
        match kind:
            case "INT" | "INTEGER":
                return math.trunc(float(value)) if not isinstance(value, str) or not _INTEGER.fullmatch(value) else int(value)
            case "FLOAT" | "DECIMAL" | "NUMERIC":
                return float(value)
            case "STRING":
                return printed(value)
            case "BOOL" | "BOOLEAN":
                return {"true": True, "false": False}[str(value).lower()]
            case "TIMESTAMP":
                return value if isinstance(value, datetime) else moment_of(str(value))
            case _:
                raise Fault("ParseUnexpectedToken", "The SQL expression contains an unexpected token.")
    except (ValueError, KeyError, OverflowError, TypeError):
        raise Fault("CastFailed", "Attempt to convert from one data type to another using CAST failed in the SQL expression.") from None


def printed(value: Any) -> str:
    """A value as CSV has it."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


class Function(msgspec.Struct, frozen=True):
    """A function of the language, and how many arguments it takes."""

    call: Callable[..., Any]
    least: int = 1
    most: int = 1


def _of_text(function: Callable[[str], Any]) -> Function:
    def called(value: Any) -> Any:
        return None if value is None or value is MISSING else function(printed(value))

    return Function(called)


def _nullif(one: Any, other: Any) -> Any:
    return None if compare("=", one, other) else one


def _substring(value: Any, start: Any, length: Any = None) -> Any:
    if value is None or value is MISSING:
        return None
    begin, count = cast(start, "INT"), cast(length, "INT")
    if begin is None:
        return None
    begin -= 1
    end = None if count is None else begin + count
    return printed(value)[max(begin, 0) : None if end is None else max(end, 0)]


def _to_timestamp(value: Any) -> Any:
    return cast(value, "TIMESTAMP")


def _to_string(value: Any, pattern: Any) -> str | None:
    moment = cast(value, "TIMESTAMP")
    try:
        return None if moment is None or not isinstance(pattern, str) else written(moment, pattern)
    except ValueError:
        raise Fault("InvalidTimestampFormatPattern", "Timestamp format pattern is not valid in the SQL expression.") from None


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None and value is not MISSING), None)


FUNCTIONS: Mapping[str, Function] = {
    "LOWER": _of_text(str.lower),
    "UPPER": _of_text(str.upper),
    "TRIM": _of_text(str.strip),
    "CHAR_LENGTH": _of_text(len),
    "CHARACTER_LENGTH": _of_text(len),
    "SUBSTRING": Function(_substring, 2, 3),
    "COALESCE": Function(_coalesce, 1, 100),
    "NULLIF": Function(_nullif, 2, 2),
    "TO_TIMESTAMP": Function(_to_timestamp),
    "TO_STRING": Function(_to_string, 2, 2),
}


AGGREGATES = ("COUNT", "SUM", "AVG", "MIN", "MAX")


class Running:
    """What an aggregate has seen so far, nulls left out."""

    def __init__(self) -> None:
        self._count = 0
        self._total: Number = 0
        self._least: Number | None = None
        self._most: Number | None = None

    def take(self, value: Any, *, counted: bool) -> None:
        self._count += 1
        if counted:
            return
        number = _number(value)
        if number is None:
            raise Fault("EvaluatorInvalidArguments", "The argument of an aggregate function has to be a number.")
        self._total += number
        self._least = number if self._least is None else min(self._least, number)
        self._most = number if self._most is None else max(self._most, number)

    def result(self, name: str) -> Number | None:
        if name == "COUNT":
            return self._count
        if not self._count:
            return None
        return {"SUM": self._total, "AVG": self._total / self._count, "MIN": self._least, "MAX": self._most}[name]
