"""The SQL of S3 Select: a statement is read once, and its expressions are closures from then on.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.s3.select.expression import Expressions
from windtunnel.services.s3.select.logic import Value
from windtunnel.services.s3.select.values import AGGREGATES
from windtunnel.services.s3.select.words import Words, unquoted


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
    words = Words(text)
    try:
        return _Statement(words, Expressions(words, now)).query()
    except RecursionError:
        raise unsupported() from None


def unsupported() -> Fault:
    return Fault("UnsupportedSyntax", "Encountered invalid syntax.")


class _Statement:
    def __init__(self, words: Words, expressions: Expressions) -> None:
        self._words = words
        self._expressions = expressions

    def query(self) -> Query:
        if not self._words.take("SELECT"):
            raise Fault("ParseExpectedKeyword", "Cannot find the expected keyword in the SQL expression.")
        # The alias is needed to read the columns, and stands after them.
        begin, self._words.at = self._words.at, self._from()
        path = self._source()
        end, self._words.at = self._words.at, begin
        columns = self._columns()
        if not self._words.peek("FROM"):
            self._words.unexpected()
        self._words.at = end
        where = self._expressions.value() if self._words.take("WHERE") else None
        limit = None
        if self._words.take("LIMIT"):
            kind, text = self._words.next()
            if kind != "number" or not text.isdecimal():
                self._words.unexpected()
            limit = int(text)
        if self._words.at < len(self._words.tokens):
            self._words.unexpected()
        return Query(columns, path, where, limit)

    def _from(self) -> int:
        depth = 0
        for at in range(self._words.at, len(self._words.tokens)):
            word = self._words.tokens[at][1].upper() if self._words.tokens[at][0] in ("name", "sign") else ""
            depth += (word == "(") - (word == ")")
            if word == "FROM" and not depth:
                return at + 1
        raise Fault("ParseSelectMissingFrom", "The SELECT expression does not contain a FROM clause.")

    def _source(self) -> tuple[str, ...]:
        if self._words.word() != "S3OBJECT":
            raise Fault("ParseUnexpectedToken", "The FROM clause has to name S3Object.")
        self._words.at += 1
        path: list[str] = []
        while True:
            if self._words.take("[", "*", "]"):
                path.append("*")
            elif self._words.take("."):
                kind, text = self._words.next()
                path.append(text if kind == "name" else unquoted(text))
            else:
                break
        self._words.take("AS")
        if self._words.kind() == "name" and self._words.word() not in ("WHERE", "LIMIT"):
            self._expressions.alias = self._words.next()[1].lower()
        return tuple(path)

    def _columns(self) -> tuple[Column, ...]:
        if self._expressions.alias and self._words.peek(self._expressions.alias.upper(), ".", "*"):
            self._words.at += 2
        if self._words.take("*"):
            return ()
        columns: list[Column] = []
        while not columns or self._words.take(","):
            begin = self._words.at
            value = self._aggregate() or self._expressions.value()
            last = self._words.tokens[self._words.at - 1]
            taken = self._words.tokens[begin : self._words.at]
            plain = all(kind in ("name", "quoted") or text == "." for kind, text in taken) and taken[0][1].upper() != "CASE"
            name = (last[1] if last[0] == "name" else unquoted(last[1])) if plain else ""
            if self._words.take("AS"):
                kind, text = self._words.next()
                name = text if kind == "name" else unquoted(text)
            columns.append(Column(name, value))
        aggregates = [column for column in columns if isinstance(column.value, Aggregate)]
        if aggregates and len(aggregates) != len(columns):
            raise unsupported()
        return tuple(columns)

    def _aggregate(self) -> Aggregate | None:
        name = self._words.word()
        if name not in AGGREGATES or self._words.word(1) != "(":
            return None
        self._words.at += 2
        of: Value = (lambda record: 1) if name == "COUNT" and self._words.take("*") else self._expressions.value()
        self._words.expect(")")
        return Aggregate(name, of)


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
