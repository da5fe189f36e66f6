"""A Logs Insights query, compiled: what it does to each row, what to all of them, and which columns it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import msgspec

from windtunnel.services.logs.insights_expression import Expression, Reader, compiled
from windtunnel.services.logs.insights_stats import read_stats
from windtunnel.services.logs.insights_values import Row, Value, printed, sort_key, truth
from windtunnel.services.logs.insights_words import Malformed, unexpected, words_of

Each = Callable[[Row], bool]
"""Adds to a row what a command makes of it; False drops it."""
All = Callable[[Sequence[Row]], Sequence[Row]]

MISSING = frozenset({"pattern", "diff", "unnest", "anomaly", "unmask", "lookup", "join", "filterindex", "source", "search"})
"""Commands of AWS's that aren't here."""


class Query(msgspec.Struct, frozen=True):
    """A compiled query. `each` runs on every row as it is read, `all` on what is left of them, newest first."""

    each: tuple[Each, ...]
    all: tuple[All, ...]
    columns: tuple[str, ...]
    grouped: bool
    """Whether rows are no single events any more."""
    enough: int | None
    """After so many rows nothing that follows can change the result."""
    fields: frozenset[str]
    """The names that are looked up in events."""


class _Compiler:
    def __init__(self, query: str) -> None:
        self.reader = Reader(words_of(query), query)
        self.each: list[Each] = []
        self.all: list[All] = []
        self.columns: list[str] = []
        self.displayed: list[str] | None = None
        self.grouped = False
        self.enough: int | None = None

    def whole(self) -> Query:
        reader = self.reader
        while True:
            self.command()
            if reader.word.kind == "end":
                break
            reader.must("|")
        columns = self.displayed if self.displayed is not None else self.columns or ["@timestamp", "@message"]
        fields = frozenset({*reader.fields, *columns})
        return Query(tuple(self.each), tuple(self.all), tuple(dict.fromkeys(columns)), self.grouped, self.enough, fields)

    def command(self) -> None:
        word = self.reader.next()
        name = word.text.lower()
        if name in MISSING:
            raise NotImplementedError(name)
        commands: dict[str, Callable[[], None]] = {
            "fields": self.fields,
            "display": self.display,
            "filter": self.filter,
            "where": self.filter,
            "parse": self.parse,
            "stats": self.stats,
            "sort": self.sort,
            "order": self.sort,
            "limit": self.limit,
            "head": self.limit,
            "tail": self.limit,
            "dedup": self.dedup,
        }
        if word.kind != "name" or name not in commands:
            raise unexpected(word)
        commands[name]()

    def row_by_row(self, each: Each) -> None:
        """A command that needs one row at a time joins those that run while reading, unless others came before it."""
        if self.all or self.enough is not None:
            self.all.append(lambda rows: [row for row in rows if each(row)])
        else:
            self.each.append(each)

    def named(self) -> list[str]:
        """Columns, each a field or an expression with its alias."""
        names: list[str] = []
        reader = self.reader
        while True:
            first, at = reader.word, reader.at
            expression = reader.expression()
            plain = reader.at - at == 1 and first.kind == "name"
            name = reader.query[first.start : reader.words[reader.at - 1].end].strip("`")
            if reader.takes("as"):
                plain, name = False, reader.name()
            if not plain:
                self.row_by_row(_assign(name, expression))
            names.append(name)
            if not reader.takes(","):
                return names

    def fields(self) -> None:
        self.columns += self.named()

    def display(self) -> None:
        self.displayed = self.named()

    def filter(self) -> None:
        expression = self.reader.expression()
        self.row_by_row(lambda row: truth(expression(row)))

    def parse(self) -> None:
        reader = self.reader
        source = reader.expression() if reader.word.kind == "name" else _message
        word = reader.next()
        if word.kind == "regex":
            pattern = compiled(word)
            names = list(pattern.groupindex)
        elif word.kind == "text":
            pattern = re.compile("(.*?)".join(map(re.escape, word.text.split("*"))) + ("$" if word.text.endswith("*") else ""), re.DOTALL)
            names = []
        else:
            raise unexpected(word)
        if reader.takes("as"):
            names = [reader.name()]
            while reader.takes(","):
                names.append(reader.name())
        if len(names) != pattern.groups:
            raise Malformed("The number of fields does not match the number of wildcards in the parse pattern", word.start, word.end)
        self.columns += ["@timestamp", "@message", *names] if not self.columns else names
        self.row_by_row(_extract(source, pattern, names))

    def stats(self) -> None:
        self.columns, stats = read_stats(self.reader)
        self.displayed, self.grouped = None, True
        self.all.append(stats)

    def sort(self) -> None:
        self.reader.takes("by")
        keys: list[tuple[Expression, bool]] = []
        while True:
            expression = self.reader.expression()
            keys.append((expression, self.reader.takes("asc", "desc") == "desc"))
            if not self.reader.takes(","):
                break
        self.all.append(lambda rows: _sorted(rows, keys))

    def limit(self) -> None:
        word = self.reader.next()
        if word.kind != "number" or not word.text.isdigit():
            raise unexpected(word)
        count = int(word.text)
        if not self.all and self.enough is None:
            self.enough = count
        self.all.append(lambda rows: rows[:count])

    def dedup(self) -> None:
        keys = [self.reader.expression()]
        while self.reader.takes(","):
            keys.append(self.reader.expression())
        self.all.append(lambda rows: list(_distinct(rows, keys)))


@lru_cache(maxsize=256)
def compile_query(text: str) -> Query:
    """The query of a text. Raises Malformed, or NotImplementedError with the name of a command that isn't here."""
    return _Compiler(text).whole()


def _message(row: Row) -> Value:
    return row.get("@message")


def _assign(name: str, expression: Expression) -> Each:
    def assign(row: Row) -> bool:
        row[name] = expression(row)
        return True

    return assign


def _extract(source: Expression, pattern: re.Pattern[str], names: list[str]) -> Each:
    def extract(row: Row) -> bool:
        match = pattern.search(printed(source(row)) or "")
        if match is not None:
            row.update(zip(names, match.groups(), strict=True))
        return True

    return extract


def _sorted(rows: Sequence[Row], keys: list[tuple[Expression, bool]]) -> list[Row]:
    ordered = list(rows)
    for expression, descending in reversed(keys):
        ordered.sort(key=lambda row: sort_key(expression(row)), reverse=descending)
    return ordered


def _distinct(rows: Sequence[Row], keys: list[Expression]) -> Iterator[Row]:
    seen: set[tuple[str | None, ...]] = set()
    for row in rows:
        values = tuple(printed(key(row)) for key in keys)
        if values not in seen:
            seen.add(values)
            yield row
