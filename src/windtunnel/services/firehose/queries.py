"""Queries of the metadata in records: what dynamic partitioning uses of jq.

An object of paths, each of which may go through functions: `{customer: .customer.id, year: .time|strftime("%Y")}`.
https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, cast

from windtunnel.fabric import Fault
from windtunnel.services.firehose.rules import invalid

Step = Callable[[Any], Any]
_PAIR = re.compile(r'\s*(?:"([^"]+)"|([A-Za-z_]\w*))\s*')
_PATH = re.compile(r'\.(?:([A-Za-z_]\w*)|"([^"]*)")?|\["([^"]*)"\]|\[(-?\d+)\]')
_FUNCTION = re.compile(r"\s*\|\s*([a-z_]+)(?:\(\s*(\"(?:[^\"\\]|\\.)*\")\s*\))?\s*")


class NoValue(Exception):
    """A record has nothing where a query looks."""


@lru_cache(maxsize=256)
def compile_query(query: str) -> Callable[[Any], dict[str, str]]:
    """What finds a record's partition keys. Raises InvalidArgumentException; what it raises on a record is NoValue."""
    text = query.strip()
    if not (text.startswith("{") and text.endswith("}")):
        raise invalid("MetadataExtractionQuery must be an object of partition keys.")
    keys: dict[str, list[Step]] = {}
    at, end = 1, len(text) - 1
    while at < end:
        named = _PAIR.match(text, at, end)
        if named is None:
            raise _unknown(query)
        name, at = named[1] or named[2], named.end()
        if at < end and text[at] == ":":
            keys[name], at = _steps(text, at + 1, end, query)
        else:
            keys[name] = [partial(_member, name)]
        if at < end and text[at] != ",":
            raise _unknown(query)
        at += 1
    if not keys:
        raise invalid("MetadataExtractionQuery must be an object of partition keys.")
    return partial(_found, keys)


def _found(keys: dict[str, list[Step]], record: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, steps in keys.items():
        value = record
        for step in steps:
            value = step(value)
        if value is None or isinstance(value, dict | list) or value == "":
            raise NoValue(f"partition keys: {name} is null, empty or no single value")
        found[name] = value if isinstance(value, str) else json.dumps(value)
    return found


def _steps(text: str, at: int, end: int, query: str) -> tuple[list[Step], int]:
    """The steps of one value, and where its text ends."""
    while text[at : at + 1].isspace():
        at += 1
    steps: list[Step] = []
    while (part := _PATH.match(text, at, end)) is not None and part.end() > at:
        word = next((group for group in part.groups()[:3] if group is not None), None)
        if word is not None:
            steps.append(partial(_member, word))
        elif part[4] is not None:
            steps.append(partial(_item, int(part[4])))
        at = part.end()
    if not steps:
        raise _unknown(query)
    while (called := _FUNCTION.match(text, at, end)) is not None:
        steps.append(_function(called[1], json.loads(called[2]) if called[2] else None, query))
        at = called.end()
    while at < end and text[at].isspace():
        at += 1
    return steps, at


def _member(name: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise NoValue(f"cannot look for {name} in what is no object")
    return cast("dict[str, Any]", value).get(name)


def _item(place: int, value: Any) -> Any:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return items[place] if -len(items) <= place < len(items) else None


def _function(name: str, argument: str | None, query: str) -> Step:
    if name == "strftime" and argument is not None:
        return partial(_strftime, argument)
    plain: dict[str, Step] = {
        "tostring": lambda value: value if isinstance(value, str) else json.dumps(value, separators=(",", ":")),
        "ascii_downcase": lambda value: str(value).lower(),
        "ascii_upcase": lambda value: str(value).upper(),
        "tonumber": _number,
        "floor": lambda value: int(_number(value) // 1),
    }
    if argument is not None or name not in plain:
        raise _unknown(query)
    return plain[name]


def _strftime(form: str, value: Any) -> str:
    try:
        return datetime.fromtimestamp(_number(value), UTC).strftime(form)
    except (ValueError, OverflowError, OSError) as error:
        raise NoValue(f"{value} is no time") from error


def _number(value: Any) -> float:
    try:
        return value if isinstance(value, int | float) else float(value)
    except (TypeError, ValueError) as error:
        raise NoValue(f"{value} is no number") from error


def _unknown(query: str) -> Fault:
    return Fault("NotImplemented", f"windtunnel does not implement this part of jq: {query}", status=501)
