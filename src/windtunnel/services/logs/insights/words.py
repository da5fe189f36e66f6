"""The words of a Logs Insights query, and where each stands: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["name", "member", "text", "regex", "number", "duration", "sign", "end"]
_PATTERNS: dict[Kind, str] = {
    "duration": (
        r"\d+(?:milliseconds?|msecs?|ms|months?|mons?|mos?|minutes?|mins?|m|seconds?|secs?|s|hours?|hrs?|h|days?|d|weeks?|w|"
        r"quarters?|qtrs?|q|years?|yrs?|y)\b"
    ),
    "number": r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+",
    "text": r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'",
    "name": r"[@A-Za-z_$][\w@$]*(?:\.[\w@$]+)*|`[^`]+`",
    "member": r"\.(?:[@A-Za-z_$][\w@$]*(?:\.[\w@$]+)*|`[^`]+`)",
    "sign": r"=~|!=|<=|>=|[!=<>+\-*/%^(),|:\[\]]",
}
_WORD = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS.items()))
_SPACE = re.compile(r"(?:\s+|#[^\n]*)*")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/(i?)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Malformed(Exception):
    """A query that isn't one, with the place where that shows."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


class Word(NamedTuple):
    kind: Kind
    text: str
    """Without its quotes, where it has any."""
    start: int
    end: int
    quoted: bool = False


def words_of(query: str) -> list[Word]:
    """The words in their order, with one of the kind `end` behind them."""
    words: list[Word] = []
    at = _SPACE.match(query, 0).end()  # pyright: ignore[reportOptionalMemberAccess]
    command = ""
    while at < len(query):
        begins = not words or words[-1].text == "|"
        regex = _REGEX.match(query, at)
        if regex is not None and not begins and (command == "parse" or words[-1].text.lower() in ("like", "=~", "regex")):
            flags = "(?i)" if regex.group(2) else ""
            words.append(Word("regex", flags + regex.group(1), at, regex.end()))
        else:
            words.append(_word(query, at))
        if begins:
            command = words[-1].text.lower()
        at = _SPACE.match(query, words[-1].end).end()  # pyright: ignore[reportOptionalMemberAccess]
    words.append(Word("end", "", len(query), len(query)))
    return words


def unexpected(word: Word) -> Malformed:
    shown = "end of query" if word.kind == "end" else word.text
    return Malformed(f"unexpected symbol found {shown} at line 1 and position {word.start}", word.start, word.end)


def _word(query: str, at: int) -> Word:
    match = _WORD.match(query, at)
    if match is None:
        raise unexpected(Word("sign", query[at], at, at + 1))
    kind: Kind = match.lastgroup  # pyright: ignore[reportAssignmentType]
    text = match.group()
    if kind == "text":
        inner = _ESCAPE.sub(lambda found: _ESCAPES.get(found.group(1), found.group(1)), text[1:-1])
        return Word(kind, inner, at, match.end(), quoted=True)
    if kind == "member":
        inner = text[1:]
        return Word(kind, inner.strip("`"), at, match.end(), quoted=inner.startswith("`"))
    if text.startswith("`"):
        return Word(kind, text[1:-1], at, match.end(), quoted=True)
    return Word(kind, text, at, match.end())
