"""The `stats` command of Logs Insights: rows become groups, and groups numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from windtunnel.services.logs.insights_expression import Expression, Reader
from windtunnel.services.logs.insights_values import Row, Value, number, printed, sort_key
from windtunnel.services.logs.insights_words import Malformed, Word, unexpected

Aggregate = Callable[[Sequence[Row]], Value]


class Column(NamedTuple):
    name: str
    value: Aggregate


def read_stats(reader: Reader) -> tuple[list[str], Callable[[Sequence[Row]], list[Row]]]:
    """The names of the columns a `stats` command makes, and what makes them."""
    columns = [_column(reader)]
    while reader.takes(","):
        columns.append(_column(reader))
    keys: list[tuple[str, Expression]] = []
    if reader.takes("by"):
        keys.append(_key(reader))
        while reader.takes(","):
            keys.append(_key(reader))

    def stats(rows: Sequence[Row]) -> list[Row]:
        groups: dict[tuple[str | None, ...], tuple[list[Value], list[Row]]] = {}
        for row in rows:
            values = [key(row) for _, key in keys]
            groups.setdefault(tuple(map(printed, values)), (values, []))[1].append(row)
        if not keys and not groups:
            groups[()] = ([], [])
        names = [name for name, _ in keys]
        return [
            {**dict(zip(names, values, strict=True)), **{column.name: column.value(members) for column in columns}}
            for values, members in groups.values()
        ]

    return [*(name for name, _ in keys), *(column.name for column in columns)], stats


def _key(reader: Reader) -> tuple[str, Expression]:
    start = reader.word.start
    expression = reader.expression()
    name = reader.query[start : reader.words[reader.at - 1].end]
    return (reader.name() if reader.takes("as") else name.strip("`")), expression


def _column(reader: Reader) -> Column:
    word = reader.next()
    name = word.text.lower()
    if word.kind != "name" or name not in (*_AGGREGATES, "count", "pct", "percentile", "earliest", "latest"):
        raise unexpected(word)
    reader.must("(")
    aggregate = _aggregate(reader, word, name)
    reader.must(")")
    shown = reader.query[word.start : reader.words[reader.at - 1].end]
    return Column(reader.name() if reader.takes("as") else shown, aggregate)


def _aggregate(reader: Reader, word: Word, name: str) -> Aggregate:
    if name == "count":
        if reader.takes("*") or reader.word.text == ")":
            return len
        counted = reader.expression()
        return lambda rows: sum(counted(row) is not None for row in rows)
    expression = reader.expression()
    if name in ("earliest", "latest"):
        place = 0 if name == "earliest" else -1

        def by_time(rows: Sequence[Row]) -> Value:
            there = [row for row in rows if expression(row) is not None]
            ordered = sorted(there, key=lambda row: number(row.get("@timestamp")) or 0)
            return expression(ordered[place]) if ordered else None

        return by_time
    if name in ("pct", "percentile"):
        reader.must(",")
        share = number(reader.next().text)
        if share is None:
            raise Malformed("The percentile must be a number", word.start, word.end)
        return lambda rows: _percentile(_numbers(rows, expression), share)
    function = _AGGREGATES[name]
    return lambda rows: function([value for row in rows if (value := expression(row)) is not None])


def _numbers(rows: Sequence[Row], expression: Expression) -> list[float]:
    return [found for row in rows if (found := number(expression(row))) is not None]


def _percentile(values: list[float], share: float) -> Value:
    if not values:
        return None
    values.sort()
    place = (len(values) - 1) * share / 100
    low, high = math.floor(place), math.ceil(place)
    return values[low] + (values[high] - values[low]) * (place - low)


def _of_numbers(function: Callable[[list[float]], float]) -> Callable[[list[Value]], Value]:
    def call(values: list[Value]) -> Value:
        found = [each for value in values if (each := number(value)) is not None]
        return function(found) if found else None

    return call


def _deviation(values: list[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


_AGGREGATES: dict[str, Callable[[list[Value]], Value]] = {
    "sum": _of_numbers(sum),
    "avg": _of_numbers(lambda values: sum(values) / len(values)),
    "stddev": _of_numbers(_deviation),
    "median": _of_numbers(lambda values: float(_percentile(values, 50) or 0)),
    "min": lambda values: min(values, key=sort_key, default=None),
    "max": lambda values: max(values, key=sort_key, default=None),
    "count_distinct": lambda values: len({printed(value) for value in values}),
    "sortsfirst": lambda values: min(values, key=sort_key, default=None),
    "sortslast": lambda values: max(values, key=sort_key, default=None),
}
