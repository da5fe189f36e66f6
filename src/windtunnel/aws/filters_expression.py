"""The comparisons inside CloudWatch Logs' filter patterns, which JSON and space-delimited patterns share.

`name = value`, joined by `&&` and `||` and grouped by parentheses; values may have `*` for any run of characters or be a regular
expression between `%`: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any

from msgspec import Struct

INVALID = "Invalid filter pattern"
REGULAR_EXPRESSIONS_MAX = 2

# An operand gives all values that a name stands for in a message; none where there is no such field.
Operand = Callable[[Any], Sequence[Any]]
Expression = Callable[[Any], bool]
Compare = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.?\[(?:'[^']*'|"[^"]*"|[^\]]*)\]|\.[^\s.\[\]=!<>&|()"']+)*)
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | %(?P<regex>(?:[^%\\]|\\.)+)%
      | (?P<operator>!=|<=|>=|=|<|>|&&|\|\||\(|\))
      | (?P<word>[^\s"(),&|=!<>]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RELATIONS: Mapping[str, Callable[[float, float], bool]] = {"<": lt, ">": gt, "<=": le, ">=": ge}


class Token(Struct, frozen=True):
    """A word of an expression; `kind` is the name of the group above that found it."""

    kind: str
    text: str


def tokens_of(text: str) -> list[Token]:
    """The expression's words; ValueError where there is none."""
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(INVALID)
        found.append(Token(match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


def regex_of(text: str) -> re.Pattern[str]:
    """A regular expression of the kind that CloudWatch Logs knows: no groups that look around, no references back."""
    if "(?" in text or re.search(r"\\[1-9]", text):
        raise ValueError(INVALID)
    with warnings.catch_warnings():
        # Python warns of brackets in brackets, which a later version may read in another way.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return re.compile(text)
        except re.error as error:
            raise ValueError(INVALID) from error


def unescape(quoted: str) -> str:
    """What a text between double quotes says."""
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)


class Parser:
    """Reads one expression; `operand` makes the function that finds a name's values, `numbers_in_text` reads numbers out of text."""

    def __init__(self, tokens: Sequence[Token], operand: Callable[[Token], Operand], *, numbers_in_text: bool) -> None:
        self._tokens = tokens
        self._at = 0
        self._operand = operand
        self._numbers_in_text = numbers_in_text

    def whole(self) -> Expression:
        """The expression that all tokens make up."""
        expression = self._any()
        if self._at != len(self._tokens):
            raise ValueError(INVALID)
        return expression

    def _peek(self) -> str:
        if self._at == len(self._tokens):
            return ""
        token = self._tokens[self._at]
        return token.text if token.kind == "operator" else ""

    def _take(self) -> Token:
        if self._at == len(self._tokens):
            raise ValueError(INVALID)
        self._at += 1
        return self._tokens[self._at - 1]

    def _any(self) -> Expression:
        parts = [self._all()]
        while self._peek() == "||":
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda message: any(part(message) for part in parts)

    def _all(self) -> Expression:
        parts = [self._one()]
        while self._peek() == "&&":
            self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda message: all(part(message) for part in parts)

    def _one(self) -> Expression:
        if self._peek() == "(":
            self._take()
            inner = self._any()
            if self._take() != Token("operator", ")"):
                raise ValueError(INVALID)
            return inner
        operand = self._operand(self._take())
        following = self._take()
        if following.kind == "word":
            return self._word_test(operand, following.text.upper())
        if following.kind != "operator" or following.text not in ("=", "!=", *_RELATIONS):
            raise ValueError(INVALID)
        compare = self._comparison(following.text, self._take())
        return lambda message: any(compare(value) for value in operand(message))

    def _word_test(self, operand: Operand, word: str) -> Expression:
        if word == "EXISTS":
            return lambda message: len(operand(message)) > 0
        second = self._take().text.upper()
        if (word, second) == ("NOT", "EXISTS"):
            return lambda message: len(operand(message)) == 0
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}
        if word != "IS" or second not in wanted:
            raise ValueError(INVALID)
        constant = wanted[second]
        return lambda message: any(value is constant for value in operand(message))

    def _comparison(self, operator: str, literal: Token) -> Compare:
        if literal.kind not in ("quoted", "regex", "word"):
            raise ValueError(INVALID)
        if operator in _RELATIONS:
            return self._relation(operator, literal)
        equal = self._equality(literal)
        return equal if operator == "=" else lambda value: not equal(value)

    def _relation(self, operator: str, literal: Token) -> Compare:
        if literal.kind != "word" or _NUMBER.fullmatch(literal.text) is None:
            raise ValueError(INVALID)
        relation, bound = _RELATIONS[operator], float(literal.text)

        def compare(value: Any) -> bool:
            number = self._number(value)
            return number is not None and relation(number, bound)

        return compare

    def _equality(self, literal: Token) -> Compare:
        if literal.kind == "regex":
            pattern = regex_of(literal.text)
            return lambda value: (text := text_of(value)) is not None and pattern.search(text) is not None
        if literal.kind == "word" and _NUMBER.fullmatch(literal.text) is not None:
            number, wanted = float(literal.text), literal.text
            return lambda value: value == wanted or self._number(value) == number
        wanted = unescape(literal.text) if literal.kind == "quoted" else literal.text
        if "*" not in wanted:
            return lambda value: text_of(value) == wanted
        wildcard = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
        return lambda value: (text := text_of(value)) is not None and wildcard.fullmatch(text) is not None

    def _number(self, value: Any) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        if self._numbers_in_text and isinstance(value, str) and _NUMBER.fullmatch(value) is not None:
            return float(value)
        return None


def text_of(value: Any) -> str | None:
    """A value as text to be compared; null and what has members have none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return None
