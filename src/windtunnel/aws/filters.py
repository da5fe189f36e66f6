"""CloudWatch Logs filter patterns: which log messages match, and which fields metric filters read out of them.

A pattern in braces selects from JSON, one in brackets from fields that spaces divide, and any other is a list of terms:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import orjson
from msgspec import Struct

from windtunnel.aws.filters_expression import (
    INVALID,
    REGULAR_EXPRESSIONS_MAX,
    Expression,
    Operand,
    Parser,
    Token,
    regex_of,
    text_of,
    tokens_of,
    unescape,
)

Fields = Mapping[str, str]

_TERM = re.compile(r"\s*([?-]?)\s*(?:\"((?:[^\"\\]|\\.)*)\"|%((?:[^%\\]|\\.)+)%|([^\s\"%?-][^\s\"]*))", re.DOTALL)
_PLAIN_TERM = re.compile(r"\w+")
_FIELD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|\[([^\]]*)\]|(\S+)")
_STEP = re.compile(r"\.?\[(?:'([^']*)'|\"([^\"]*)\"|(\d+|\*))\]|\.([^\s.\[\]]+)")
_PARTS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|%(?:[^%\\]|\\.)+%|[^\",%]+|(,)|.", re.DOTALL)
_SPLIT = re.compile(r"\s*(&&|\|\||[()]|!=|<=|>=|=|<|>)")


class Filter(Struct, frozen=True):
    """A compiled pattern: whether a message matches, and the fields it names with their values in a message (`$.a`, `$bytes`, `$1`)."""

    matches: Callable[[str], bool]
    extract: Callable[[str], dict[str, str]]


def compile_filter(pattern: str) -> Callable[[str], bool]:
    """The function that tells whether a log message matches; ValueError with the message of InvalidParameterException."""
    return filter_of(pattern).matches


@lru_cache(maxsize=1024)
def filter_of(pattern: str) -> Filter:
    """The pattern, compiled."""
    text = pattern.strip()
    if not text:
        return Filter(lambda _: True, _no_fields)
    if len(re.findall(r"%(?:[^%\\\s]|\\.)+%", text)) > REGULAR_EXPRESSIONS_MAX:
        raise ValueError(INVALID)
    if text[0] == "{":
        return _json_filter(text)
    if text[0] == "[":
        return _field_filter(text)
    return Filter(_terms(text), _no_fields)


@lru_cache(maxsize=1024)
def compile_value(pattern: str, reference: str) -> Callable[[str], str | None]:
    """The function that reads a metric's value or dimension (`$.latency`, `$bytes`) out of a message that the pattern matched."""
    if not reference.startswith("$"):
        return lambda _: reference
    if pattern.strip().startswith("{"):
        select = _selector(Token("selector", reference))

        def value(message: str) -> str | None:
            document = _document(message)
            return None if document is None else _first_text(select(document))

        return value
    extract = filter_of(pattern).extract
    return lambda message: extract(message).get(reference)


def _no_fields(_: str) -> dict[str, str]:
    return {}


def _terms(text: str) -> Callable[[str], bool]:
    """All plain terms and no excluded one; optional terms (`?`) count where they are alone, and one of them is enough."""
    required: list[Callable[[str], bool]] = []
    excluded: list[Callable[[str], bool]] = []
    optional: list[Callable[[str], bool]] = []
    groups = {"": required, "-": excluded, "?": optional}
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise ValueError(INVALID)
        sign, quoted, regex, word = match.groups()
        groups[sign].append(_term(quoted, regex, word))
        at = match.end()
    if not required and not excluded:
        return lambda message: any(term(message) for term in optional)
    return lambda message: all(term(message) for term in required) and not any(term(message) for term in excluded)


def _term(quoted: str | None, regex: str | None, word: str | None) -> Callable[[str], bool]:
    if regex is not None:
        pattern = regex_of(regex)
        return lambda message: pattern.search(message) is not None
    if word is not None and _PLAIN_TERM.fullmatch(word) is None:
        raise ValueError(f"Invalid character(s) in term '{word}'")
    wanted = unescape(quoted) if quoted is not None else cast("str", word)
    return lambda message: wanted in message


