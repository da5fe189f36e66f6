"""Values in Logs Insights queries: how they compare, how they are printed, and the functions over them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import cast

Value = str | float | bool | None
Row = dict[str, Value]

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"(\d+)([a-z]+)")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_DECIMALS = 4


class Moment(int):
    """Milliseconds since 1970 that are printed as a date."""


def iso(moment: int) -> str:
    """A time in milliseconds as `2026-01-01T00:00:00.000Z`."""
    return f"{datetime.fromtimestamp(moment // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}Z"


def printed(value: Value) -> str | None:
    """A value as results show it; None where there is none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Moment):
        whole = datetime.fromtimestamp(value // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        return f"{whole}.{value % 1000:03d}"
    if isinstance(value, float):
        return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") if math.isfinite(value) else None
    return str(value)


def number(value: Value) -> float | None:
    """The number that a value is or spells."""
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def truth(value: Value) -> bool:
    return value not in (None, False, 0, "", "false")


def compared(left: Value, right: Value) -> int | None:
    """-1, 0 or 1, by number where both are numbers, else as texts; None where one isn't there."""
    if left is None or right is None:
        return None
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return (one > other) - (one < other)
    first, second = printed(left) or "", printed(right) or ""
    return (first > second) - (first < second)


def sort_key(value: Value) -> tuple[int, float, tuple[tuple[str, int, str], ...]]:
    """Absent values first, then texts by their runs of digits and other characters, then numbers.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
    """
    if value is None:
        return (0, 0, ())
    found = number(value)
    if found is not None:
        return (2, found, ())
    # A run of digits stands where the digit 0 does among other characters, and is greater the longer it is.
    return (1, 0, tuple(("0", len(run), run) if run.isdigit() else (run, 0, "") for run in _RUNS.findall(str(value))))


def milliseconds(duration: str) -> int:
    """What `5m` or `30seconds` lasts."""
    match = _DURATION.fullmatch(duration)
    assert match is not None, f"not a duration: {duration}"
    unit = match.group(2)
    short = "ms" if unit.startswith(("ms", "milli")) else unit[0]
    return int(match.group(1)) * _UNITS[short]


def floored(value: Value, step: int) -> Value:
    found = number(value)
    return None if found is None else Moment(int(found) // step * step)


def _text(value: Value) -> str:
    return printed(value) or ""


def _numeric(function: Callable[[float], float]) -> Callable[[Sequence[Value]], Value]:
    def call(values: Sequence[Value]) -> Value:
        found = number(values[0])
        if found is None:
            return None
        try:
            return function(found)
        except ValueError:
            return None  # the root of a negative number, the logarithm of nothing

    return call


def _extreme(pick: Callable[[list[float]], float]) -> Callable[[Sequence[Value]], Value]:
    def call(values: Sequence[Value]) -> Value:
        found = [each for value in values if (each := number(value)) is not None]
        return pick(found) if found else None

    return call


def _cut(values: Sequence[Value]) -> Value:
    start = int(number(values[1]) or 0)
    length = int(number(values[2]) or 0) if len(values) > 2 else None
    return _text(values[0])[start : None if length is None else start + length]


def _trimmed(strip: Callable[[str, str | None], str]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: strip(_text(values[0]), _text(values[1]) if len(values) > 1 else None)


def _is_ip(version: int | None) -> Callable[[Sequence[Value]], Value]:
    def call(values: Sequence[Value]) -> Value:
        try:
            found = ip_address(_text(values[0])).version
        except ValueError:
            return False
        return version in (None, found)

    return call


def _ceiling(values: Sequence[Value]) -> Value:
    found, step = number(values[0]), int(cast("float", values[1]))
    return None if found is None else Moment(-(-int(found) // step) * step)


FUNCTIONS: Mapping[str, tuple[Callable[[Sequence[Value]], Value], int, int]] = {
    "abs": (_numeric(abs), 1, 1),
    "ceil": (_numeric(math.ceil), 1, 1),
    "floor": (_numeric(math.floor), 1, 1),
    "log": (_numeric(math.log), 1, 1),
    "sqrt": (_numeric(math.sqrt), 1, 1),
    "greatest": (_extreme(max), 1, 99),
    "least": (_extreme(min), 1, 99),
    "ispresent": (lambda values: values[0] is not None, 1, 1),
    "coalesce": (lambda values: next((value for value in values if value is not None), None), 1, 99),
    "isempty": (lambda values: values[0] is None or _text(values[0]) == "", 1, 1),
    "isblank": (lambda values: values[0] is None or not _text(values[0]).strip(), 1, 1),
    "concat": (lambda values: "".join(_text(value) for value in values), 1, 99),
    "trim": (_trimmed(str.strip), 1, 2),
    "ltrim": (_trimmed(str.lstrip), 1, 2),
    "rtrim": (_trimmed(str.rstrip), 1, 2),
    "strlen": (lambda values: len(_text(values[0])), 1, 1),
    "toupper": (lambda values: _text(values[0]).upper(), 1, 1),
    "tolower": (lambda values: _text(values[0]).lower(), 1, 1),
    "substr": (_cut, 2, 3),
    "replace": (lambda values: _text(values[0]).replace(_text(values[1]), _text(values[2])), 3, 3),
    "strcontains": (lambda values: int(_text(values[1]) in _text(values[0])), 2, 2),
    "bin": (lambda values: floored(values[0], int(cast("float", values[1]))), 2, 2),
    "datefloor": (lambda values: floored(values[0], int(cast("float", values[1]))), 2, 2),
    "dateceil": (_ceiling, 2, 2),
    "frommillis": (lambda values: None if (found := number(values[0])) is None else Moment(int(found)), 1, 1),
    "tomillis": (lambda values: None if (found := number(values[0])) is None else int(found), 1, 1),
    "isvalidip": (_is_ip(None), 1, 1),
    "isvalidipv4": (_is_ip(4), 1, 1),
    "isvalidipv6": (_is_ip(6), 1, 1),
}
"""By lower-cased name: the function over its arguments' values, and how many it takes, at least and at most.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html"""
