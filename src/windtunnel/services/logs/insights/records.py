"""Log events as rows of Logs Insights: the fields AWS adds to every event, and those it discovers in messages."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from windtunnel.aws import pages
from windtunnel.services.logs.insights.expression import HIDDEN
from windtunnel.services.logs.insights.values import Moment, Row, Value, number
from windtunnel.services.logs.rules import Place
from windtunnel.services.logs.state import Chunk

DISCOVERED_FIELDS_MAX = 200
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html"""
TRANSFORMATION_ERROR = "The log event could not be transformed."
_REPORT = {
    "@requestId": r"RequestId: (\S+)",
    "@duration": r"\tDuration: ([\d.]+) ms",
    "@billedDuration": r"Billed Duration: ([\d.]+) ms",
    "@memorySize": r"Memory Size: (\d+) MB",
    "@maxMemoryUsed": r"Max Memory Used: (\d+) MB",
    "@initDuration": r"Init Duration: ([\d.]+) ms",
}
_REPORT_PATTERNS = {name: re.compile(pattern) for name, pattern in _REPORT.items()}
_KIND = re.compile(r"(START|END|REPORT) RequestId: (\S+)")
_MEGABYTE = 1_000_000
_LAMBDA_FIELDS = frozenset({*_REPORT, "@type"})


def row_of(log: str, group: int, place: Place, chunk: Chunk, fields: frozenset[str]) -> Row:
    """The row of an event; what lies in its message is only looked for where a query names it."""
    message = chunk.messages[place.number]
    row: Row = {
        "@timestamp": Moment(place.time),
        "@ingestionTime": Moment(chunk.ingested),
        "@message": message,
        "@logStream": chunk.name,
        "@log": log,
        "@ptr": pages.encode((log.partition(":")[2], group, chunk.times[0], place.serial, place.number)),
    }
    transformed = chunk.transformed[place.number] if chunk.transformed else message
    if HIDDEN + "original" in fields:
        row[HIDDEN + "original"] = chunk.shown(place.number, unmask=True)
    if any(not name.startswith(("@", HIDDEN)) for name in fields):
        row.update(discovered(transformed or message))
    if not transformed and message:
        row["@transformationError"] = TRANSFORMATION_ERROR
    if not fields.isdisjoint(_LAMBDA_FIELDS):
        row.update(reported(message))
    return row


def discovered(message: str) -> Row:
    """The members of a JSON message, by their paths (`a.b`, `list.0`)."""
    start = message.find("{")
    if start < 0:
        return {}
    try:
        document = orjson.loads(message[start:])
    except orjson.JSONDecodeError:
        return {}
    found: Row = {}
    _flatten("", document, found)
    return found


def reported(message: str) -> Row:
    """What Lambda's own lines tell of an invocation."""
    kind = _KIND.match(message)
    if kind is None:
        return {}
    found: Row = {"@type": kind.group(1), "@requestId": kind.group(2)}
    if kind.group(1) == "REPORT":
        for name, pattern in _REPORT_PATTERNS.items():
            match = pattern.search(message)
            if match is not None and name != "@requestId":
                value = number(match.group(1)) or 0
                found[name] = value * _MEGABYTE if "emory" in name else value
    return found


def _flatten(path: str, value: Any, found: Row) -> None:
    if len(found) >= DISCOVERED_FIELDS_MAX:
        return
    if isinstance(value, dict):
        for name, member in cast("dict[str, Any]", value).items():
            _flatten(f"{path}.{name}" if path else name, member, found)
    elif isinstance(value, list):
        for at, element in enumerate(cast("list[Any]", value)):
            _flatten(f"{path}.{at}", element, found)
    elif value is not None:
        found[path] = cast("Value", value)
