"""How a query runs: slice by slice over the events of its groups, newest first, between which everything else goes on."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.fields.indexing import DEFAULTS, indexed_since
from windtunnel.services.logs.insights.compiling import compile_query
from windtunnel.services.logs.insights.expression import CONTEXT
from windtunnel.services.logs.insights.plan import Context, Plan
from windtunnel.services.logs.insights.records import row_of
from windtunnel.services.logs.insights.values import Row, member, number, printed
from windtunnel.services.logs.queries.sources import chosen_groups
from windtunnel.services.logs.queries.state import LOOKUPS, QUERIES, RESULTS, Query, Result
from windtunnel.services.logs.retention import cutoff
from windtunnel.services.logs.rules import Place, byte_length
from windtunnel.services.logs.state import GROUPS
from windtunnel.services.logs.walk import backwards, stands

SLICE_EVENTS = 2000
RESULTS_AT_ONCE = 1000


class Slice(msgspec.Struct):
    """What one step found, and where the next one goes on; None at the end."""

    rows: list[Row]
    scanned: int
    bytes: int
    next: Place | None


class Stopped(Exception):
    """The query was stopped while it ran."""


class Run(msgspec.Struct):
    """A query under way."""

    serial: int
    query: Query
    scanned: int = 0
    bytes: int = 0
    shown: int = 0
    """How many results are there to be seen already."""


async def run_query(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: runs a query that was started. One that a crash cut off begins anew."""
    serial = payload["serial"]
    query = await call.transact(_begin, serial)
    if query is None:
        return
    run, plan = Run(serial, query), compile_query(query.text)
    try:
        context = await _context(call, run, plan)
        found = await _read(call, run, plan, query.groups, context, partial=True)
    except Stopped:
        return
    except Fault:  # a group or table that was there when the query was started
        await call.transact(_finish, run, {"status": "Failed"})
        return
    rows: Sequence[Row] = found
    for stage in plan.all:
        rows = stage(rows, context)
    results = [_result(row, plan) for row in rows[: query.limit]]
    for at in range(0, len(results), RESULTS_AT_ONCE):
        await call.transact(_write, serial, at, results[at : at + RESULTS_AT_ONCE])
    done = {"status": "Complete", "matched": len(found), "scanned": run.scanned, "bytes": run.bytes, "results": len(results)}
    await call.transact(_finish, run, done)


async def _context(call: Call, run: Run, plan: Plan) -> Context:
    """What the query needs to know before its own events are read: tables, what subqueries find, and the other side of a join."""
    query = run.query
    times = {"now": int(query.created), "querystarttime": query.start, "queryendtime": query.end, "querytimerange": query.end - query.start}
    hidden: Row = {"@aws.account": call.account, "@aws.region": call.region, **{field: times[name] for name, field in CONTEXT.items()}}
    context = Context(hidden, {name: call.read(_table, name) for name in plan.tables}, [])
    for field, inner in plan.subqueries:
        assert inner.source is not None, "a subquery without a source"
        rows: Sequence[Row] = await _read(call, run, inner, call.read(chosen_groups, inner.source), context)
        for stage in inner.all:
            rows = stage(rows, context)
        hidden[field] = [printed(row.get(inner.columns[0])) for row in rows]
    if plan.join is not None:
        plain = compile_query("fields @message")
        wanted = msgspec.structs.replace(plain, fields=plan.fields)
        context.joined = await _read(call, run, wanted, call.read(chosen_groups, plan.join), context)
    return context


