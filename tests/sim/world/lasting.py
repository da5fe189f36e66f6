"""What lies in the store of durable executions, which no operation shows: rows, their counters, and the timers that are to wake them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from windtunnel.fabric import Tx
from windtunnel.fabric.timers import PARKED, RUNNING, TIMERS
from windtunnel.services.lambda_.durable.state import EVENTS, EXECUTIONS, OPERATIONS

WAITING = {("STEP", "PENDING"), ("WAIT", "STARTED"), ("CALLBACK", "STARTED"), ("CHAINED_INVOKE", "STARTED")}


class Lasting(NamedTuple):
    """`live`: of each execution by its id the status, whether a run is planned or under way, and how many operations are waited for.

    `amiss`: what does not fit together.
    """

    live: dict[str, tuple[str, bool, int]]
    amiss: list[str]


def lasting(tx: Tx) -> Lasting:
    """The executions of a region."""
    executions = dict(tx.scan(EXECUTIONS))
    waits, operations, events = Counter[Any](), Counter[Any](), Counter[Any]()
    for key, row in tx.scan(OPERATIONS):
        operations[key[:2]] += 1
        waits[key[:2]] += (row.type, row.status) in WAITING
    for key, _ in tx.scan(EVENTS):
        events[key[:2]] += 1
    planned: set[int] = set()
    for table in (TIMERS, RUNNING, PARKED):
        planned |= {timer.payload["run"] for _, timer in tx.scan(table) if timer.handler == "durable_run" and timer.region == tx.region}
    amiss = [f"{key} has left rows behind" for key in (operations | events) if key not in executions]
    live: dict[str, tuple[str, bool, int]] = {}
    for key, row in executions.items():
        if row.status == "DELETING":
            continue
        counted = tx.count(OPERATIONS, "waits", *key)
        if counted != waits[key]:
            amiss.append(f"{row.id} counts {counted} operations that are waited for, of {waits[key]}")
        if (operations[key], events[key]) != (row.operations, row.events):
            amiss.append(f"{row.id} has {operations[key]} operations of {row.operations}, {events[key]} events of {row.events}")
        if row.run and row.run not in planned:
            amiss.append(f"{row.id} ({row.status}) takes a run for planned which nothing begins")
        if not row.ended:
            live[row.id] = (row.status, bool(row.run), waits[key])
            if row.status == "RUNNING" and not (row.run or waits[key]):
                amiss.append(f"{row.id} waits for nothing, and does not run")
            if row.status == "RUNNING" and not row.run and row.changes > row.seen:
                amiss.append(f"{row.id} has news, and does not run")
    return Lasting(live, amiss)
