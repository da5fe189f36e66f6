"""The `stats` command of Logs Insights: rows become groups, and groups numbers.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from windtunnel.services.logs.insights.expression import HIDDEN, Expression, Reader
from windtunnel.services.logs.insights.values import Row, Value, number, printed, sort_key
from windtunnel.services.logs.insights.words import Malformed, Word

Aggregate = Callable[[Sequence[Row]], Value]
TOP_MAX = 10_000


class Column(NamedTuple):
    """What is shown under a name: an expression over aggregates, which lie under hidden names."""

    name: str
    aggregates: dict[str, Aggregate]
    expression: Expression

    def of(self, rows: Sequence[Row], group: Row) -> Value:
        return self.expression({**group, **{name: aggregate(rows) for name, aggregate in self.aggregates.items()}})


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
        made: list[Row] = []
        for values, members in groups.values():
            group = dict(zip((name for name, _ in keys), values, strict=True))
            made.append({**group, **{column.name: column.of(members, group) for column in columns}})
        return made

    return [*(name for name, _ in keys), *(column.name for column in columns)], stats


def _key(reader: Reader) -> tuple[str, Expression]:
    start = reader.word.start
    expression = reader.expression()
    name = reader.query[start : reader.words[reader.at - 1].end]
    return (reader.name() if reader.takes("as") else name.strip("`")), expression


def _column(reader: Reader) -> Column:
    first, aggregates = reader.word, dict[str, Aggregate]()

    def aggregate(word: Word) -> Expression:
        reader.aggregate = None
        name = f"{HIDDEN}{len(aggregates)}"
        reader.must("(")
        aggregates[name] = _aggregate(reader, word)
        reader.must(")")
        reader.aggregate = aggregate
        return lambda row: row.get(name)

    reader.aggregate = aggregate
    expression = reader.expression()
    reader.aggregate = None
    if not aggregates:
        raise Malformed("stats needs an aggregate function", first.start, first.end)
    shown = reader.query[first.start : reader.words[reader.at - 1].end]
    return Column(reader.name() if reader.takes("as") else shown, aggregates, expression)


def _aggregate(reader: Reader, word: Word) -> Aggregate:
    name = word.text.lower()
    if name == "count":
        if reader.takes("*") or reader.word.text == ")":
            return len
        counted = reader.expression()
        return lambda rows: sum(counted(row) is not None for row in rows)
    if name == "topk":
        count = number(reader.next().text)
        if count is None or not 1 <= count <= TOP_MAX:
            raise Malformed(f"The first argument of topk must be between 1 and {TOP_MAX}", word.start, word.end)
        reader.must(",")
        ranked = reader.expression()
        return lambda rows: [
            value for value, _ in Counter(printed(ranked(row)) for row in rows).most_common(int(count)) if value is not None
        ]
    expression = reader.expression()
    if name in ("earliest", "latest"):
        return _by_time(expression, 0 if name == "earliest" else -1)
    if name in ("pct", "percentile"):
        reader.must(",")
        share = number(reader.next().text)
        if share is None:
            raise Malformed("The percentile must be a number", word.start, word.end)
        return lambda rows: _percentile(_numbers(rows, expression), share)
    function = _AGGREGATES[name]
    return lambda rows: function([value for row in rows if (value := expression(row)) is not None])


def _by_time(expression: Expression, place: int) -> Aggregate:
    def by_time(rows: Sequence[Row]) -> Value:
        there = [row for row in rows if expression(row) is not None]
        ordered = sorted(there, key=lambda row: number(row.get("@timestamp")) or 0)
        return expression(ordered[place]) if ordered else None

    return by_time


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


def _squares(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


def _different(values: list[Value]) -> list[str]:
    return [text for text in dict.fromkeys(map(printed, values)) if text is not None]


def _least(values: list[Value]) -> Value:
    return min(values, key=sort_key, default=None)


def _most(values: list[Value]) -> Value:
    return max(values, key=sort_key, default=None)


_AGGREGATES: dict[str, Callable[[list[Value]], Value]] = {
    "sum": _of_numbers(sum),
    "avg": _of_numbers(lambda values: sum(values) / len(values)),
    "stddev": _of_numbers(lambda values: math.sqrt(_squares(values) / (len(values) - 1)) if len(values) > 1 else 0.0),
    "variance": _of_numbers(lambda values: _squares(values) / len(values)),
    "median": _of_numbers(lambda values: float(number(_percentile(values, 50)) or 0)),
    "min": _least,
    "max": _most,
    "count_distinct": lambda values: len(_different(values)),
    "countdistinct": lambda values: len(_different(values)),
    "values": _different,
    "collect_values": _different,
    "sortsfirst": _least,
    "sortslast": _most,
}