async def _read(
    call: Call, run: Run, plan: Plan, groups: Sequence[tuple[int, str]], context: Context, *, partial: bool = False
) -> list[Row]:
    """The rows of some groups that are left after what is done to each, newest first. Raises Stopped."""
    query = run.query
    enough = query.limit if plan.enough is None else min(plan.enough, query.limit)
    early = partial and (plan.enough is not None or not plan.all)
    found: list[Row] = []
    for group, name in groups:
        place: Place | None = Place(query.end + 1, 0, 0)
        matched = 0
        while place is not None and not (early and matched >= enough):
            step = call.read(_slice, query, plan, group, name, place, context.hidden)
            found += step.rows
            matched += len(step.rows)
            run.scanned, run.bytes, place = run.scanned + step.scanned, run.bytes + step.bytes, step.next
            # Others get their turn; a query that was stopped meanwhile goes no further. What is final already can be seen.
            results = [_result(row, plan) for row in found[run.shown : query.limit]] if partial and not plan.all else []
            if not await call.transact(_goes_on, run, len(found), results):
                raise Stopped
            run.shown += len(results)
    if len(groups) > 1:
        found.sort(key=lambda row: number(row["@timestamp"]) or 0, reverse=True)
    return found


def _begin(tx: Tx, serial: int) -> Query | None:
    query = tx.get(QUERIES, serial)
    if query is None or query.status not in ("Scheduled", "Running"):
        return None
    query = msgspec.structs.replace(query, status="Running", results=0)
    tx.put(QUERIES, serial, value=query)
    return query


def _goes_on(tx: Tx, run: Run, matched: int, results: list[Result]) -> bool:
    query = tx.get(QUERIES, run.serial)
    if query is None or query.status != "Running":
        return False
    _write(tx, run.serial, run.shown, results)
    progress = {"matched": matched, "scanned": run.scanned, "bytes": run.bytes, "results": run.shown + len(results)}
    tx.put(QUERIES, run.serial, value=msgspec.structs.replace(query, **progress))
    return True


def _slice(tx: Tx, query: Query, plan: Plan, group_id: int, name: str, place: Place, hidden: Row) -> Slice:
    group = tx.get(GROUPS, name)
    if group is None or group.id != group_id:
        return Slice([], 0, 0, None)
    since = [0 if field in DEFAULTS else indexed_since(tx, name, group, field) for field in plan.indexed]
    if any(one is None for one in since):
        return Slice([], 0, 0, None)
    ingested = max((one for one in since if one is not None), default=0)
    start = max(query.start, cutoff(tx, name, group))
    log = f"{tx.account}:{name}"
    known: dict[int, bool] = {}
    rows: list[Row] = []
    scanned = size = 0
    last: Place | None = None
    for here, chunk in islice(backwards(tx, group_id, place, start), SLICE_EVENTS):
        last = here
        if chunk.ingested < ingested or not stands(tx, group_id, chunk, known):
            continue
        scanned += 1
        size += byte_length(chunk.messages[here.number])
        row = {**hidden, **row_of(log, group_id, here, chunk, plan.fields)}
        if all(each(row) for each in plan.each):
            rows.append(row)
    return Slice(rows, scanned, size, last)


def _table(tx: Tx, name: str) -> list[dict[str, str]]:
    lookup = tx.get(LOOKUPS, name)
    return [] if lookup is None else list(csv.DictReader(StringIO(lookup.body)))


def _result(row: Row, plan: Plan) -> Result:
    names = plan.columns if plan.grouped else (*plan.columns, "@ptr")
    return Result([(name, text) for name in names if (text := printed(member(row, name))) is not None])


def _write(tx: Tx, serial: int, at: int, results: list[Result]) -> None:
    for place, result in enumerate(results, at):
        tx.put(RESULTS, serial, place, value=result)


def _finish(tx: Tx, run: Run, done: Mapping[str, Any]) -> None:
    query = tx.get(QUERIES, run.serial)
    if query is None or query.status != "Running":
        return
    tx.put(QUERIES, run.serial, value=msgspec.structs.replace(query, **done))
    if query.scheduled is not None:
        scheduled_id, triggered = query.scheduled
        tx.timer(tx.now, "hand_on", {"id": scheduled_id, "triggered": triggered, "complete": done["status"] == "Complete"})
    # What a query costs is what it reads: https://aws.amazon.com/cloudwatch/pricing/
    tx.meter("DataScanned-Bytes", run.bytes / (1 << 30))
