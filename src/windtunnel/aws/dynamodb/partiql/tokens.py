"""The words and signs of a statement, and where its reader is among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

from windtunnel.aws.dynamodb.partiql.trees import malformed
from windtunnel.aws.errors import Fault

DEPTH_MAX = 40
_TOKEN = re.compile(
    r"""\s*(?:('(?:[^']|'')*')|("(?:[^"]|"")*")|([A-Za-z_$][A-Za-z0-9_$]*)|(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?)"""
    r"""|(<<|>>|<>|!=|<=|>=|[=<>()\[\]{},.:?*+\-])|(\S))"""
)
TEXT, QUOTED, WORD, NUMBER, SIGN = 1, 2, 3, 4, 5
_RESERVED: Final = (
    "SELECT FROM WHERE ORDER BY ASC DESC AND OR NOT BETWEEN IN IS NULL MISSING INSERT INTO VALUE UPDATE SET REMOVE DELETE RETURNING"
)
WORDS: Final = frozenset(_RESERVED.split())
T = TypeVar("T")


class Token(NamedTuple):
    text: str
    kind: int


class Tokens:
    """A statement's tokens from the place on where its reader is."""

    def __init__(self, text: str) -> None:
        self._tokens = [Token(match[match.lastindex or 0], match.lastindex or 0) for match in _TOKEN.finditer(text)]
        self._tokens.append(Token("", 0))
        self._at = 0
        self._depth = 0

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self.here
        if not token.kind:
            raise malformed("Unexpected end of statement")
        self._at += 1
        return token

    def accept(self, word: str) -> bool:
        token = self.here
        if token.kind == WORD and token.text.upper() == word:
            self._at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.unexpected()

    def sign(self, text: str) -> None:
        if self.here.kind != SIGN or self.here.text != text:
            raise self.unexpected()
        self._at += 1

    def several(self, member: Callable[[], T]) -> list[T]:
        members = [member()]
        while self.here.text == "," and self.here.kind == SIGN:
            self._at += 1
            members.append(member())
        return members

    @property
    def next(self) -> Token:
        """The one behind the one that is here."""
        return self._tokens[self._at + 1]

    @contextmanager
    def deeper(self) -> Generator[None, None, None]:
        """One more level of nesting, while it lasts."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise malformed("The statement is nested too deeply")
        yield
        self._depth -= 1

    def unexpected(self) -> Fault:
        token = self.here
        return malformed(f"Unexpected token {token.text}" if token.kind else "Unexpected end of statement")
