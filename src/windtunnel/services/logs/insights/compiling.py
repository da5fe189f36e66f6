"""Logs Insights queries, compiled: words become what is done to rows.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from windtunnel.services.logs.insights import commands
from windtunnel.services.logs.insights.expression import HIDDEN, Expression, Reader, compiled
from windtunnel.services.logs.insights.patterns import COLUMNS, patterns
from windtunnel.services.logs.insights.plan import All, Each, Plan, Source
from windtunnel.services.logs.insights.stats import read_stats
from windtunnel.services.logs.insights.values import Row, Value, member, truth
from windtunnel.services.logs.insights.words import Malformed, Word, unexpected, words_of

MISSING = "addtotals anomaly appendcols cidrlookup diff expand fillmissing logcompare outlier relevantfields search sessionize"
"""Commands of AWS's that aren't here."""
LIMIT_MAX = 100_000
STATS_MAX = 10
LAGS_MAX = 100


class _Compiler:
    """Reads one query; one within parentheses ends with them."""

    def __init__(self, reader: Reader, *, inner: bool = False) -> None:
        self.reader, self.inner = reader, inner
        self.each: list[Each] = []
        self.all: list[All] = []
        self.columns: list[str] = []
        self.displayed: list[str] | None = None
        self.grouped = False
        self.enough: int | None = None
        self.ordered: Word | None = None
        self.source: Source | None = None
        self.join: Source | None = None
        self.subqueries: list[tuple[str, Plan]] = []
        self.tables: list[str] = []
        self.indexed: list[str] = []
        self.stats_count = 0

    def whole(self) -> Plan:
        reader = self.reader
        reader.subquery = None if self.inner else self.subquery
        while True:
            self.command()
            if reader.word.kind == "end" or (self.inner and reader.word.text == ")"):
                break
            reader.must("|")
        columns = self.displayed if self.displayed is not None else self.columns or ["@timestamp", "@message"]
        return Plan(
            each=tuple(self.each),
            all=tuple(self.all),
            columns=tuple(dict.fromkeys(columns)),
            grouped=self.grouped,
            enough=self.enough,
            fields=frozenset({*reader.fields, *columns}),
            source=self.source,
            subqueries=tuple(self.subqueries),
            join=self.join,
            tables=tuple(self.tables),
            indexed=tuple(self.indexed),
            stats=self.stats_count,
        )

    def command(self) -> None:
        word = self.reader.next()
        name = word.text.lower()
        if name in MISSING.split() and word.kind == "name":
            raise NotImplementedError(name)
        known: dict[str, Callable[[Word], None]] = {
            "source": self.sources,
            "fields": self.fields,
            "display": self.display,
            "filter": self.filter,
            "where": self.filter,
            "filterindex": self.filter_index,
            "parse": self.parse,
            "stats": self.stats,
            "sort": self.sort,
            "order": self.sort,
            "limit": self.limit,
            "head": self.limit,
            "tail": self.limit,
            "dedup": self.dedup,
            "unmask": self.unmask,
            "unnest": self.unnest,
            "pattern": self.pattern,
            "lookup": self.lookup,
            "join": self.joins,
            "filldown": self.filldown,
            "accum": self.accum,
            "autoregress": self.autoregress,
            "countfrequent": self.count_frequent,
            "count_frequent": self.count_frequent,
        }
        if word.kind != "name" or name not in known:
            raise unexpected(word)
        known[name](word)

    def row_by_row(self, each: Each) -> None:
        """A command that needs one row at a time joins those that run while reading, unless others came before it."""
        if self.all or self.enough is not None:
            self.all.append(lambda rows, _: [row for row in rows if each(row)])
        else:
            self.each.append(each)

    def listed(self) -> list[tuple[str, Expression]]:
        """Fields or expressions with commas between them, and what they are called."""
        found = [self.named()]
        while self.reader.takes(","):
            found.append(self.named())
        return found

    def named(self) -> tuple[str, Expression]:
        reader = self.reader
        start = reader.word.start
        expression = reader.expression()
        name = reader.query[start : reader.words[reader.at - 1].end].strip("`")
        return (reader.name() if reader.takes("as") else name), expression

    def shown(self) -> list[str]:
        """Columns, each a field or an expression with its alias."""
        names: list[str] = []
        while True:
            first, at = self.reader.word, self.reader.at
            name, expression = self.named()
            if not (self.reader.at - at == 1 and first.kind == "name"):
                self.row_by_row(commands.assigning(name, expression))
            names.append(name)
            if not self.reader.takes(","):
                return names

    def fields(self, _: Word) -> None:
        self.columns += self.shown()

    def display(self, _: Word) -> None:
        self.displayed = self.shown()

    def filter(self, _: Word) -> None:
        expression = self.reader.expression()
        self.row_by_row(lambda row: truth(expression(row)))

    def filter_index(self, _: Word) -> None:
        """A filter by fields that are indexed; where they aren't, nothing is read."""
        known = set(self.reader.fields)
        self.reader.fields.clear()
        self.filter(_)
        self.indexed += sorted(self.reader.fields)
        self.reader.fields |= known

    def subquery(self) -> str:
        """A query between parentheses, which are open; its values will lie in the hidden field that is returned."""
        reader = self.reader
        inner = Reader(reader.words, reader.query)
        inner.at = reader.at
        plan = _Compiler(inner, inner=True).whole()
        if plan.source is None:
            raise unexpected(reader.word)
        reader.at = inner.at
        reader.must(")")
        name = f"{HIDDEN}in{len(self.subqueries)}"
        self.subqueries.append((name, plan))
        return name

    def sources(self, word: Word) -> None:
        if self.each or self.all or self.source is not None:
            raise unexpected(word)
        self.source = self.groups()

    def groups(self) -> Source:
        """`'/a/group'`, or `logGroups(namePrefix: ['a', 'b'], class: ['STANDARD'])`."""
        reader = self.reader
        if reader.word.kind == "text":
            names = [reader.next().text]
            while reader.word.kind == "text":
                names.append(reader.next().text)
            return Source(names=tuple(names))
        word = reader.next()
        if word.text.lower() == "datasource":
            raise NotImplementedError("SOURCE dataSource")
        if word.text.lower() != "loggroups":
            raise unexpected(word)
        found: dict[str, tuple[str, ...]] = {}
        reader.must("(")
        while not reader.takes(")"):
            name = reader.name().lower()
            reader.must(":")
            found[name] = self.texts()
            reader.takes(",")
        accounts = found.get("accountidentifiers", found.get("accountidentifier", ()))
        return Source(prefixes=found.get("nameprefix", ("",)), kinds=found.get("class", ("STANDARD",)), accounts=accounts)

    def texts(self) -> tuple[str, ...]:
        self.reader.must("[")
        found: list[str] = []
        while not self.reader.takes("]"):
            found.append(self.reader.next().text)
            self.reader.takes(",")
        return tuple(found)

    def parse(self, _: Word) -> None:
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
        self.row_by_row(commands.extracting(source, pattern, names))

    def stats(self, word: Word) -> None:
        if self.ordered is not None:
            raise Malformed("sort and limit must come after the last stats command", self.ordered.start, self.ordered.end)
        self.stats_count += 1
        if self.stats_count > STATS_MAX:
            raise Malformed(f"A query can have at most {STATS_MAX} stats commands", word.start, word.end)
        self.columns, stats = read_stats(self.reader)
        self.displayed, self.grouped = None, True
        self.all.append(lambda rows, _: stats(rows))

    def sort(self, word: Word) -> None:
        self.ordered = word
        self.reader.takes("by")
        keys: list[tuple[Expression, bool]] = []
        while True:
            expression = self.reader.expression()
            keys.append((expression, self.reader.takes("asc", "desc") == "desc"))
            if not self.reader.takes(","):
                break
        self.all.append(commands.sorting(keys))

    def limit(self, first: Word) -> None:
        self.ordered = first
        self.reader.takes("any")
        word = self.reader.next()
        if word.kind != "number" or not word.text.isdigit() or not 1 <= int(word.text) <= LIMIT_MAX:
            raise unexpected(word)
        count = int(word.text)
        if not self.all and self.enough is None:
            self.enough = count
        self.all.append(lambda rows, _: rows[:count])

    def dedup(self, _: Word) -> None:
        self.all.append(commands.distinct([expression for _, expression in self.listed()]))

    def unmask(self, _: Word) -> None:
        """The message as it came in; which field is meant makes no difference, there is only one that hides anything."""
        self.reader.expression()
        original = HIDDEN + "original"
        self.reader.fields.add(original)
        self.row_by_row(commands.assigning("@message", lambda row: row.get(original, row.get("@message"))))

    def unnest(self, _: Word) -> None:
        source = self.reader.expression()
        self.reader.must("into")
        self.all.append(commands.unnesting(source, self.reader.name()))

    def pattern(self, _: Word) -> None:
        source = self.reader.expression()
        self.columns, self.displayed, self.grouped = [*COLUMNS], None, True
        self.all.append(lambda rows, _: patterns(rows, source))

    def lookup(self, _: Word) -> None:
        reader = self.reader
        table = reader.name()
        keys: list[tuple[str, Expression]] = []
        while True:
            name = reader.name()
            field = reader.name() if reader.takes("as") else name
            reader.fields.add(field)
            keys.append((name, _field(field)))
            if not reader.takes(","):
                break
        reader.must("output")
        output = [reader.name()]
        while reader.takes(","):
            output.append(reader.name())
        self.tables.append(table)
        self.all.append(commands.looking_up(table, keys, output))

    def joins(self, word: Word) -> None:
        reader = self.reader
        if self.join is not None:
            raise Malformed("A query can have only one join command", word.start, word.end)
        told = {"type": "inner"}
        while not reader.takes("where"):
            option = reader.name().lower()
            if option not in ("type", "left", "right"):
                raise unexpected(word)
            reader.must("=")
            told[option] = reader.name()
        if told.keys() != {"type", "left", "right"} or told["type"] not in ("inner", "left"):
            raise unexpected(word)
        sides = [reader.next(), reader.next(), reader.next()]
        keys = dict(side.text.split(".", 1) for side in sides[::2] if side.kind == "name" and "." in side.text)
        if sides[1].text != "=" or keys.keys() != {told["left"], told["right"]}:
            raise unexpected(sides[0])
        reader.must("(")
        reader.must("source")
        self.join = self.groups()
        reader.must(")")
        left, right = told["left"], told["right"]
        reader.fields |= set(keys.values())
        self.all.append(commands.joining(left, right, keys[left], keys[right], keep=told["type"] == "left"))

    def filldown(self, _: Word) -> None:
        names: list[str] = []
        while self.reader.word.kind == "name":
            names.append(self.reader.name() + self.reader.takes("*"))
            self.reader.takes(",")
        self.all.append(commands.filling(names))

    def accum(self, _: Word) -> None:
        name, source = self.named()
        self.columns.append(name)
        self.all.append(commands.accumulating(source, name))

    def autoregress(self, _: Word) -> None:
        reader = self.reader
        name, source = self.named()
        first = last = 1
        if reader.takes("p"):
            reader.must("=")
            first = last = self.lag()
            if reader.takes("-"):
                last = self.lag()
        names = {lag: f"{name}_p{lag}" for lag in range(first, last + 1)}
        self.columns += names.values()
        self.all.append(commands.lagging(source, names))

    def lag(self) -> int:
        word = self.reader.next()
        if not word.text.isdigit() or not 1 <= int(word.text) <= LAGS_MAX:
            raise unexpected(word)
        return int(word.text)

    def count_frequent(self, _: Word) -> None:
        found = self.listed()
        names = [name for name, _ in found]
        self.columns, self.displayed, self.grouped = [*names, commands.COUNTED], None, True
        self.all.append(commands.counting(names, [expression for _, expression in found]))


@lru_cache(maxsize=256)
def compile_query(text: str) -> Plan:
    """The plan of a query. Raises Malformed, or NotImplementedError with the name of a command that isn't here."""
    return _Compiler(Reader(words_of(text), text)).whole()


def _message(row: Row) -> Value:
    return row.get("@message")


def _field(name: str) -> Expression:
    return lambda row: member(row, name)
