"""How a query runs: slice by slice over the events of its groups, newest first, between which everything else goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from windtunnel.fabric import Call, Tx
from windtunnel.services.logs.insights import Query as Compiled
from windtunnel.services.logs.insights import compile_query
from windtunnel.services.logs.insights_values import Row, number, printed
from windtunnel.services.logs.records import row_of
from windtunnel.services.logs.rules import Place, byte_length
from windtunnel.services.logs.state import GROUPS, QUERIES, RESULTS, Query, Result
from windtunnel.services.logs.walk import backwards, stands

SLICE_EVENTS = 2000
RESULTS_AT_ONCE = 1000


class Slice(msgspec.Struct):
    """What one step found, and where the next one goes on; None at the end."""

    rows: list[Row]
    scanned: int
    bytes: int
    next: Place | None


async def run_query(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: runs a query that was started. One that a crash cut off begins anew: its results come all at once, at the end."""
    serial = payload["serial"]
    query = await call.transact(_begin, serial)
    if query is None:
        return
    plan = compile_query(query.text)
    enough = query.limit if plan.enough is None else min(plan.enough, query.limit)
    early = plan.enough is not None or not plan.all
    found: list[Row] = []
    scanned = size = 0
    for group, name in query.groups:
        place: Place | None = Place(query.end + 1, 0, 0)
        matched = 0
        while place is not None and not (early and matched >= enough):
            step = call.read(_slice, query, plan, group, name, place)
            found += step.rows
            matched += len(step.rows)
            scanned, size, place = scanned + step.scanned, size + step.bytes, step.next
            # Others get their turn; a query that was stopped meanwhile goes no further.
            if not await call.transact(_goes_on, serial):
                return
    if len(query.groups) > 1:
        found.sort(key=lambda row: number(row["@timestamp"]) or 0, reverse=True)
    rows: Sequence[Row] = found
    for stage in plan.all:
        rows = stage(rows)
    results = [_result(row, plan) for row in rows[: query.limit]]
    for at in range(0, len(results), RESULTS_AT_ONCE):
        await call.transact(_write, serial, at, results[at : at + RESULTS_AT_ONCE])
    await call.transact(_finish, serial, len(found), scanned, size, len(results))


def _begin(tx: Tx, serial: int) -> Query | None:
    query = tx.get(QUERIES, serial)
    if query is None or query.status not in ("Scheduled", "Running"):
        return None
    tx.put(QUERIES, serial, value=msgspec.structs.replace(query, status="Running"))
    return query


def _goes_on(tx: Tx, serial: int) -> bool:
    query = tx.get(QUERIES, serial)
    return query is not None and query.status == "Running"


def _slice(tx: Tx, query: Query, plan: Compiled, group_id: int, name: str, place: Place) -> Slice:
    group = tx.get(GROUPS, name)
    if group is None or group.id != group_id:
        return Slice([], 0, 0, None)
    start = max(query.start, group.cutoff(tx.now))
    log = f"{tx.account}:{name}"
    known: dict[int, bool] = {}
    rows: list[Row] = []
    scanned = size = 0
    last: Place | None = None
    for here, chunk in islice(backwards(tx, group_id, place, start), SLICE_EVENTS):
        last = here
        if not stands(tx, group_id, chunk, known):
            continue
        scanned += 1
        size += byte_length(chunk.messages[here.number])
        row = row_of(log, group_id, here, chunk, plan.fields)
        if all(each(row) for each in plan.each):
            rows.append(row)
    return Slice(rows, scanned, size, last)


def _result(row: Row, plan: Compiled) -> Result:
    names = plan.columns if plan.grouped else (*plan.columns, "@ptr")
    return Result([(name, text) for name in names if (text := printed(row.get(name))) is not None])


def _write(tx: Tx, serial: int, at: int, results: list[Result]) -> None:
    for place, result in enumerate(results, at):
        tx.put(RESULTS, serial, place, value=result)


def _finish(tx: Tx, serial: int, matched: int, scanned: int, size: int, results: int) -> None:
    query = tx.get(QUERIES, serial)
    if query is None or query.status != "Running":
        return
    done = msgspec.structs.replace(query, status="Complete", matched=matched, scanned=scanned, bytes=size, results=results)
    tx.put(QUERIES, serial, value=done)
    # What a query costs is what it reads: https://aws.amazon.com/cloudwatch/pricing/
    tx.meter("DataScanned-Bytes", size / (1 << 30))
