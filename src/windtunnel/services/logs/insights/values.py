"""Values in Logs Insights queries: how they compare, and how they are printed."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, cast

import orjson

Value = str | float | bool | dict[str, Any] | list[Any] | None
"""Maps and lists come from jsonParse; for functions over texts and numbers they are as if they weren't there."""
Row = dict[str, Value]

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_CAPS = {"ms": 1000, "s": 60, "m": 60, "h": 24}
"""Of a number before its unit: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html"""
_DURATION = re.compile(r"(\d+)([a-z]+)")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_DECIMALS = 4
_MONTH_MILLISECONDS = 30 * 86_400_000


class Moment(int):
    """Milliseconds since 1970 that are printed as a date."""


class Period(int):
    """A period of time in milliseconds; of calendar units, `months` says how many."""

    months: int = 0


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
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return str(value)


def text_of(value: Value) -> str | None:
    """The text that functions over texts see."""
    return None if isinstance(value, (dict, list)) else printed(value)


def number(value: Value) -> float | None:
    """The number that a value is or spells."""
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str):
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
    first, second = text_of(left), text_of(right)
    if first is None or second is None:
        return None
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return (one > other) - (one < other)
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


def period(duration: str) -> Period:
    """What `5m`, `30seconds` or `1month` lasts."""
    match = _DURATION.fullmatch(duration)
    assert match is not None, f"not a duration: {duration}"
    count, unit = int(match.group(1)), match.group(2)
    short = next(word for word in ("ms", "mo", unit[0]) if unit.startswith(("milli", "ms") if word == "ms" else word))
    count = min(count, _CAPS.get(short, count))
    months = count * _MONTHS.get(short, 0)
    found = Period(months * _MONTH_MILLISECONDS or count * _UNITS[short])
    found.months = months
    return found


def floored(value: Value, step: Value) -> Value:
    """The beginning of the period that a time lies in."""
    found, length = number(value), number(step)
    if found is None or not length:
        return None
    if isinstance(step, Period) and step.months:
        moment = datetime.fromtimestamp(found / 1000, UTC)
        months = (moment.year * 12 + moment.month - 1) // step.months * step.months
        return Moment(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000)
    return Moment(int(found // length * length))


def ceiled(value: Value, step: Value) -> Value:
    """The end of the period that a time lies in; a time that begins one is its own."""
    found, begin, length = number(value), floored(value, step), number(step)
    if found is None or begin is None or length is None or begin == found:
        return begin
    if isinstance(step, Period) and step.months:
        return floored(int(cast("int", begin)) + length + 5 * 86_400_000 * step.months, step)
    return Moment(int(cast("int", begin) + length))


def walked(value: Value, steps: tuple[str | int, ...]) -> Value:
    """What lies in a map or list at the end of a path."""
    found: Any = value
    for step in steps:
        if isinstance(found, dict):
            found = cast("dict[str, Any]", found).get(str(step))
        elif isinstance(found, list) and str(step).isdigit() and int(step) < len(cast("list[Any]", found)):
            found = cast("list[Any]", found)[int(step)]
        else:
            return None
    return cast("Value", found)


def member(row: Row, name: str) -> Value:
    """The field of a name, also where it is a path into the map or list that another field is."""
    if name in row or "." not in name:
        return row.get(name)
    head, *steps = name.split(".")
    for at in range(len(steps)):
        holder = row.get(".".join([head, *steps[:at]]))
        if isinstance(holder, (dict, list)):
            return walked(holder, tuple(steps[at:]))
    return None
