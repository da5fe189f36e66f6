"""The SQL of S3 Select: an expression is read once into closures, each of which gives its value for one record.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.s3.select.dates import EXTRACTED, PARTS, difference, extracted, moved
from windtunnel.services.s3.select.values import AGGREGATES, FUNCTIONS, MISSING, arithmetic, cast, compare, field, item, like, truth

Value = Callable[[Any], Any]
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<string>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<moment>`[^`]*`)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|<>|!=|\|\||[-+*/%=<>(),.\[\]]))"""
)
DIGITS_MAX = 18
"""Longer whole numbers are taken as decimals."""
_COMPARED = ("=", "!=", "<>", "<", "<=", ">", ">=")


class Aggregate(msgspec.Struct, frozen=True):
    """A column that adds up all records: COUNT, SUM, AVG, MIN or MAX of a value."""

    name: str
    of: Value


class Column(msgspec.Struct, frozen=True):
    """One thing that is selected. `name`: as it is called in an answer, "" where the writer numbers it."""

    name: str
    value: Value | Aggregate


class Query(msgspec.Struct, frozen=True):
    """A SELECT, understood. No columns: the whole record."""

    columns: tuple[Column, ...]
    path: tuple[str, ...]
    """Where in a JSON document the records are: names, "*" for all items of a list."""
    where: Value | None
    limit: int | None


def parse(text: str, now: float) -> Query:
    """Raises S3's faults for what isn't one SELECT of the kinds it knows."""
    try:
        return _Parser(text, now).query()
    except RecursionError:
        raise unsupported() from None


def unsupported() -> Fault:
    return Fault("UnsupportedSyntax", "Encountered invalid syntax.")


