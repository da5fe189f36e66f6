"""What Logs Insights remembers: queries with their results, what is scheduled or kept, and lookup tables."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Table


class Query(msgspec.Struct, frozen=True):
    """A Logs Insights query and how far it is."""

    id: str
    text: str
    groups: list[tuple[int, str]]
    start: int
    end: int
    limit: int
    created: float
    status: str = "Scheduled"
    matched: int = 0
    scanned: int = 0
    bytes: int = 0
    results: int = 0
    named: str = ""
    """The group it was started for, where it names one alone."""
    scheduled: tuple[str, int] | None = None
    """The scheduled query whose run it is, and when that was triggered."""


class Result(msgspec.Struct, frozen=True, array_like=True):
    """One row of a query's result, as (name, value) pairs."""

    fields: list[tuple[str, str]]


class Lookup(msgspec.Struct, frozen=True, array_like=True):
    """A lookup table: CSV with a line of names."""

    created: int
    updated: int
    body: str
    fields: list[str]
    records: int
    description: str = ""
    kms: str = ""


class Scheduled(msgspec.Struct, frozen=True, array_like=True):
    """A scheduled query, with its settings as they were given."""

    name: str
    created: int
    updated: int
    state: str
    settings: dict[str, Any]


class ScheduledRun(msgspec.Struct, frozen=True, array_like=True):
    """One run of a scheduled query."""

    query: str
    status: str
    error: str = ""
    destinations: list[dict[str, Any]] = []


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """A query that is kept under a name, with its members as they were given."""

    modified: int
    members: dict[str, Any]


QUERIES = Table("logs.queries", Query, counters={"running": lambda key, query: () if query.status in ("Scheduled", "Running") else None})
"""serial -> Query"""
QUERY_SERIALS = Table("logs.query_serials", int)
"""id of a query -> its serial"""
RESULTS = Table("logs.results", Result)
"""(serial of the query, number) -> Result"""
LOOKUPS = Table("logs.lookups", Lookup)
"""name -> Lookup"""
SCHEDULED = Table("logs.scheduled", Scheduled, indexes={"name": lambda key, scheduled: (scheduled.name,)})
"""id -> Scheduled"""
RUNS = Table("logs.runs", ScheduledRun)
"""(scheduled query, when it was triggered) -> ScheduledRun"""
DEFINITIONS = Table("logs.definitions", Definition, counters={"all": lambda key, definition: ()})
"""id -> Definition"""
