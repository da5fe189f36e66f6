"""What a compiled Logs Insights query is: what it reads, what it does to each row, what to all of them, which columns it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from windtunnel.services.logs.insights.values import Row


class Source(msgspec.Struct, frozen=True):
    """Which groups are queried: by their names, or by the beginnings of their names and by classes."""

    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("STANDARD",)
    accounts: tuple[str, ...] = ()


class Context(msgspec.Struct):
    """What a query needs beside its rows."""

    hidden: Row
    """Fields that every row has."""
    tables: dict[str, list[dict[str, str]]]
    """Lookup tables by name."""
    joined: list[Row]
    """The rows of the other side of a join."""


Each = Callable[[Row], bool]
"""Adds to a row what a command makes of it; False drops it."""
All = Callable[[Sequence[Row], Context], Sequence[Row]]


class Plan(msgspec.Struct, frozen=True):
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
    source: Source | None
    subqueries: tuple[tuple[str, Plan], ...]
    """Hidden field -> the query whose first column it holds."""
    join: Source | None
    tables: tuple[str, ...]
    indexed: tuple[str, ...]
    """Fields by whose indexes the groups are chosen."""
    stats: int
    """How often it aggregates."""