class _Parser:
    def __init__(self, text: str, now: float) -> None:
        self._now = datetime.fromtimestamp(int(now * 1000) / 1000, UTC)
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self._alias = ""
        start = 0
        text = text.strip().removesuffix(";").rstrip()
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None or match.lastgroup is None:
                raise Fault("LexerInvalidChar", "The SQL expression contains an invalid character.")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            start = match.end()

    # ------------------------------------------------------------ tokens

    def _peek(self, *words: str) -> bool:
        """Whether the next tokens are these words or signs."""
        return all(self._word(number) == word for number, word in enumerate(words))

    def _word(self, ahead: int = 0) -> str:
        kind, text = self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ("end", "")
        return text.upper() if kind == "name" else text if kind == "sign" else ""

    def _take(self, *words: str) -> bool:
        if not self._peek(*words):
            return False
        self._at += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self._unexpected()

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            self._unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self) -> NoReturn:
        raise Fault("ParseUnexpectedToken", "The SQL expression contains an unexpected token.")

    # ------------------------------------------------------------ the statement

    def query(self) -> Query:
        if not self._take("SELECT"):
            raise Fault("ParseExpectedKeyword", "Cannot find the expected keyword in the SQL expression.")
        # The alias is needed to read the columns, and stands after them.
        begin, self._at = self._at, self._from()
        path = self._source()
        end, self._at = self._at, begin
        columns = self._columns()
        if not self._peek("FROM"):
            self._unexpected()
        self._at = end
        where = self._either() if self._take("WHERE") else None
        limit = None
        if self._take("LIMIT"):
            kind, text = self._next()
            if kind != "number" or not text.isdecimal():
                self._unexpected()
            limit = int(text)
        if self._at < len(self._tokens):
            self._unexpected()
        return Query(columns, path, where, limit)

    def _from(self) -> int:
        depth = 0
        for at in range(self._at, len(self._tokens)):
            word = self._tokens[at][1].upper() if self._tokens[at][0] in ("name", "sign") else ""
            depth += (word == "(") - (word == ")")
            if word == "FROM" and not depth:
                return at + 1
        raise Fault("ParseSelectMissingFrom", "The SELECT expression does not contain a FROM clause.")

    def _source(self) -> tuple[str, ...]:
        if self._word() != "S3OBJECT":
            raise Fault("ParseUnexpectedToken", "The FROM clause has to name S3Object.")
        self._at += 1
        path: list[str] = []
        while True:
            if self._take("[", "*", "]"):
                path.append("*")
            elif self._take("."):
                kind, text = self._next()
                path.append(text if kind == "name" else _unquoted(text))
            else:
                break
        self._take("AS")
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "name" and self._word() not in ("WHERE", "LIMIT"):
            self._alias = self._next()[1].lower()
        return tuple(path)

    def _columns(self) -> tuple[Column, ...]:
        if self._alias and self._peek(self._alias.upper(), ".", "*"):
            self._at += 2
        if self._take("*"):
            return ()
        columns: list[Column] = []
        while not columns or self._take(","):
            begin = self._at
            value = self._aggregate() or self._either()
            last = self._tokens[self._at - 1]
            taken = self._tokens[begin : self._at]
            plain = all(kind in ("name", "quoted") or text == "." for kind, text in taken) and taken[0][1].upper() != "CASE"
            name = (last[1] if last[0] == "name" else _unquoted(last[1])) if plain else ""
            if self._take("AS"):
                kind, text = self._next()
                name = text if kind == "name" else _unquoted(text)
            columns.append(Column(name, value))
        aggregates = [column for column in columns if isinstance(column.value, Aggregate)]
        if aggregates and len(aggregates) != len(columns):
            raise unsupported()
        return tuple(columns)

    def _aggregate(self) -> Aggregate | None:
        name = self._word()
        if name not in AGGREGATES or self._word(1) != "(":
            return None
        self._at += 2
        of: Value = (lambda record: 1) if name == "COUNT" and self._take("*") else self._either()
        self._expect(")")
        return Aggregate(name, of)

    # ------------------------------------------------------------ expressions, the loosest first

    def _either(self) -> Value:
        value = self._both()
        while self._take("OR"):
            value = _or(value, self._both())
        return value

    def _both(self) -> Value:
        value = self._negated()
        while self._take("AND"):
            value = _and(value, self._negated())
        return value

    def _negated(self) -> Value:
        if self._take("NOT"):
            return _not(self._negated())
        return self._compared()

    def _compared(self) -> Value:
        left = self._sum()
        if self._word() in _COMPARED:
            sign = self._next()[1]
            return _binary(lambda a, b: compare(sign, a, b), left, self._sum())
        if self._take("IS"):
            negated = self._take("NOT")
            if not self._peek("NULL") and not self._peek("MISSING"):
                self._unexpected()
            wanted = (MISSING,) if self._next()[1].upper() == "MISSING" else (None, MISSING)
            return lambda record: any(left(record) is one for one in wanted) != negated
        negated = self._take("NOT")
        value = self._ranged(left)
        return _not(value) if negated else value

    def _ranged(self, left: Value) -> Value:
        if self._take("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            high = self._sum()
            return _and(_binary(lambda a, b: compare(">=", a, b), left, low), _binary(lambda a, b: compare("<=", a, b), left, high))
        if self._take("IN"):
            self._expect("(")
            members = self._arguments()
            return lambda record: any(compare("=", left(record), member(record)) is True for member in members)
        if self._take("LIKE"):
            pattern = self._sum()
            escape = self._sum() if self._take("ESCAPE") else _nothing
            return lambda record: like(left(record), pattern(record), escape(record))
        if self._at and self._word(-1) == "NOT":
            self._unexpected()
        return left

    def _sum(self) -> Value:
        value = self._product()
        while self._word() in ("+", "-", "||"):
            value = self._calculated(value, self._product)
        return value

    def _product(self) -> Value:
        value = self._single()
        while self._word() in ("*", "/", "%"):
            value = self._calculated(value, self._single)
        return value

    def _calculated(self, left: Value, right: Callable[[], Value]) -> Value:
        sign = self._next()[1]
        return _binary(lambda a, b: arithmetic(sign, a, b), left, right())

    def _single(self) -> Value:
        if self._take("-"):
            value = self._single()
            return lambda record: arithmetic("-", 0, value(record))
        if self._take("("):
            value = self._either()
            self._expect(")")
            return value
        if self._peek("CAST", "("):
            return self._cast()
        if self._take("CASE"):
            return self._case()
        if self._word(1) == "(" and (called := self._of_dates(self._word())) is not None:
            return called
        kind, text = self._next()
        if kind == "number":
            number = int(text) if text.isdecimal() and len(text) <= DIGITS_MAX else float(text)
            return lambda record: number
        if kind == "string":
            string = text[1:-1].replace("''", "'")
            return lambda record: string
        if kind == "moment":
            return lambda record: cast(text.strip("`"), "TIMESTAMP")
        if kind == "sign":
            self._unexpected()
        word = text.upper()
        if kind == "name" and word in ("TRUE", "FALSE", "NULL", "MISSING"):
            constant = {"TRUE": True, "FALSE": False, "NULL": None, "MISSING": MISSING}[word]
            return lambda record: constant
        if kind == "name" and self._take("("):
            return self._called(word)
        return self._field(kind, text)

    def _cast(self) -> Value:
        self._at += 2
        value = self._either()
        self._expect("AS")
        kind = self._next()[1].upper()
        self._expect(")")
        return lambda record: cast(value(record), kind)

    def _case(self) -> Value:
        """CASE value WHEN value THEN … ELSE … END, or without the first value and with conditions."""
        compared = None if self._peek("WHEN") else self._either()
        cases: list[tuple[Value, Value]] = []
        while self._take("WHEN"):
            when = self._either()
            self._expect("THEN")
            cases.append((when if compared is None else _binary(lambda a, b: compare("=", a, b), compared, when), self._either()))
        if not cases:
            self._unexpected()
        otherwise: Value = self._either() if self._take("ELSE") else lambda record: None
        self._expect("END")
        return lambda record: next((then for when, then in cases if truth(when(record))), otherwise)(record)

    def _of_dates(self, name: str) -> Value | None:
        """A function whose first argument is a part of a date, or which has no argument."""
        if name == "UTCNOW":
            self._at += 2
            self._expect(")")
            return lambda record: self._now
        if name not in ("DATE_ADD", "DATE_DIFF", "EXTRACT"):
            return None
        self._at += 2
        part = self._next()[1].upper()
        if part not in (EXTRACTED if name == "EXTRACT" else PARTS):
            raise Fault("ParseExpectedDatePart", "Did not find the expected date part in the SQL expression.")
        self._expect("FROM" if name == "EXTRACT" else ",")
        arguments = self._arguments()
        if len(arguments) != (1 if name == "EXTRACT" else 2):
            raise _arguments_wrong()
        return _dated(name, part, *arguments)

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
        while not self._take(")"):
            if found and not (self._take(",") or self._take("FROM") or self._take("FOR")):
                self._unexpected()
            found.append(self._either())
        return found

    def _field(self, kind: str, text: str) -> Value:
        steps: list[tuple[str, bool] | int] = []
        if not (kind == "name" and text.lower() in (self._alias, "s3object") and self._word() in (".", "[")):
            steps.append((text, False) if kind == "name" else (_unquoted(text), True))
        while self._word() in (".", "["):
            if self._take("."):
                kind, text = self._next()
                if kind not in ("name", "quoted"):
                    self._unexpected()
                steps.append((text, False) if kind == "name" else (_unquoted(text), True))
                continue
            self._at += 1
            kind, text = self._next()
            if kind != "number" or not text.isdecimal():
                self._unexpected()
            steps.append(int(text))
            self._expect("]")

        def value(record: Any) -> Any:
            for step in steps:
                record = item(record, step) if isinstance(step, int) else field(record, step[0], quoted=step[1])
            return record

        return value


def _dated(name: str, part: str, first: Value, second: Value = lambda record: None) -> Value:
    def value(record: Any) -> Any:
        one = cast(first(record), "INT" if name == "DATE_ADD" else "TIMESTAMP")
        if name == "EXTRACT":
            return None if one is None else extracted(part, one)
        other = cast(second(record), "TIMESTAMP")
        if one is None or other is None:
            return None
        try:
            return moved(part, one, other) if name == "DATE_ADD" else difference(part, one, other)
        except (OverflowError, ValueError):
            raise Fault("EvaluatorTimestampFieldOutOfRange", "A date part is beyond all dates in the SQL expression.") from None

    return value


def _arguments_wrong() -> Fault:
    return Fault("EvaluatorInvalidArguments", "There is an incorrect number of arguments in the function call in the SQL expression.")


def _nothing(_: Any) -> str:
    return ""


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"')


def _binary(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    return lambda record: function(left(record), right(record))


def _and(left: Value, right: Value) -> Value:
    return lambda record: truth(left(record)) and truth(right(record))


def _or(left: Value, right: Value) -> Value:
    return lambda record: truth(left(record)) or truth(right(record))


def _not(value: Value) -> Value:
    def negated(record: Any) -> Any:
        found = value(record)
        return None if found is None or found is MISSING else not truth(found)

    return negated


def is_aggregate(query: Query) -> bool:
    """Whether a query answers with one record for all."""
    return any(isinstance(column.value, Aggregate) for column in query.columns)


def row_of(query: Query, record: Any) -> Mapping[str, Any]:
    """What a query selects of a record, by the names of its columns."""
    named: dict[str, Any] = {}
    for number, column in enumerate(query.columns, 1):
        assert not isinstance(column.value, Aggregate)
        named[column.name or f"_{number}"] = column.value(record)
    return named
