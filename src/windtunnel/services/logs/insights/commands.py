"""What commands of Logs Insights do to rows: functions of rows, made of what the command's words said."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from windtunnel.services.logs.insights.expression import HIDDEN, Expression
from windtunnel.services.logs.insights.plan import All, Context, Each
from windtunnel.services.logs.insights.values import Row, Value, number, printed, sort_key

COUNTED = "_approxcount"
JOINED_KEYS_MAX = 50_000
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Join.html"""


def assigning(name: str, expression: Expression) -> Each:
    def assign(row: Row) -> bool:
        row[name] = expression(row)
        return True

    return assign


def extracting(source: Expression, pattern: re.Pattern[str], names: Sequence[str]) -> Each:
    def extract(row: Row) -> bool:
        match = pattern.search(printed(source(row)) or "")
        if match is not None:
            row.update(zip(names, match.groups(), strict=True))
        return True

    return extract


def sorting(keys: Sequence[tuple[Expression, bool]]) -> All:
    def ordered(rows: Sequence[Row], _: Context) -> Sequence[Row]:
        found = list(rows)
        for expression, descending in reversed(keys):
            found.sort(key=lambda row: sort_key(expression(row)), reverse=descending)
        return found

    return ordered


def distinct(keys: Sequence[Expression]) -> All:
    def different(rows: Sequence[Row]) -> Iterator[Row]:
        seen: set[tuple[str | None, ...]] = set()
        for row in rows:
            values = tuple(printed(key(row)) for key in keys)
            if values not in seen:
                seen.add(values)
                yield row

    return lambda rows, _: list(different(rows))


def unnesting(source: Expression, name: str) -> All:
    """A row for each element of a list; whatever is no list is its own only element."""

    def elements(value: Value) -> list[Value]:
        return value if isinstance(value, list) else [value]

    return lambda rows, _: [{**row, name: element} for row in rows for element in elements(source(row))]


def filling(names: Sequence[str]) -> All:
    def filled(rows: Sequence[Row], _: Context) -> Sequence[Row]:
        known: Row = {}
        made: list[Row] = []
        for row in rows:
            carried = {name: value for name, value in known.items() if row.get(name) is None}
            made.append({**row, **carried})
            chosen = {name: value for name, value in row.items() if value is not None and not name.startswith(HIDDEN)}
            known.update({name: value for name, value in chosen.items() if not names or any(fnmatchcase(name, one) for one in names)})
        return made

    return filled


def accumulating(source: Expression, name: str) -> All:
    def summed(rows: Sequence[Row], _: Context) -> Sequence[Row]:
        total: float = 0
        made: list[Row] = []
        for row in rows:
            value = number(source(row))
            total += value or 0
            made.append({**row, name: None if value is None else total})
        return made

    return summed


def lagging(source: Expression, names: Mapping[int, str]) -> All:
    def lagged(rows: Sequence[Row], _: Context) -> Sequence[Row]:
        values = [source(row) for row in rows]
        return [{**row, **{name: values[at - lag] if at >= lag else None for lag, name in names.items()}} for at, row in enumerate(rows)]

    return lagged


def counting(names: Sequence[str], keys: Sequence[Expression]) -> All:
    def counted(rows: Sequence[Row], _: Context) -> Sequence[Row]:
        counts = Counter(tuple(printed(key(row)) for key in keys) for row in rows)
        return [{**dict(zip(names, values, strict=True)), COUNTED: count} for values, count in counts.most_common()]

    return counted


def looking_up(table: str, keys: Sequence[tuple[str, Expression]], output: Sequence[str]) -> All:
    def enriched(rows: Sequence[Row], context: Context) -> Sequence[Row]:
        known: dict[tuple[str | None, ...], dict[str, str]] = {}
        for entry in context.tables[table]:
            known.setdefault(tuple(entry.get(name) for name, _ in keys), entry)
        made: list[Row] = []
        for row in rows:
            entry = known.get(tuple(printed(key(row)) for _, key in keys))
            made.append(row if entry is None else {**row, **{name: entry.get(name) for name in output}})
        return made

    return enriched


def joining(left: str, right: str, ours: str, theirs: str, *, keep: bool) -> All:
    """Rows with those of the other side that have the same key; both sides' fields have their alias before their names."""

    def joined(rows: Sequence[Row], context: Context) -> Sequence[Row]:
        others: dict[str, list[Row]] = defaultdict(list)
        for row in context.joined:
            key = printed(row.get(theirs))
            if key is not None and (key in others or len(others) < JOINED_KEYS_MAX):
                others[key].append(_named(right, row))
        made: list[Row] = []
        for row in rows:
            mine = {**row, **_named(left, row)}
            found = others.get(printed(row.get(ours)) or "", ())
            made += [{**mine, **other} for other in found] or ([mine] if keep else [])
        return made

    return joined


def _named(alias: str, row: Row) -> Row:
    return {f"{alias}.{name}": value for name, value in row.items() if not name.startswith(HIDDEN)}
