"""The text of an event pattern as a row of tokens that know their place.

EventBridge and SNS answer a bad pattern with the line and column at which their reader stood. That reader is a lazy one: of a
string it has seen the opening quote only until somebody asks for its text, and with a member's name it has already looked at
the member's value. Positions are kept here by the same rules, so that a refusal reads as AWS's own:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
"""

import json
import re
from collections.abc import Collection
from typing import Any, Literal, NamedTuple, NoReturn, cast

from windtunnel.aws.documents import parse_json

Kind = Literal["{", "}", "[", "]", "name", "string", "number", "literal"]

_TOKEN = re.compile(r'[\s,:]*(?:([{}\[\]])|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|([A-Za-z]+))', re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9_$]+")
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_EXPECTED = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SOURCE_SHOWN_MAX = 500


class Token(NamedTuple):
    """One token: what it is, its value, its text, and where the reader stands when it has seen it (`seen`) and read it (`read`)."""

    kind: Kind
    value: Any
    text: str
    seen: int
    read: int


class Reader:
    """Gives the tokens one after another, and refuses at the place it has come to."""

    def __init__(self, text: str) -> None:
        self.source = text
        self._tokens = _tokens(text)
        self._at = -1
        self._read = False

    def next(self) -> Token:
        """The next token; what follows the last is the last again."""
        self._at = min(self._at + 1, len(self._tokens) - 1)
        self._read = False
        return self._tokens[self._at]

    def text(self) -> str:
        """The current token's text; a string has then been read to its closing quote."""
        self._read = True
        return self._tokens[self._at].text

    def starts_or(self, keywords: Collection[str]) -> bool:
        """Whether a list of at least two objects follows, none of which has a keyword for a key: only then `$or` means or."""
        depth = objects = 0
        for token in self._tokens[self._at + 1 :]:
            if depth == 0 and token.kind != "[":
                return False
            if depth == 1 and token.kind not in ("{", "]"):
                return False
            if depth == 2 and token.kind == "name" and token.value in keywords:
                return False
            if token.kind == "{" and depth == 1:
                objects += 1
            depth += (token.kind in ("{", "[")) - (token.kind in ("}", "]"))
            if depth == 0:
                break
        return objects > 1

    def refuse(self, reason: str, *, twice: bool = False) -> NoReturn:
        """Raise a ValueError with AWS's text; inside some lists AWS says the place twice."""
        token = self._tokens[self._at]
        place = _place(self.source, token.read if self._read else token.seen)
        raise ValueError(reason + place * (2 if twice else 1))


def _tokens(text: str) -> list[Token]:
    _check(text)
    found: list[Token] = []
    # The kinds of the containers we are in; a string directly in an object, where a value isn't due, is a member's name.
    containers: list[str] = []
    value_is_due = False
    for match in _TOKEN.finditer(text):
        bracket, string, number, word = match.groups()
        end = match.end()
        if bracket is not None:
            found.append(Token(cast("Kind", bracket), None, bracket, end, end))
            if bracket in "{[":
                containers.append(bracket)
            else:
                containers.pop()
            value_is_due = False
            continue
        if string is not None:
            value = json.loads(string, strict=False)
            is_name = bool(containers) and containers[-1] == "{" and not value_is_due
            found.append(Token("name" if is_name else "string", value, value, match.start(2) + 1, end))
            value_is_due = is_name
            continue
        if number is not None:
            found.append(Token("number", json.loads(number), number, end, end))
        else:
            found.append(Token("literal", _LITERALS[word], word, end, end))
        value_is_due = False
    # With a member's name the reader stands where its value has been seen already.
    for at, token in enumerate(found):
        if token.kind == "name":
            found[at] = token._replace(seen=found[at + 1].seen, read=found[at + 1].seen)
    return found


def _check(text: str) -> None:
    """Refuse what isn't JSON, in the words of AWS's parser."""
    try:
        parse_json(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        at = error.pos
        if at >= len(text):
            raise ValueError("Unexpected end-of-input" + _place(text, len(text))) from None
        word = _WORD.match(text, at)
        if word is not None and error.msg == "Expecting value":
            raise ValueError(f"Unrecognized token '{word.group()}': {_EXPECTED}{_place(text, word.end())}") from None
        wanted = "was expecting double-quote to start field name" if "property name" in error.msg else _EXPECTED.removeprefix("was ")
        if "delimiter" in error.msg:
            wanted = "was expecting comma to separate entries"
        raise ValueError(f"Unexpected character ('{text[at]}' (code {ord(text[at])})): {wanted}{_place(text, at)}") from None


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"Unrecognized token '{word.removeprefix('-')}': {_EXPECTED}")


def _place(source: str, offset: int) -> str:
    line = source.count("\n", 0, offset) + 1
    column = offset - (source.rfind("\n", 0, offset) + 1) + 1
    shown = f'"{source[:_SOURCE_SHOWN_MAX]}"'
    if len(source) > _SOURCE_SHOWN_MAX:
        shown += f"[truncated {len(source) - _SOURCE_SHOWN_MAX} chars]"
    return f"\n at [Source: (String){shown}; line: {line}, column: {column}]"
