"""Statements and their clauses."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

import msgspec

from windtunnel.aws.dynamodb.partiql.conditions import Conditions
from windtunnel.aws.dynamodb.partiql.tokens import SIGN, Tokens
from windtunnel.aws.dynamodb.partiql.trees import Assignment, Statement, malformed
from windtunnel.aws.dynamodb.partiql.values import Values
from windtunnel.aws.dynamodb.syntax import CACHED_TEXTS_MAX
from windtunnel.aws.dynamodb.trees import Node

STATEMENT_LENGTH_MAX = 8_192
_RETURNED: Final = {
    ("ALL", "OLD"): "ALL_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}


@lru_cache(maxsize=CACHED_TEXTS_MAX)
def statement(text: str) -> Statement:
    """A statement's text understood. Raises Fault."""
    if len(text) > STATEMENT_LENGTH_MAX:
        raise malformed("The statement is too long")
    return _Statements(Tokens(text)).read()


class _Statements:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._values = Values(tokens)
        self._conditions = Conditions(tokens, self._values)

    def read(self) -> Statement:
        word = self._tokens.take().text.upper()
        if word == "SELECT":
            read = self._select("select")
        elif word == "INSERT":
            read = self._insert()
        elif word == "UPDATE":
            read = self._update()
        elif word == "DELETE":
            read = self._delete()
        elif word == "EXISTS":
            self._tokens.sign("(")
            self._tokens.expect("SELECT")
            read = self._select("exists")
            self._tokens.sign(")")
        else:
            raise malformed(f"Unexpected keyword {word}")
        if self._tokens.here.kind:
            raise self._tokens.unexpected()
        return msgspec.structs.replace(read, parameters=self._values.parameters)

    def _select(self, kind: Literal["select", "exists"]) -> Statement:
        paths = None
        if self._tokens.here.text == "*":
            self._tokens.take()
        else:
            paths = tuple(self._tokens.several(self._values.path))
        self._tokens.expect("FROM")
        table, index = self._table()
        where = self._where()
        order, descending = "", False
        if self._tokens.accept("ORDER"):
            self._tokens.expect("BY")
            order = str(self._values.path().parts[0])
            descending = self._tokens.accept("DESC")
            if not descending:
                self._tokens.accept("ASC")
        return Statement(kind, table, index, paths, where, order, descending)

    def _insert(self) -> Statement:
        self._tokens.expect("INTO")
        table, _ = self._table()
        self._tokens.expect("VALUE")
        return Statement("insert", table, item=self._values.value())

    def _update(self) -> Statement:
        table, _ = self._table()
        assignments: list[Assignment] = []
        while True:
            if self._tokens.accept("SET"):
                assignments += self._tokens.several(self._assignment)
            elif self._tokens.accept("REMOVE"):
                assignments += [Assignment(path, None) for path in self._tokens.several(self._values.path)]
            else:
                break
        if not assignments:
            raise self._tokens.unexpected()
        return Statement("update", table, where=self._where(), assignments=tuple(assignments), returning=self._returning())

    def _delete(self) -> Statement:
        self._tokens.expect("FROM")
        table, _ = self._table()
        return Statement("delete", table, where=self._where(), returning=self._returning())

    def _assignment(self) -> Assignment:
        path = self._values.path()
        self._tokens.sign("=")
        return Assignment(path, self._values.sum())

    def _returning(self) -> str:
        if not self._tokens.accept("RETURNING"):
            return ""
        words = (self._tokens.take().text.upper(), self._tokens.take().text.upper())
        if words not in _RETURNED:
            raise malformed("Unexpected returning clause")
        self._tokens.sign("*")
        return _RETURNED[words]

    def _table(self) -> tuple[str, str]:
        """A table, and an index of it: `"table"."index"`."""
        name = self._values.name()
        if self._tokens.here.text == "." and self._tokens.here.kind == SIGN:
            self._tokens.take()
            return name, self._values.name()
        return name, ""

    def _where(self) -> Node | None:
        return self._conditions.read() if self._tokens.accept("WHERE") else None
