"""Texts of a policy that may hold wildcards and variables, compiled to functions that compare.

`*` and `?` are wildcards in actions, resources, ARNs and the `Like` operators; `${key}` and `${key, 'default'}` stand for a value of
the request, in which a wildcard is an ordinary character, as it is in `${*}`, `${?}` and `${$}`:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

Keys = Mapping[str, str | Sequence[str]]  # a request's context; names in lower case, because AWS compares them so
Compare = Callable[[str, Keys], bool]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"^(.*?)\s*,\s*'(.*)'$", re.DOTALL)
_ARN_COLONS = 5


class Variable(Struct, frozen=True):
    """A part of a text that the request fills in."""

    key: str
    default: str | None = None


class Literal(Struct, frozen=True):
    """A part of a text without wildcards."""

    text: str


Part = str | Variable | Literal


def parts_of(text: str, variables: bool) -> tuple[Part, ...]:
    """The text taken apart at its variables, which only policies of version 2012-10-17 have."""
    if not variables or "${" not in text:
        return (text,)
    parts: list[Part] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > at:
            parts.append(text[at : match.start()])
        inside = match.group(1).strip()
        if inside in ("*", "?", "$"):
            parts.append(Literal(inside))
        elif (default := _DEFAULT.match(inside)) is not None:
            parts.append(Variable(default.group(1).strip().lower(), default.group(2)))
        else:
            parts.append(Variable(inside.lower()))
        at = match.end()
    if at < len(text) or not parts:
        parts.append(text[at:])
    return tuple(parts)


def like(text: str, variables: bool) -> Compare:
    """Compares with `*` for any run of characters and `?` for one."""
    return _compare(text, variables, arn=False)


def arn_like(text: str, variables: bool) -> Compare:
    """The same field by field: a wildcard in one of an ARN's first five fields ends at the colon."""
    if text != "*" and text.count(":") < _ARN_COLONS:
        text += ":*" * (_ARN_COLONS - text.count(":"))
    return _compare(text, variables, arn=True)


def plain(text: str, variables: bool) -> Callable[[Keys], str | None]:
    """The text itself with its variables filled in; None when the request lacks one."""
    parts = parts_of(text, variables)
    if parts == (text,):
        return lambda _: text

    def fill(keys: Keys) -> str | None:
        resolved = _resolved(parts, keys)
        return None if resolved is None else "".join(part.text if isinstance(part, Literal) else part for part in resolved)

    return fill


def _compare(text: str, variables: bool, arn: bool) -> Compare:
    parts = parts_of(text, variables)
    if parts != (text,):

        def compare(value: str, keys: Keys) -> bool:
            resolved = _resolved(parts, keys)
            return resolved is not None and _regex(resolved, arn).fullmatch(value) is not None

        return compare
    if text == "*":
        return lambda _, __: True
    stem = text[:-1]
    if "*" not in stem and "?" not in text:
        if not text.endswith("*"):
            return lambda value, _: value == text
        if not arn or stem.count(":") >= _ARN_COLONS:
            return lambda value, _: value.startswith(stem)
    matches = _regex((text,), arn).fullmatch
    return lambda value, _: matches(value) is not None


def _resolved(parts: tuple[Part, ...], keys: Keys) -> tuple[str | Literal, ...] | None:
    found: list[str | Literal] = []
    for part in parts:
        if isinstance(part, Variable):
            value = keys.get(part.key, part.default)
            if not isinstance(value, str):
                return None  # a key with several values can't stand in a text
            found.append(Literal(value))
        else:
            found.append(part)
    return tuple(found)


@lru_cache(maxsize=4096)
def _regex(parts: tuple[str | Literal, ...], arn: bool) -> re.Pattern[str]:
    pattern: list[str] = []
    colons = 0
    for part in parts:
        if isinstance(part, Literal):
            pattern.append(re.escape(part.text))
            colons += part.text.count(":")
            continue
        for character in part:
            inside = arn and colons < _ARN_COLONS
            if character == "*":
                pattern.append("[^:]*" if inside else ".*")
            elif character == "?":
                pattern.append("[^:]" if inside else ".")
            else:
                pattern.append(re.escape(character))
                colons += character == ":"
    return re.compile("".join(pattern), re.DOTALL)
