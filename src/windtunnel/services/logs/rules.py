"""Limits, texts and forms of CloudWatch Logs as pure functions: what is refused, and how places in a log are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from windtunnel.aws.filters import compile_filter
from windtunnel.fabric import Fault

MILLISECONDS = 1000
DAY_MILLISECONDS = 86_400_000
SPAN_MILLISECONDS_MAX = DAY_MILLISECONDS
"""Between the first and the last event of a request."""
AGE_MILLISECONDS_MAX = 14 * DAY_MILLISECONDS
FUTURE_MILLISECONDS_MAX = 2 * 3_600_000
BATCH_BYTES_MAX = 1_048_576
EVENT_BYTES_MAX = 1_048_576
EVENT_OVERHEAD_BYTES = 26
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
PAGE_BYTES_MAX = 1_048_576
PAGE_EVENTS_MAX = 10_000
NAME_LENGTH_MAX = 512
NAME_PATTERN = r"[\.\-_/#A-Za-z0-9]+"
STREAM_NAME_PATTERN = r"[^:*]*"
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
DESCRIBE_LIMIT = 50

EXPRESSIONS_MAX = 5
"""Of a group's filters: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"""
_EXPRESSION = re.compile(r"%(?:[^%\\\s]|\\.)+%")
_TIME_SHIFT, _SERIAL_SHIFT = 144, 32
_NUMBER_MASK = (1 << _SERIAL_SHIFT) - 1
_SERIAL_MASK = (1 << _TIME_SHIFT - _SERIAL_SHIFT) - 1
_ID_DIGITS = 56
_ID_MAX = 10**_ID_DIGITS - 1
_TOKEN = re.compile(r"([fb])/(\d{56})(?:/s)?")


class Place(NamedTuple):
    """Where an event stands in the order of its group: its time, what it came with, and its number therein."""

    time: int
    serial: int
    number: int


def invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)


def matcher(pattern: str) -> Callable[[str], bool]:
    """What a filter pattern lets through."""
    try:
        return compile_filter(pattern)
    except ValueError as error:
        raise invalid(str(error)) from error


def expressions_in(pattern: str) -> int:
    """How many regular expressions a filter pattern has."""
    return len(_EXPRESSION.findall(pattern))


def check_group_name(name: str) -> None:
    """Refuses what can't be the name of a log group, in AWS's words."""
    _check_name(name, "logGroupName", NAME_PATTERN)


def check_stream_name(name: str) -> None:
    _check_name(name, "logStreamName", STREAM_NAME_PATTERN)


def _check_name(name: str, member: str, pattern: str) -> None:
    if len(name) > NAME_LENGTH_MAX:
        raise invalid(f"Invalid LogGroup or LogStream, both must have length less than or equal to {NAME_LENGTH_MAX}.")
    constraint = ""
    if not name:
        constraint = "Member must have length greater than or equal to 1"
    elif re.fullmatch(pattern, name) is None:
        constraint = f"Member must satisfy regular expression pattern: {pattern}"
    if constraint:
        raise invalid(f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: {constraint}")


def check_retention(days: int) -> None:
    if days not in RETENTION_DAYS:
        words = ", ".join(str(word) for word in RETENTION_DAYS)
        constraint = f"failed to satisfy constraint: Member must satisfy enum value set: [{words}]"
        raise invalid(f"1 validation error detected: Value '{days}' at 'retentionInDays' {constraint}")


def byte_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def batch_size(messages: Sequence[str]) -> int:
    """The bytes a batch counts as; refuses one that is too large."""
    joined = "".join(messages)
    size = byte_length(joined) + EVENT_OVERHEAD_BYTES * len(messages)
    if size > BATCH_BYTES_MAX:
        largest = max(map(byte_length, messages)) + EVENT_OVERHEAD_BYTES
        if largest > EVENT_BYTES_MAX:
            raise invalid(f"Log event too large: {largest} bytes exceeds limit of {EVENT_BYTES_MAX}")
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}")
    return size


def event_id(place: Place) -> str:
    """An event's id: a number that rises with its place; its highest bits are its time, as in AWS's ids."""
    number = (place.time << _TIME_SHIFT) | (place.serial << _SERIAL_SHIFT) | place.number
    return f"{number:0{_ID_DIGITS}d}"


def place_of(number: int) -> Place:
    return Place(number >> _TIME_SHIFT, number >> _SERIAL_SHIFT & _SERIAL_MASK, number & _NUMBER_MASK)


def beside(place: Place, step: int) -> Place:
    """The place right before (-1) or after (+1)."""
    number = int(event_id(place)) + step
    return place_of(max(0, number))


def stream_token(direction: str, place: Place) -> str:
    """A token of GetLogEvents: what follows (`f`) or precedes (`b`) a place, exclusively."""
    return f"{direction}/{event_id(place)}/s"


def read_stream_token(token: str) -> tuple[str, Place]:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise bad_token()
    return found.group(1), place_of(int(found.group(2)))


def bad_token() -> Fault:
    return invalid("The specified nextToken is invalid.")


def sequence_token(serial: int) -> str:
    """A sequence token, which nothing asks for any more but old clients hand back."""
    return f"49{serial:0{_ID_DIGITS - 2}d}"
