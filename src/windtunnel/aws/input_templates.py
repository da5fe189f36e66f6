"""Input templates of EventBridge's rules and pipes: texts with `<placeholders>`, filled with pieces of an event.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html. A template is JSON whose values are
placeholders, or lines of text in quotes. Outside of quotes a placeholder becomes JSON; within them a text becomes itself, and in lines
of text anything else becomes JSON without its quotes. What is no JSON in the end can't be delivered.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from windtunnel.aws.jsonpath import MISSING

_PLACEHOLDER = re.compile(r"<([^<>\s]+)>")
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_Piece = tuple[str, str, bool]
"""A text, the placeholder after it ("": none), and whether that stands within quotes."""


class BadInput(ValueError):
    """A template's result is not what can be delivered."""


def placeholders(template: str) -> list[str]:
    """The names that a template asks for."""
    return _PLACEHOLDER.findall(template)


def filled(template: str, value_of: Callable[[str], Any]) -> str:
    """A template with the values of its placeholders; MISSING becomes an empty text. Raises BadInput."""
    lines = template.lstrip().startswith('"')
    parts: list[str] = []
    for text, word, quoted in _pieces(template):
        parts.append(text)
        if word:
            parts.append(_shown(value_of(word), quoted=quoted, lines=lines))
    result = "".join(parts)
    if not all(map(_is_json, result.splitlines())) if lines else not _is_json(result):
        raise BadInput(f"The input template's result is not valid JSON: {result[:200]}")
    return result


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def plain_value(value: Any) -> str:
    """A value as text: a string itself, anything else as JSON."""
    return value if isinstance(value, str) else json_text(value)


def _shown(value: Any, *, quoted: bool, lines: bool) -> str:
    if not quoted:
        return json_text("" if value is MISSING else value)
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return json_text(value)[1:-1]
    return json_text(value).replace('"', "") if lines else json_text(value)


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[_Piece, ...]:
    return tuple(_cut(template))


def _cut(template: str) -> Iterator[_Piece]:
    at, quoted = 0, False
    for match in _PLACEHOLDER.finditer(template):
        text = template[at : match.start()]
        quoted ^= len(_QUOTE.findall(text)) % 2 == 1
        yield text, match.group(1), quoted
        at = match.end()
    yield template[at:], "", False


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
