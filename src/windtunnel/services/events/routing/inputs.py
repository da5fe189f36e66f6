"""What a target gets of an event: all of it, a part, a constant, or a text with pieces of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html. A template is JSON whose values are
placeholders, or lines of text in quotes. Outside of quotes a placeholder becomes JSON; within them a text becomes itself, and in lines
of text anything else becomes JSON without its quotes. What is no JSON in the end can't be delivered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from windtunnel.aws.jsonpath import MISSING, compile_path
from windtunnel.services.events.event import Coming, iso

PREDEFINED = frozenset(
    {"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event", "aws.events.event.json", "aws.events.event.ingestion-time"}
)
_PLACEHOLDER = re.compile(r"<([^<>\s]+)>")
Piece = tuple[str, str, bool]
"""A text, the placeholder after it ("": none), and whether that stands within quotes."""


class BadInput(ValueError):
    """A template's result is not what can be delivered."""


def body_for(target: Mapping[str, Any], coming: Coming, rule: str, name: str) -> str:
    """The text that a target gets. Raises BadInput."""
    if "Input" in target:
        return target["Input"]
    if "InputPath" in target:
        found = compile_path(target["InputPath"])(coming.event)
        return _json("" if found is MISSING else found)
    if "InputTransformer" in target:
        return _transformed(target["InputTransformer"], coming, rule, name)
    return coming.body()


def placeholders(template: str) -> list[str]:
    """The names that a template asks for."""
    return _PLACEHOLDER.findall(template)


def value_text(value: Any) -> str:
    """A value as text: a string itself, anything else as JSON."""
    return value if isinstance(value, str) else _json(value)


def _transformed(transformer: Mapping[str, Any], coming: Coming, rule: str, name: str) -> str:
    template: str = transformer["InputTemplate"]
    values = {word: compile_path(path)(coming.event) for word, path in transformer.get("InputPathsMap", {}).items()}
    lines = template.lstrip().startswith('"')
    parts: list[str] = []
    for text, word, quoted in _pieces(template):
        parts.append(text)
        if word:
            value = _predefined(word, coming, rule, name) if word in PREDEFINED else values.get(word, MISSING)
            parts.append(_shown(value, quoted=quoted, lines=lines))
    result = "".join(parts)
    if not all(map(_is_json, result.splitlines())) if lines else not _is_json(result):
        raise BadInput(f"The input template's result is not valid JSON: {result[:200]}")
    return result


def _predefined(word: str, coming: Coming, rule: str, name: str) -> Any:
    match word:
        case "aws.events.rule-arn":
            return rule
        case "aws.events.rule-name":
            return name
        case "aws.events.event.ingestion-time":
            return iso(coming.ingested)
        case "aws.events.event.json":
            return coming.event
        case _:
            event = {member: value for member, value in coming.event.items() if member not in ("detail", "detail-type")}
            return {**event, "detailType": coming.event["detail-type"], "time": iso(coming.ingested)}


def _shown(value: Any, *, quoted: bool, lines: bool) -> str:
    if not quoted:
        return _json("" if value is MISSING else value)
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return _json(value)[1:-1]
    return _json(value).replace('"', "") if lines else _json(value)


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[Piece, ...]:
    return tuple(_cut(template))


def _cut(template: str) -> Iterator[Piece]:
    at, quoted = 0, False
    for match in _PLACEHOLDER.finditer(template):
        text = template[at : match.start()]
        quoted ^= _quotes(text) % 2 == 1
        yield text, match.group(1), quoted
        at = match.end()
    yield template[at:], "", False


def _quotes(text: str) -> int:
    """How many quotes a piece of JSON has that aren't escaped."""
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text))


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
