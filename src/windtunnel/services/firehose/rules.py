"""Limits and sentences of Data Firehose, and the names of the objects that it makes, as pure functions.

https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from windtunnel.fabric import Fault

MIB = 1 << 20
BATCH_BYTES_MAX = 4 * MIB
STREAMS_MAX = 5000
"""https://docs.aws.amazon.com/firehose/latest/dev/limits.html"""
TAGS_MAX = 50
OWNED = "AWS_OWNED_CMK"
KEPT_SECONDS = 24 * 3600
"""So long Firehose tries to deliver to S3."""
DEFAULT_TIME = "yyyy/MM/dd/HH/"
FAILED, HTTP_FAILED = "processing-failed", "http-endpoint-failed"
NAMESPACES = ("timestamp", "firehose", "partitionKeyFromQuery", "partitionKeyFromLambda")
RANDOM_LENGTH = 11

_EXPRESSION = re.compile(r"!\{([^:}]*):([^}]*)\}")
_LETTERS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_FIELDS = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "YYYY": "%G",
    "yy": "%y",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "DDD": "%j",
    "EEE": "%a",
    "EEEE": "%A",
    "a": "%p",
    "ww": "%V",
}
"""Fields of Java's DateTimeFormatter, as strftime has them."""


def part(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of settings that may not have been given."""
    return dict(settings.get(name) or {})


def delimiter_of(parameters: Mapping[str, str]) -> bytes:
    """What is put behind each record, with its escapes. Raises InvalidArgumentException."""
    try:
        return parameters.get("Delimiter", "\\n").encode().decode("unicode_escape").encode()
    except UnicodeError as error:
        raise invalid("Invalid Delimiter of the processor AppendDelimiterToRecord.") from error


def invalid(message: str) -> Fault:
    return Fault("InvalidArgumentException", message)


def has_expression(prefix: str) -> bool:
    return _EXPRESSION.search(prefix) is not None


def expressions(prefix: str) -> list[tuple[str, str]]:
    """The expressions of a prefix, as (namespace, value)."""
    return [(found[1], found[2]) for found in _EXPRESSION.finditer(prefix)]


def check_prefixes(prefix: str, errors: str, *, partitioned: bool) -> None:
    """Refuses prefixes that break AWS's rules: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html#prefix-rules"""
    for text in (prefix, errors):
        for namespace, value in expressions(text):
            if namespace not in NAMESPACES:
                raise invalid(f"Invalid prefix expression namespace: {namespace}.")
            if namespace == "timestamp":
                written(value, datetime.fromtimestamp(0, UTC))
            elif namespace == "firehose" and value not in ("error-output-type", "random-string"):
                raise invalid(f"Invalid value for prefix expression namespace firehose: {value}.")
            elif namespace.startswith("partitionKey") and (not partitioned or text is errors):
                raise invalid("Partition keys can be used in Prefix only, and where dynamic partitioning is enabled.")
    if ("firehose", "error-output-type") in expressions(prefix):
        raise invalid("!{firehose:error-output-type} can only be used in ErrorOutputPrefix.")
    if has_expression(errors) and ("firehose", "error-output-type") not in expressions(errors):
        raise invalid("ErrorOutputPrefix must contain !{firehose:error-output-type} where it has expressions.")
    if has_expression(prefix) and not errors:
        raise invalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.")
    if partitioned and not any(namespace.startswith("partitionKey") for namespace, _ in expressions(prefix)):
        raise invalid("Prefix must contain partition keys where dynamic partitioning is enabled.")


def written(pattern: str, moment: datetime) -> str:
    """A moment in a pattern of Java's DateTimeFormatter. Raises InvalidArgumentException for what it doesn't know."""
    out, at = "", 0
    while at < len(pattern):
        found = _LETTERS.match(pattern, at)
        if found is None:
            raise invalid(f"Invalid timestamp expression: {pattern}.")
        at, text = found.end(), found[0]
        if text[0] == "'":
            out += found[1].replace("''", "'") or "'"
        elif not text[0].isalpha():
            out += text
        elif text in _FIELDS:
            out += moment.strftime(_FIELDS[text])
        elif text[0] == "S":
            out += f"{moment.microsecond:06d}"[: len(text)]
        elif text in ("M", "d", "H", "m", "s", "h"):
            out += str(int(moment.strftime(_FIELDS[text * 2])))
        else:
            raise invalid(f"Invalid timestamp expression: {pattern}.")
    return out


def evaluated(prefix: str, moment: datetime, values: Mapping[tuple[str, str], str]) -> str:
    """A prefix with its expressions filled in; one without any has the hour at its end."""
    if not has_expression(prefix):
        return prefix + written(DEFAULT_TIME, moment)
    return _EXPRESSION.sub(
        lambda found: written(found[2], moment) if found[1] == "timestamp" else values.get((found[1], found[2]), ""), prefix
    )


def error_prefix(prefix: str, errors: str, kind: str, moment: datetime, values: Mapping[tuple[str, str], str]) -> str:
    """The prefix of what could not be processed or delivered."""
    if not errors:
        return f"{prefix}{kind}/{written(DEFAULT_TIME, moment)}"
    return evaluated(errors, moment, {**values, ("firehose", "error-output-type"): kind})


def local(seconds: float, zone: str) -> datetime:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone) if zone else UTC)


def object_name(stream: str, version: int, seconds: float, unique: str, extension: str) -> str:
    """The end of an object's key: its stream, the stream's version, the moment, and what makes it another."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{stream}-{version}-{moment:%Y-%m-%d-%H-%M-%S}-{unique}{extension}"


def checked_key(given: Mapping[str, Any]) -> dict[str, Any]:
    """An encryption whose key and its type go together."""
    if (given["KeyType"] == OWNED) == ("KeyARN" in given):
        wants = "must not" if given["KeyType"] == OWNED else "must"
        raise invalid(f"KeyARN {wants} be specified where KeyType is {given['KeyType']}.")
    return dict(given)
