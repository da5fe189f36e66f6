"""Dates in the forms of Java's DateTimeFormatter, for the datetimeConverter processor and for queries' parseDate.

https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NAMES = {
    "en": (
        "January February March April May June July August September October November December",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    ),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "lunes martes miércoles jueves viernes sábado domingo",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    ),
    "pt": (
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    ),
}
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)
_SHORT = 3


class UnknownLocale(ValueError):
    """A locale whose names of months and days are not here."""


def language(locale: str) -> str:
    """The language of a locale; texts without one are English."""
    found = re.split(r"[-_]", locale)[0].lower() if locale and locale != "locale.ROOT" else "en"
    if found not in _NAMES:
        raise UnknownLocale(locale)
    return found


def zone(name: str) -> tzinfo:
    """A time zone by its name or offset; ValueError for what is none."""
    offset = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?", name)
    if offset is not None:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    if name in ("UTC", "Z", "GMT"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown time zone {name}") from error


def parse_date(text: str, pattern: str, where: tzinfo, locale: str = "") -> datetime | None:
    """The moment that a text spells; None where it doesn't fit the pattern."""
    match = _parser(pattern, language(locale)).fullmatch(text)
    if match is None:
        return None
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    months, _ = _names(language(locale))
    hour = int(found.get("H", 0))
    if "h" in found:
        hour = int(found["h"]) % 12 + (12 if found.get("a", "").upper() == "PM" else 0)
    month = int(found["M"]) if "M" in found else next((n for n, name in months if name.lower() == found.get("L", "").lower()), 1)
    year = int(found.get("y", 1970))
    offset = found.get("X") or found.get("z")
    try:
        return datetime(
            year + 2000 if len(found.get("y", "")) == 2 else year,
            month,
            int(found.get("d", 1)),
            hour,
            int(found.get("m", 0)),
            int(found.get("s", 0)),
            int(found.get("S", "0")[:6].ljust(6, "0")),
            zone(offset) if offset else where,
        )
    except ValueError:
        return None


def format_date(moment: datetime, pattern: str, locale: str = "") -> str:
    """A moment as a pattern writes it."""
    months, days = ({n: name for n, name in names if len(name) > _SHORT or n == 5} for names in _names(language(locale)))
    parts: list[str] = []
    for match in _TOKEN.finditer(pattern):
        token = match.group()
        letter, width = match.group(2), len(token)
        if letter is None:
            parts.append((match.group(1) or "'").replace("''", "'") if match.group(1) is not None else token)
        elif letter == "M" and width >= _SHORT:
            parts.append(months[moment.month][: _SHORT if width == _SHORT else None])
        elif letter == "E":
            parts.append(days[moment.weekday() + 1][: None if width > _SHORT else _SHORT])
        else:
            parts.append(_written(moment, letter, width))
    return "".join(parts)


def _written(moment: datetime, letter: str, width: int) -> str:
    if letter == "S":
        return f"{moment.microsecond:06d}"[:width].ljust(width, "0")
    if letter in "XZxz":
        offset = moment.strftime("%z")
        if letter == "z":
            return moment.tzname() or offset
        if letter == "X" and offset == "+0000":
            return "Z"
        return f"{offset[:3]}:{offset[3:]}" if width >= _SHORT and letter != "Z" else offset
    if letter == "V":
        return str(moment.tzinfo)
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    numbers = {
        "y": moment.year % 100 if width == 2 else moment.year,
        "u": moment.year % 100 if width == 2 else moment.year,
        "M": moment.month,
        "d": moment.day,
        "D": moment.timetuple().tm_yday,
        "H": moment.hour,
        "h": moment.hour % 12 or 12,
        "m": moment.minute,
        "s": moment.second,
    }
    if letter not in numbers:
        raise ValueError(f"unknown letter {letter} in a date pattern")
    return f"{numbers[letter]:0{width}d}"


@lru_cache(maxsize=32)
def _names(lang: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Months and days by their numbers, in full and in three letters."""
    whole = [list(enumerate(names.split(), 1)) for names in _NAMES[lang]]
    months, days = ([*names, *((n, name[:_SHORT]) for n, name in names)] for names in whole)
    return months, days


@lru_cache(maxsize=256)
def _parser(pattern: str, lang: str) -> re.Pattern[str]:
    months, days = ("|".join(re.escape(name) for _, name in names) for names in _names(lang))
    parts: list[str] = []
    for match in _TOKEN.finditer(pattern):
        token, letter = match.group(), match.group(2)
        width = len(token)
        if letter is None:
            parts.append(re.escape(match.group(1).replace("''", "'") or "'" if match.group(1) is not None else token))
            continue
        digits = rf"\d{{{width}}}" if width > 1 else r"\d{1,2}"
        expressions = {
            "y": f"(?P<y>{digits})" if width > 1 else r"(?P<y>\d{4})",
            "M": f"(?P<L>{months})" if width >= _SHORT else f"(?P<M>{digits})",
            "E": f"(?:{days})",
            "S": r"(?P<S>\d+)",
            "a": "(?P<a>[AaPp][Mm])",
            "X": r"(?P<X>Z|[+-]\d{2}:?(?:\d{2})?)",
            "z": r"(?P<z>[\w/+:-]+)",
            **{name: f"(?P<{name}>{digits})" for name in "dHhms"},
        }
        known = {"u": "y", "Z": "X", "x": "X", "V": "z"}.get(letter, letter)
        if known not in expressions:
            raise ValueError(f"unknown letter {letter} in a date pattern")
        parts.append(expressions[known])
    return re.compile("".join(parts), re.IGNORECASE)
