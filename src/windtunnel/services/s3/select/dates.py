"""The dates of S3 Select's SQL: timestamps as Amazon Ion writes them, their parts, and how they are printed.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

SECONDS: Mapping[str, int] = {"DAY": 86_400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}
MONTHS: Mapping[str, int] = {"YEAR": 12, "MONTH": 1}
PARTS = (*MONTHS, *SECONDS)
EXTRACTED = (*PARTS, "TIMEZONE_HOUR", "TIMEZONE_MINUTE")
_SHORT = re.compile(r"(\d{4})(?:-(\d\d))?T")
"""A year or a month alone."""
_SYMBOL = re.compile(r"'([^']*)'|y+|M+|d+|a|h+|H+|m+|s+|S+|n|X+|x+|.", re.DOTALL)


def moment_of(text: str) -> datetime:
    """A timestamp: a year (`2017T`), a month, a day, or more; without an offset it is UTC. Raises ValueError."""
    short = _SHORT.fullmatch(text)
    moment = datetime(int(short[1]), int(short[2] or 1), 1, tzinfo=UTC) if short else datetime.fromisoformat(text.removesuffix("T"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def moved(part: str, quantity: int, moment: datetime) -> datetime:
    """A moment so many years, months, … later. A day that the month doesn't have becomes its last. Raises OverflowError and ValueError."""
    if part in SECONDS:
        return moment + timedelta(seconds=quantity * SECONDS[part])
    month = moment.month - 1 + quantity * MONTHS[part]
    year, month = moment.year + month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def difference(part: str, first: datetime, second: datetime) -> int:
    """How many whole years, months, … lie between two moments; less than none where the second comes first."""
    if second < first:
        return -difference(part, second, first)
    if part in SECONDS:
        return int((second - first).total_seconds()) // SECONDS[part]
    second = second.astimezone(first.tzinfo)
    months = (second.year - first.year) * 12 + second.month - first.month
    return (months - (moved("MONTH", months, first) > second)) // MONTHS[part]


def extracted(part: str, moment: datetime) -> int:
    if part.startswith("TIMEZONE_"):
        return _offset(moment)[0 if part == "TIMEZONE_HOUR" else 1]
    return getattr(moment, part.lower())


def _offset(moment: datetime) -> tuple[int, int]:
    """Hours and minutes, both with the offset's sign."""
    offset = moment.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = -1 if minutes < 0 else 1
    return sign * (abs(minutes) // 60), sign * (abs(minutes) % 60)


def written(moment: datetime, pattern: str) -> str:
    """A moment by a pattern, as TO_STRING has it."""
    return "".join(_written(moment, match[0], match[1]) for match in _SYMBOL.finditer(pattern))


def _written(moment: datetime, symbol: str, literal: str | None) -> str:
    if literal is not None:
        return literal
    write = _WRITERS.get(symbol)
    if write is not None:
        return write(moment)
    letter, width = symbol[0], len(symbol)
    if letter == "S":
        return f"{moment.microsecond:06d}".ljust(width, "0")[:width]
    if letter in "Xx" and width <= 5:
        hours, minutes = _offset(moment)
        if letter == "X" and not hours and not minutes:
            return "Z"
        sign = "-" if hours < 0 or minutes < 0 else "+"
        if width == 1:
            return f"{sign}{abs(hours):02d}" + (f"{abs(minutes):02d}" if minutes else "")
        return f"{sign}{abs(hours):02d}{':' if width in (3, 5) else ''}{abs(minutes):02d}"
    if symbol.isalpha():
        raise ValueError(symbol)
    return symbol


def _twelve(moment: datetime) -> int:
    return moment.hour % 12 or 12


_WRITERS: Mapping[str, Callable[[datetime], str]] = {
    "yy": lambda moment: f"{moment.year % 100:02d}",
    "y": lambda moment: str(moment.year),
    "yyyy": lambda moment: f"{moment.year:04d}",
    "M": lambda moment: str(moment.month),
    "MM": lambda moment: f"{moment.month:02d}",
    "MMM": lambda moment: calendar.month_abbr[moment.month],
    "MMMM": lambda moment: calendar.month_name[moment.month],
    "MMMMM": lambda moment: calendar.month_name[moment.month][0],
    "d": lambda moment: str(moment.day),
    "dd": lambda moment: f"{moment.day:02d}",
    "a": lambda moment: "AM" if moment.hour < 12 else "PM",
    "h": lambda moment: str(_twelve(moment)),
    "hh": lambda moment: f"{_twelve(moment):02d}",
    "H": lambda moment: str(moment.hour),
    "HH": lambda moment: f"{moment.hour:02d}",
    "m": lambda moment: str(moment.minute),
    "mm": lambda moment: f"{moment.minute:02d}",
    "s": lambda moment: str(moment.second),
    "ss": lambda moment: f"{moment.second:02d}",
    "n": lambda moment: str(moment.microsecond * 1000),
}
