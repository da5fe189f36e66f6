"""Expressions of S3 Select's SQL, the loosest operator first: each becomes a closure that gives its value for one record.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-operators.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.s3.select.dates import EXTRACTED, PARTS
from windtunnel.services.s3.select.logic import Value, binary, both, dated, either, negation
from windtunnel.services.s3.select.values import FUNCTIONS, MISSING, arithmetic, cast, compare, field, item, like, truth
from windtunnel.services.s3.select.words import Words, unquoted

DIGITS_MAX = 18
"""Longer whole numbers are taken as decimals."""
_COMPARED = ("=", "!=", "<>", "<", "<=", ">", ">=")


class Expressions:
    """Reads expressions off words."""

    def __init__(self, words: Words, now: float) -> None:
        self._words = words
        self._now = datetime.fromtimestamp(int(now * 1000) / 1000, UTC)
        self.alias = ""
        """What the statement calls its records."""

    def value(self) -> Value:
        value = self._both()
        while self._words.take("OR"):
            value = either(value, self._both())
        return value

    def _both(self) -> Value:
        value = self._negated()
        while self._words.take("AND"):
            value = both(value, self._negated())
        return value

    def _negated(self) -> Value:
        if self._words.take("NOT"):
            return negation(self._negated())
        return self._compared()

    def _compared(self) -> Value:
        left = self._sum()
        if self._words.word() in _COMPARED:
            sign = self._words.next()[1]
            return binary(lambda a, b: compare(sign, a, b), left, self._sum())
        if self._words.take("IS"):
            negated = self._words.take("NOT")
            if not self._words.peek("NULL") and not self._words.peek("MISSING"):
                self._words.unexpected()
            wanted = (MISSING,) if self._words.next()[1].upper() == "MISSING" else (None, MISSING)
            return lambda record: any(left(record) is one for one in wanted) != negated
        negated = self._words.take("NOT")
        value = self._ranged(left)
        return negation(value) if negated else value

    def _ranged(self, left: Value) -> Value:
        if self._words.take("BETWEEN"):
            low = self._sum()
            self._words.expect("AND")
            high = self._sum()
            return both(binary(lambda a, b: compare(">=", a, b), left, low), binary(lambda a, b: compare("<=", a, b), left, high))
        if self._words.take("IN"):
            self._words.expect("(")
            members = self._arguments()
            return lambda record: any(compare("=", left(record), member(record)) is True for member in members)
        if self._words.take("LIKE"):
            pattern = self._sum()
            escape = self._sum() if self._words.take("ESCAPE") else _nothing
            return lambda record: like(left(record), pattern(record), escape(record))
        if self._words.at and self._words.word(-1) == "NOT":
            self._words.unexpected()
        return left

    def _sum(self) -> Value:
        value = self._product()
        while self._words.word() in ("+", "-", "||"):
            value = self._calculated(value, self._product)
        return value

    def _product(self) -> Value:
        value = self._single()
        while self._words.word() in ("*", "/", "%"):
            value = self._calculated(value, self._single)
        return value

    def _calculated(self, left: Value, right: Callable[[], Value]) -> Value:
        sign = self._words.next()[1]
        return binary(lambda a, b: arithmetic(sign, a, b), left, right())

    def _single(self) -> Value:
        if self._words.take("-"):
            value = self._single()
            return lambda record: arithmetic("-", 0, value(record))
        if self._words.take("("):
            value = self.value()
            self._words.expect(")")
            return value
        if self._words.peek("CAST", "("):
            return self._cast()
        if self._words.take("CASE"):
            return self._case()
        if self._words.word(1) == "(" and (called := self._of_dates(self._words.word())) is not None:
            return called
        kind, text = self._words.next()
        if kind == "number":
            number = int(text) if text.isdecimal() and len(text) <= DIGITS_MAX else float(text)
            return lambda record: number
        if kind == "string":
            string = text[1:-1].replace("''", "'")
            return lambda record: string
        if kind == "moment":
            return lambda record: cast(text.strip("`"), "TIMESTAMP")
        if kind == "sign":
            self._words.unexpected()
        word = text.upper()
        if kind == "name" and word in ("TRUE", "FALSE", "NULL", "MISSING"):
            constant = {"TRUE": True, "FALSE": False, "NULL": None, "MISSING": MISSING}[word]
            return lambda record: constant
        if kind == "name" and self._words.take("("):
            return self._called(word)
        return self._field(kind, text)

    def _cast(self) -> Value:
        self._words.at += 2
        value = self.value()
        self._words.expect("AS")
        kind = self._words.next()[1].upper()
        self._words.expect(")")
        return lambda record: cast(value(record), kind)

    def _case(self) -> Value:
        """CASE value WHEN value THEN … ELSE … END, or without the first value and with conditions."""
        compared = None if self._words.peek("WHEN") else self.value()
        cases: list[tuple[Value, Value]] = []
        while self._words.take("WHEN"):
            when = self.value()
            self._words.expect("THEN")
            cases.append((when if compared is None else binary(lambda a, b: compare("=", a, b), compared, when), self.value()))
        if not cases:
            self._words.unexpected()
        otherwise: Value = self.value() if self._words.take("ELSE") else lambda record: None
        self._words.expect("END")
        return lambda record: next((then for when, then in cases if truth(when(record))), otherwise)(record)

    def _of_dates(self, name: str) -> Value | None:
        """A function whose first argument is a part of a date, or which has no argument."""
        if name == "UTCNOW":
            self._words.at += 2
            self._words.expect(")")
            return lambda record: self._now
        if name not in ("DATE_ADD", "DATE_DIFF", "EXTRACT"):
            return None
        self._words.at += 2
        part = self._words.next()[1].upper()
        if part not in (EXTRACTED if name == "EXTRACT" else PARTS):
            raise Fault("ParseExpectedDatePart", "Did not find the expected date part in the SQL expression.")
        self._words.expect("FROM" if name == "EXTRACT" else ",")
        arguments = self._arguments()
        if len(arguments) != (1 if name == "EXTRACT" else 2):
            raise _arguments_wrong()
        return dated(name, part, *arguments)

    def _called(self, name: str) -> Value:
        function = FUNCTIONS.get(name)
        if function is None:
            raise Fault("UnsupportedFunction", "Encountered an unsupported SQL function.")
        arguments = self._arguments()
        if not function.least <= len(arguments) <= function.most:
            raise _arguments_wrong()
        return lambda record: function.call(*(argument(record) for argument in arguments))

    def _arguments(self) -> Sequence[Value]:
        found: list[Value] = []
        while not self._words.take(")"):
            if found and not (self._words.take(",") or self._words.take("FROM") or self._words.take("FOR")):
                self._words.unexpected()
            found.append(self.value())
        return found

    def _field(self, kind: str, text: str) -> Value:
        steps: list[tuple[str, bool] | int] = []
        if not (kind == "name" and text.lower() in (self.alias, "s3object") and self._words.word() in (".", "[")):
            steps.append((text, False) if kind == "name" else (unquoted(text), True))
        while self._words.word() in (".", "["):
            if self._words.take("."):
                kind, text = self._words.next()
                if kind not in ("name", "quoted"):
                    self._words.unexpected()
                steps.append((text, False) if kind == "name" else (unquoted(text), True))
                continue
            self._words.at += 1
            kind, text = self._words.next()
            if kind != "number" or not text.isdecimal():
                self._words.unexpected()
            steps.append(int(text))
            self._words.expect("]")

        def found(record: Any) -> Any:
            for step in steps:
                record = item(record, step) if isinstance(step, int) else field(record, step[0], quoted=step[1])
            return record

        return found


def _arguments_wrong() -> Fault:
    return Fault("EvaluatorInvalidArguments", "There is an incorrect number of arguments in the function call in the SQL expression.")


def _nothing(_: Any) -> str:
    return ""
