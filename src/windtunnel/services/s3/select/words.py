"""The words and signs of a SQL expression, read one after the other."""

from __future__ import annotations

import re
from typing import NoReturn

from windtunnel.fabric import Fault

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<string>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<moment>`[^`]*`)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|<>|!=|\|\||[-+*/%=<>(),.\[\]]))"""
)


class Words:
    """The tokens of an expression, and how far they are read: each is (kind, text)."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        start = 0
        text = text.strip().removesuffix(";").rstrip()
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None or match.lastgroup is None:
                raise Fault("LexerInvalidChar", "The SQL expression contains an invalid character.")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            start = match.end()

    def peek(self, *words: str) -> bool:
        """Whether the next tokens are these words or signs."""
        return all(self.word(number) == word for number, word in enumerate(words))

    def word(self, ahead: int = 0) -> str:
        kind, text = self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("end", "")
        return text.upper() if kind == "name" else text if kind == "sign" else ""

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else "end"

    def take(self, *words: str) -> bool:
        if not self.peek(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            self.unexpected()

    def next(self) -> tuple[str, str]:
        if self.at == len(self.tokens):
            self.unexpected()
        self.at += 1
        return self.tokens[self.at - 1]

    def unexpected(self) -> NoReturn:
        raise Fault("ParseUnexpectedToken", "The SQL expression contains an unexpected token.")


def unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"')