def _json_filter(text: str) -> Filter:
    if not text.endswith("}"):
        raise ValueError(INVALID)
    tokens = tokens_of(text[1:-1])
    expression = Parser(tokens, _selector, numbers_in_text=False).whole()
    selectors = {token.text: _selector(token) for token in tokens if token.kind == "selector"}

    def matches(message: str) -> bool:
        document = _document(message)
        return document is not None and expression(document)

    def extract(message: str) -> dict[str, str]:
        document = _document(message)
        found = {name: _first_text(select(document)) for name, select in selectors.items()} if document is not None else {}
        return {name: value for name, value in found.items() if value is not None}

    return Filter(matches, extract)


def _document(message: str) -> Any:
    if message.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        return None


def _first_text(values: Sequence[Any]) -> str | None:
    return next((text for value in values if (text := text_of(value)) is not None), None)


def _selector(token: Token) -> Operand:
    """`$.a.b[0]['c d'][*].e` as the function that finds all the values it stands for."""
    if token.kind != "selector" or len(token.text) == 1:
        raise ValueError(INVALID)
    steps: list[str | int] = []
    at = 1
    while at < len(token.text):
        match = _STEP.match(token.text, at)
        if match is None:
            raise ValueError(INVALID)
        single, double, index, name = match.groups()
        steps.append(int(index) if index is not None and index != "*" else next(s for s in (single, double, index, name) if s is not None))
        at = match.end()

    def select(document: Any) -> Sequence[Any]:
        values: list[Any] = [document]
        for step in steps:
            values = [each for value in values for each in _step(value, step)]
        return values

    return select


def _step(value: Any, step: str | int) -> Iterable[Any]:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if step == "*":
            return members.values()
        return (members[step],) if isinstance(step, str) and step in members else ()
    if isinstance(value, list):
        elements = cast("list[Any]", value)
        if step == "*":
            return elements
        return (elements[step],) if isinstance(step, int) and step < len(elements) else ()
    return ()


def _field_filter(text: str) -> Filter:
    if not text.endswith("]"):
        raise ValueError(INVALID)
    parts = _comma_parts(text[1:-1])
    if parts == [""]:
        return Filter(lambda _: True, _no_fields)  # empty brackets ask for nothing; AWS's pages don't speak of them
    ellipses = [at for at, part in enumerate(parts) if part == "..."]
    if len(ellipses) > 1:
        raise ValueError(INVALID)
    names = [_field_name(part) for part in parts]
    conditions = [_field_condition(part) for part in parts if any(sign in part for sign in "=<>")]
    before = ellipses[0] if ellipses else len(parts)

    def fields(message: str) -> dict[str, str] | None:
        values = [next(group for group in match.groups() if group is not None) for match in _FIELD.finditer(message)]
        spare = len(values) - (len(parts) - len(ellipses))
        if spare < 0 or (spare > 0 and not ellipses):
            return None
        # What an ellipsis stands for has no names, and is numbered by its place as unnamed fields are.
        named = [*names[:before], *[""] * spare, *names[before + 1 :]] if ellipses else names
        return {name or str(place): value for place, (name, value) in enumerate(zip(named, values, strict=True), 1)}

    def matches(message: str) -> bool:
        found = fields(message)
        return found is not None and all(condition(found) for condition in conditions)

    def extract(message: str) -> dict[str, str]:
        return {f"${name}": value for name, value in (fields(message) or {}).items()}

    return Filter(matches, extract)


def _comma_parts(text: str) -> list[str]:
    """Split at the commas that are not part of a quoted text or a regular expression."""
    parts = [""]
    for match in _PARTS.finditer(text):
        if match.group(1):
            parts.append("")
        else:
            parts[-1] += match.group()
    return [part.strip() for part in parts]


def _field_name(part: str) -> str:
    """The name that a field's part begins with; its conditions repeat it, or follow it."""
    return _SPLIT.split(part.lstrip("( "), maxsplit=1)[0].strip()


def _field_condition(part: str) -> Expression:
    return Parser(tokens_of(part), _field_operand, numbers_in_text=True).whole()


def _field_operand(token: Token) -> Operand:
    if token.kind != "word":
        raise ValueError(INVALID)
    name = token.text

    def find(fields: Fields) -> Sequence[str]:
        return (fields[name],) if name in fields else ()

    return find
