"""What the parts of an expression come to: AND, OR and NOT, and functions of one value or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.s3.select.dates import difference, extracted, moved
from windtunnel.services.s3.select.values import MISSING, cast, truth

Value = Callable[[Any], Any]
"""Gives its value for a record."""


def binary(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    return lambda record: function(left(record), right(record))


def both(left: Value, right: Value) -> Value:
    return lambda record: truth(left(record)) and truth(right(record))


def either(left: Value, right: Value) -> Value:
    return lambda record: truth(left(record)) or truth(right(record))


def negation(value: Value) -> Value:
    def negated(record: Any) -> Any:
        found = value(record)
        return None if found is None or found is MISSING else not truth(found)

    return negated


def dated(name: str, part: str, first: Value, second: Value = lambda record: None) -> Value:
    def value(record: Any) -> Any:
        one = cast(first(record), "INT" if name == "DATE_ADD" else "TIMESTAMP")
        if name == "EXTRACT":
            return None if one is None else extracted(part, one)
        other = cast(second(record), "TIMESTAMP")
        if one is None or other is None:
            return None
        try:
            return moved(part, one, other) if name == "DATE_ADD" else difference(part, one, other)
        except (OverflowError, ValueError):
            raise Fault("EvaluatorTimestampFieldOutOfRange", "A date part is beyond all dates in the SQL expression.") from None

    return value
