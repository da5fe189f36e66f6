"""Schedule expressions: `rate(…)`, `cron(…)` and `at(…)`, each as a function from one moment to the next one after it.

Nothing here knows what time it is: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html give the rules.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from math import floor
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

Dialect = Literal["events", "scheduler"]

_RATE = re.compile(r"rate\((\d+) ([A-Za-z]+)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_AT = re.compile(r"at\((\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\)")
_ITEM = re.compile(r"(\*|[0-9A-Z]+)(?:-([0-9A-Z]+))?(?:/(\d+))?")

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_SATURDAY = 7
_YEAR_MIN, _YEAR_MAX = 1970, 2199

_DaysOf = Callable[[int, int], set[int]]  # the days of a month (year, month) on which a schedule runs


class Schedule(Struct, frozen=True):
    """A parsed expression."""

    text: str
    kind: Literal["rate", "cron", "at"]
    find: Callable[[float, tzinfo, float | None], float | None]

    def next(self, after: float, timezone: str = "UTC", *, start: float | None = None) -> float | None:
        """The first moment later than `after`, in epoch seconds; None when there is none any more.

        A rate counts from `start`, or from `after` when there is no start. A time zone concerns `cron` and `at` only; in it,
        times that a change of the clocks leaves out are left out, and times that occur twice are run once:
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
        """
        return self.find(after, zone(timezone), start)


@lru_cache(maxsize=1024)
def parse(text: str, dialect: Dialect = "events") -> Schedule:
    """The schedule; ValueError with the message of EventBridge's rules, or of EventBridge Scheduler.

    Rules know no `at(…)` and want `1 minute` but `2 minutes`; Scheduler takes both spellings.
    """
    refusal = "Parameter ScheduleExpression is not valid." if dialect == "events" else f"Invalid Schedule Expression {text}."
    try:
        if (rate := _RATE.fullmatch(text)) is not None:
            seconds = _rate_seconds(int(rate.group(1)), rate.group(2), dialect)
            return Schedule(text, "rate", lambda after, _, start: _next_of_rate(seconds, after, start))
        if (cron := _CRON.fullmatch(text)) is not None:
            return Schedule(text, "cron", _compile_cron(cron.groups()))
        if (at := _AT.fullmatch(text)) is not None and dialect == "scheduler":
            year, month, day, hour, minute, second = map(int, at.groups())
            datetime(year, month, day, hour, minute, second, tzinfo=UTC)  # refuses what is no date
            return Schedule(text, "at", _at(year, month, day, hour, minute, second))
    except ValueError as error:
        raise ValueError(refusal) from error
    raise ValueError(refusal)


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The time zone of that IANA name; ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("The provided value for ScheduleExpressionTimezone is not valid.") from error


def _rate_seconds(count: int, unit: str, dialect: Dialect) -> int:
    if dialect == "scheduler":
        unit = unit.lower()
    singular = unit.removesuffix("s")
    if count < 1 or singular not in _UNITS or (dialect == "events" and (unit == singular) is not (count == 1)):
        raise ValueError(unit)
    return count * _UNITS[singular]


def _next_of_rate(seconds: int, after: float, start: float | None) -> float:
    if start is None:
        return after + seconds
    if after < start:
        return start
    return start + (floor((after - start) / seconds) + 1) * seconds


def _at(year: int, month: int, day: int, hour: int, minute: int, second: int) -> Callable[[float, tzinfo, float | None], float | None]:
    def find(after: float, where: tzinfo, _: float | None) -> float | None:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=where).timestamp()
        return moment if moment > after else None

    return find


def _compile_cron(fields: tuple[str, ...]) -> Callable[[float, tzinfo, float | None], float | None]:
    minutes = sorted(_values(fields[0], 0, 59))
    hours = sorted(_values(fields[1], 0, 23))
    months = sorted(_values(fields[3], 1, 12, _MONTHS))
    years = _values(fields[5], _YEAR_MIN, _YEAR_MAX)
    days_of = _compile_days(fields[2].upper(), fields[4].upper())

    def find(after: float, where: tzinfo, _: float | None) -> float | None:
        local = datetime.fromtimestamp(floor(after / 60) * 60, where)
        for year, month, day in _days_from(local.date(), years, months, days_of):
            for hour in hours:
                for minute in minutes:
                    if (year, month, day, hour, minute) < (local.year, local.month, local.day, local.hour, local.minute):
                        continue
                    moment = _moment(datetime(year, month, day, hour, minute, tzinfo=where))
                    if moment is not None and moment > after:
                        return moment
        return None

    return find


def _moment(local: datetime) -> float | None:
    """The epoch second of a wall clock's time, the first of two; None when the clocks skip it."""
    moment = local.timestamp()
    back = datetime.fromtimestamp(moment, local.tzinfo)
    return moment if (back.day, back.hour, back.minute) == (local.day, local.hour, local.minute) else None


