"""The words and signs of an expression, where its reader is among them, and what is wrong beside its syntax."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

EXPRESSION_BYTES_MAX = 4_096
OPERATORS_MAX = 300
DEPTH_MAX = 60
_TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([#:][A-Za-z0-9_]*)|([0-9]+)|(<>|<=|>=|[=<>()\[\],.+-])|(\S))")

T = TypeVar("T")


class Malformed(Exception):
    """What is wrong with an expression, in DynamoDB's words."""


class TooLong(Malformed):
    """An expression of so many bytes."""

    def __init__(self, size: int) -> None:
        super().__init__("Expression size has exceeded the maximum allowed size;")
        self.size = size


class Token(NamedTuple):
    text: str
    kind: int
    """1 word, 2 placeholder, 3 number, 4 sign, 5 anything else, 0 the end."""
    start: int
    end: int


def _tokens(text: str) -> list[Token]:
    if not text:
        raise Malformed("The expression can not be empty;")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > EXPRESSION_BYTES_MAX:
        raise TooLong(size)
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastindex or 0
        found.append(Token(match[kind], kind, *match.span(kind)))
    found.append(Token("<EOF>", 0, len(text), len(text)))
    return found


class Tokens:
    """An expression's tokens from the place on where its reader is; it remembers the first thing of each kind that is wrong."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self.at = 0
        self._depth = 0
        self._operators = 0
        self._wrong: dict[str, str] = {}

    @property
    def here(self) -> Token:
        return self._tokens[self.at]

    @property
    def next(self) -> Token:
        """The one behind the one that is here."""
        return self._tokens[self.at + 1]

    def is_word(self, *words: str) -> bool:
        token = self.here
        return token.kind == 1 and token.text.upper() in words

    def take(self) -> Token:
        token = self.here
        if token.kind == 0:
            raise self.syntax_error()
        self.at += 1
        return token

    def sign(self, text: str) -> None:
        if self.here.text != text:
            raise self.syntax_error()
        self.take()

    def several(self, member: Callable[[], T]) -> list[T]:
        members = [member()]
        while self.here.text == ",":
            self.take()
            members.append(member())
        return members

    def end(self) -> None:
        if self.here.kind != 0:
            raise self.syntax_error()

    def count(self) -> None:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            raise Malformed(f"The expression contains too many operators; operator count: {self._operators}")

    def deeper(self) -> None:
        """One more level of nesting, until `higher`."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Malformed(f"The expression contains too many operators; operator count: {OPERATORS_MAX + 1}")

    def higher(self) -> None:
        self._depth -= 1

    def note(self, kind: str, message: str) -> None:
        self._wrong.setdefault(kind, message)

    def refuse(self, *order: str) -> None:
        self.end()
        for kind in order:
            if kind in self._wrong:
                raise Malformed(self._wrong[kind])

    def syntax_error(self) -> Malformed:
        token = self.here
        before = self._tokens[max(self.at - 1, 0)]
        after = self._tokens[min(self.at + 1, len(self._tokens) - 1)]
        return Malformed(f'Syntax error; token: "{token.text}", near: "{self._text[before.start : after.end]}"')

    def closes(self, opening: int) -> int:
        """The place of the parenthesis that closes the one at `opening`."""
        depth = 0
        for at in range(opening, self.at):
            text = self._tokens[at].text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                return at
        return -1
