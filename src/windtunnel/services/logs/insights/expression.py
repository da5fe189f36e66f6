"""Expressions of Logs Insights queries as functions of a row: comparisons, arithmetic, patterns and function calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from windtunnel.services.logs.insights.functions import FUNCTIONS
from windtunnel.services.logs.insights.values import Row, Value, compared, member, number, period, printed, truth, walked
from windtunnel.services.logs.insights.words import Malformed, Word, unexpected

Expression = Callable[[Row], Value]

HIDDEN = "\0"
"""What the names of fields begin with that nobody can name in a query."""
CONTEXT = {name: HIDDEN + name for name in ("now", "querystarttime", "queryendtime", "querytimerange")}
"""Functions of the query itself, and the hidden fields that hold what they return."""
AGGREGATES = frozenset(
    {
        "avg",
        "collect_values",
        "count",
        "count_distinct",
        "countdistinct",
        "earliest",
        "latest",
        "max",
        "median",
        "min",
        "pct",
        "percentile",
        "sortsfirst",
        "sortslast",
        "stddev",
        "sum",
        "topk",
        "values",
        "variance",
    }
)

_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": lambda one, other: one % other,
    "^": lambda one, other: one**other,
}


class Reader:
    """Reads words one after the other; collects the names of the fields it comes across."""

    def __init__(self, words: list[Word], query: str) -> None:
        self.words, self.query, self.at = words, query, 0
        self.fields: set[str] = set()
        self.aggregate: Callable[[Word], Expression] | None = None
        """Reads a call of an aggregate function, where such may stand."""
        self.subquery: Callable[[], str] | None = None
        """Reads a query between parentheses, where such may stand, and returns the field that holds its values."""

    @property
    def word(self) -> Word:
        return self.words[self.at]

    def next(self) -> Word:
        word = self.words[self.at]
        self.at += 1
        return word

    def takes(self, *texts: str) -> str:
        """The next word, lower-cased, if it is one of these and not quoted; else nothing is read."""
        word = self.word
        if word.kind in ("name", "sign") and not word.quoted and word.text.lower() in texts:
            self.at += 1
            return word.text.lower()
        return ""

    def must(self, text: str) -> None:
        if not self.takes(text):
            raise unexpected(self.word)

    def name(self) -> str:
        if self.word.kind != "name":
            raise unexpected(self.word)
        return self.next().text

    def expression(self) -> Expression:
        left = self._both()
        while self.takes("or"):
            left = _either(left, self._both())
        return left

    def _both(self) -> Expression:
        left = self._negation()
        while self.takes("and"):
            left = _all(left, self._negation())
        return left

    def _negation(self) -> Expression:
        if self.takes("not", "!"):
            inner = self._negation()
            return lambda row: not truth(inner(row))
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        sign = self.takes(*_COMPARISONS)
        if sign:
            return _comparing(left, self._sum(), _COMPARISONS[sign], sign)
        inverse = bool(self.takes("not"))
        if self.takes("like", "=~"):
            found = self._pattern(left)
        elif self.takes("in"):
            found = self._listed(left)
        elif inverse:
            raise unexpected(self.word)
        else:
            return left
        return (lambda row: not found(row)) if inverse else found

    def _pattern(self, left: Expression) -> Expression:
        word = self.next()
        if word.kind == "regex":
            pattern = compiled(word)
            return lambda row: pattern.search(printed(left(row)) or "") is not None
        if word.kind != "text":
            raise unexpected(word)
        return lambda row: word.text in (printed(left(row)) or "")

    def _listed(self, left: Expression) -> Expression:
        if self.subquery is not None and self.takes("("):
            field = self.subquery()
            return lambda row: printed(left(row)) in (row.get(field) or ())  # pyright: ignore[reportOperatorIssue]
        self.must("[")
        items = [self._sum()]
        while self.takes(","):
            items.append(self._sum())
        self.must("]")
        return lambda row: any(compared(value, item(row)) == 0 for value in (left(row),) for item in items)

    def _sum(self) -> Expression:
        left = self._product()
        while sign := self.takes("+", "-"):
            left = _calculating(left, self._product(), sign)
        return left

    def _product(self) -> Expression:
        left = self._power()
        while sign := self.takes("*", "/", "%"):
            left = _calculating(left, self._power(), sign)
        return left

    def _power(self) -> Expression:
        left = self._single()
        return _calculating(left, self._power(), "^") if self.takes("^") else left

    def _single(self) -> Expression:
        if self.takes("-"):
            return _calculating(lambda _: 0, self._single(), "-")
        if self.takes("("):
            inner = self.expression()
            self.must(")")
            return inner
        word = self.next()
        if word.kind == "text":
            return lambda _: word.text
        if word.kind == "number":
            value = number(word.text)
            return lambda _: value
        if word.kind == "duration":
            span = period(word.text)
            return lambda _: span
        if word.kind != "name":
            raise unexpected(word)
        if not word.quoted and self.word.text == "(" and self.word.kind == "sign":
            return self._call(word)
        if not word.quoted and word.text.lower() in ("true", "false"):
            said = word.text.lower() == "true"
            return lambda _: said
        return self._field(word)

    def _field(self, word: Word) -> Expression:
        """A field, or what lies in the map or list that it is: `a.b`, `a.list[0].c`, a.`b c`."""
        self.fields.add(word.text)
        steps: list[str | int] = []
        while self.word.start == self.words[self.at - 1].end and (self.word.kind == "member" or self.word.text == "["):
            step = self.next()
            if step.kind == "member":
                steps += [step.text] if step.quoted else step.text.split(".")
            else:
                index = self.next()
                if not index.text.isdigit():
                    raise unexpected(index)
                steps.append(int(index.text))
                self.must("]")
        if steps:
            path = tuple(steps)
            return lambda row: walked(member(row, word.text), path)
        return lambda row: member(row, word.text)

    def _call(self, word: Word) -> Expression:
        name = word.text.lower()
        if self.aggregate is not None and name in AGGREGATES:
            return self.aggregate(word)
        if name == "unmask":
            self.must("(")
            self.expression()
            self.must(")")
            self.fields.add(HIDDEN + "original")
            return lambda row: row.get(HIDDEN + "original")
        if name in CONTEXT:
            self.must("(")
            self.must(")")
            self.fields.add(CONTEXT[name])
            return lambda row: row.get(CONTEXT[name])
        if name not in FUNCTIONS:
            raise Malformed(f"Unknown function: {word.text}", word.start, word.end)
        function, least, most = FUNCTIONS[name]
        self.must("(")
        arguments: list[Expression] = []
        if not self.takes(")"):
            arguments.append(self.expression())
            while self.takes(","):
                arguments.append(self.expression())
            self.must(")")
        if name == "bin" and len(arguments) == 1:
            arguments.insert(0, lambda row: row.get("@timestamp"))
        if not least <= len(arguments) <= most:
            raise Malformed(f"Wrong number of arguments for function {word.text}", word.start, word.end)
        return lambda row: function([argument(row) for argument in arguments])


def compiled(word: Word) -> re.Pattern[str]:
    """A regular expression, as Java writes them, as Python's."""
    try:
        return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", word.text))
    except re.error as error:
        raise Malformed(f"Invalid regular expression: {error}", word.start, word.end) from error


def _either(left: Expression, right: Expression) -> Expression:
    return lambda row: truth(left(row)) or truth(right(row))


def _all(left: Expression, right: Expression) -> Expression:
    return lambda row: truth(left(row)) and truth(right(row))


def _comparing(left: Expression, right: Expression, holds: Callable[[int], bool], sign: str) -> Expression:
    def compare(row: Row) -> Value:
        order = compared(left(row), right(row))
        return sign == "!=" if order is None else holds(order)

    return compare


def _calculating(left: Expression, right: Expression, sign: str) -> Expression:
    apply: Any = _ARITHMETIC[sign]

    def calculate(row: Row) -> Value:
        one, other = number(left(row)), number(right(row))
        if one is None or other is None:
            return None
        try:
            return apply(one, other)
        except (ZeroDivisionError, OverflowError):
            return None

    return calculate
