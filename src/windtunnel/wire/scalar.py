"""How AWS writes times, numbers and flags as text, in both directions; shared by every protocol."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import isinf, isnan
from typing import Final

LEAST, GREATEST = -(2**63), 2**63 - 1
_WHOLE: Final = re.compile(r"\s*[+-]?\d+\s*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPECIAL: Final = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}


# A listing prints a thousand times that are rarely the same: their parts are looked up, and only the day is worth remembering.
_MINUTES: Final = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_SECONDS: Final = tuple(f"{second:02d}" for second in range(60))
_MILLIS: Final = tuple(f".{milli:03d}Z" for milli in range(1000))


@lru_cache(4096)
def _iso_day(day: int) -> str:
    at = _EPOCH + timedelta(days=day)
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d}"


def iso8601(time: float) -> str:
    """`2015-10-21T07:28:00Z`, with milliseconds where there are any."""
    text = iso8601_milli(time)
    return f"{text[:-5]}Z" if text.endswith(".000Z") else text


@lru_cache(4096)
def iso8601_milli(time: float) -> str:
    """`2015-10-21T07:28:00.000Z`: S3 and EC2 print milliseconds even where there are none."""
    milli = round(time * 1000)
    left = milli % 86_400_000
    return f"{_iso_day(milli // 86_400_000)}{_MINUTES[left // 60_000]}{_SECONDS[left // 1000 % 60]}{_MILLIS[left % 1000]}"


@lru_cache(4096)
def _rfc_second(second: int) -> str:
    at = _EPOCH + timedelta(seconds=second)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} {at:%H:%M:%S} GMT"


def rfc822(time: float) -> str:
    """`Wed, 21 Oct 2015 07:28:00 GMT`; HTTP's dates have no fractions."""
    return _rfc_second(int(time // 1))


def unix(time: float) -> float:
    """Epoch seconds, to the millisecond, whole where they can be."""
    milli = round(time * 1000)
    return milli // 1000 if milli % 1000 == 0 else milli / 1000


def unix_text(time: float) -> str:
    """Epoch seconds as text."""
    return str(unix(time))


def time_of(text: str) -> float:
    """Epoch seconds of a time in any of AWS's three formats. Raises ValueError."""
    text = text.strip()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except (TypeError, IndexError) as error:
            raise ValueError(text) from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - _EPOCH) / timedelta(seconds=1)


def number(value: float) -> str:
    """A float as text, with AWS's words for what is none."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def whole_of(text: str) -> int:
    """A whole number from text, of 64 bits at most, as AWS's are. Raises ValueError."""
    if not text.isdecimal() and _WHOLE.fullmatch(text) is None:
        raise ValueError(text)
    value = int(text)
    if not LEAST <= value <= GREATEST:
        raise ValueError(text)
    return value


def number_of(text: str) -> float:
    """A float from text. Raises ValueError."""
    special = _SPECIAL.get(text)
    return float(text) if special is None else special


def flag(value: bool) -> str:
    """A boolean as text."""
    return "true" if value else "false"


def flag_of(text: str) -> bool:
    """A boolean from text, in any case. Raises ValueError."""
    lowered = text.strip().lower()
    if lowered not in {"true", "false"}:
        raise ValueError(text)
    return lowered == "true"


def blob_of(text: str) -> bytes:
    """Bytes from Base64, in either alphabet, padded or not. Raises ValueError."""
    plain = text.strip().replace("-", "+").replace("_", "/")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except Base64Error as error:
        raise ValueError(text) from error