def _days_from(first: date, years: set[int], months: list[int], days_of: _DaysOf) -> Iterator[tuple[int, int, int]]:
    for year in range(first.year, _YEAR_MAX + 1):
        if year not in years:
            continue
        for month in months:
            if (year, month) < (first.year, first.month):
                continue
            for day in sorted(days_of(year, month)):
                if (year, month, day) >= (first.year, first.month, first.day):
                    yield year, month, day


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The values of `*`, `1`, `1-5`, `0/15`, `*/15`, `1-31/2` and lists of them; a range may run over its end."""
    found: set[int] = set()
    for item in field.upper().split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(item)
        first, last, step = match.groups()
        if first == "*":
            if last is not None:
                raise ValueError(item)
            start, end = low, high
        else:
            start = _number(first, low, high, names)
            end = _number(last, low, high, names) if last else (high if step else start)
        if step is not None and int(step) < 1:
            raise ValueError(item)
        run = range(start, end + 1) if start <= end else (*range(start, high + 1), *range(low, end + 1))
        found.update(run[:: int(step or 1)])
    return found


def _number(text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    number = names[text] if names and text in names else int(text)
    if not low <= number <= high:
        raise ValueError(text)
    return number


def _compile_days(of_month: str, of_week: str) -> _DaysOf:
    """One of the two fields must be `?`, and the other says on which days."""
    if (of_month == "?") is (of_week == "?"):
        raise ValueError(of_month)
    return _compile_days_of_week(of_week) if of_month == "?" else _compile_days_of_month(of_month)


def _compile_days_of_month(field: str) -> _DaysOf:
    if field == "L":
        return lambda year, month: {monthrange(year, month)[1]}
    if field in ("LW", "WL"):
        return lambda year, month: {_nearest_weekday(year, month, monthrange(year, month)[1])}
    if field.endswith("W"):
        wanted = _number(field[:-1], 1, 31, None)
        return lambda year, month: {_nearest_weekday(year, month, wanted)} if wanted <= monthrange(year, month)[1] else set()
    days = _values(field, 1, 31)
    return lambda year, month: {day for day in days if day <= monthrange(year, month)[1]}


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """That day, or the nearest from Monday to Friday in the same month."""
    last = monthrange(year, month)[1]
    weekday = date(year, month, day).isoweekday()
    if weekday == 6:  # Saturday
        return day - 1 if day > 1 else day + 2
    if weekday == 7:  # Sunday
        return day + 1 if day < last else day - 2
    return day


def _compile_days_of_week(field: str) -> _DaysOf:
    if "#" in field:
        name, _, count = field.partition("#")
        weekday, nth = _number(name, 1, 7, _DAYS), _number(count, 1, 5, None)
        return lambda year, month: set(_on_weekdays(year, month, {weekday})[nth - 1 : nth])
    if field.endswith("L"):
        weekday = _number(field[:-1], 1, 7, _DAYS) if field != "L" else _SATURDAY
        return lambda year, month: set(_on_weekdays(year, month, {weekday})[-1:])
    weekdays = _values(field, 1, 7, _DAYS)
    return lambda year, month: set(_on_weekdays(year, month, weekdays))


def _on_weekdays(year: int, month: int, weekdays: set[int]) -> list[int]:
    """The days of the month that fall on these days of the week, of which 1 is Sunday."""
    return [day for day in range(1, monthrange(year, month)[1] + 1) if date(year, month, day).isoweekday() % 7 + 1 in weekdays]
