"""How scheduled queries run: a timer for the next time, a query as anybody might start it, and its results handed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from windtunnel.aws import schedules
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.queries.queries import get_query_results, start_query
from windtunnel.services.logs.queries.state import QUERIES, QUERY_SERIALS, RESULTS, RUNS, SCHEDULED, Query, Scheduled, ScheduledRun
from windtunnel.services.logs.queries.tables import csv_of, keep_table
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import arn_within

LOOKBACK_SECONDS = 3600
"""What is queried where no offset is said."""
HISTORY_SECONDS = 30 * 86_400
FORGOTTEN_AT_ONCE_MAX = 8


def plan_next(tx: Tx, scheduled_id: str, scheduled: Scheduled) -> None:
    """Sets the timer for the next run, or none where there is none."""
    tx.cancel_timer("run_scheduled", scheduled_id)
    if scheduled.state != "ENABLED":
        return
    settings = scheduled.settings
    begin, end = (_seconds(settings[word]) if word in settings else None for word in ("scheduleStartTime", "scheduleEndTime"))
    after = tx.now if begin is None else max(tx.now, begin - 1)
    due = schedules.parse(settings["scheduleExpression"]).next(after, settings.get("timezone", "UTC"))
    if due is not None and (end is None or due <= end):
        tx.timer(due, "run_scheduled", {"id": scheduled_id}, name=scheduled_id)


def run_scheduled(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: starts the query, and sets the timer for the next time."""
    scheduled_id = payload["id"]
    scheduled = tx.get(SCHEDULED, scheduled_id)
    if scheduled is None or scheduled.state != "ENABLED":
        return
    now, settings = int(tx.now), scheduled.settings
    request: dict[str, Any] = {
        "queryString": settings["queryString"],
        "startTime": now - settings.get("startTimeOffset", LOOKBACK_SECONDS),
        "endTime": now - settings.get("endTimeOffset", 0),
    }
    if "logGroupIdentifiers" in settings:
        request["logGroupIdentifiers"] = settings["logGroupIdentifiers"]
    try:
        started: Any = start_query(tx, request)  # pyright: ignore[reportArgumentType]
        query_id = started["queryId"]
        run = ScheduledRun(query_id, "Running")
        serial = tx.get(QUERY_SERIALS, query_id)
        query = tx.get(QUERIES, serial)
        assert query is not None, "a query that was just started"
        tx.put(QUERIES, serial, value=msgspec.structs.replace(query, scheduled=(scheduled_id, now * MILLISECONDS)))
    except Fault as fault:
        status = "InvalidQuery" if fault.code == "MalformedQueryException" else "Failed"
        run = ScheduledRun("", status, fault.message)
    tx.put(RUNS, scheduled_id, now * MILLISECONDS, value=run)
    for key, _ in tx.scan(RUNS, scheduled_id, end=((now - HISTORY_SECONDS) * MILLISECONDS,), limit=FORGOTTEN_AT_ONCE_MAX):
        tx.delete(RUNS, *key)
    plan_next(tx, scheduled_id, scheduled)


async def hand_on(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: a scheduled query has ended; its results go where they are to go, and EventBridge hears of it."""
    scheduled_id, triggered = payload["id"], payload["triggered"]
    scheduled, run = call.read(lambda tx: (tx.get(SCHEDULED, scheduled_id), tx.get(RUNS, scheduled_id, triggered)))
    if scheduled is None or run is None or run.status != "Running":
        return
    # What failed goes nowhere.
    configuration: dict[str, Any] = scheduled.settings.get("destinationConfiguration", {}) if payload["complete"] else {}
    destinations: list[dict[str, Any]] = []
    if "s3Configuration" in configuration:
        destinations.append(await _to_bucket(call, configuration["s3Configuration"], scheduled.name, run.query))
    if "lookupTableConfiguration" in configuration:
        destinations.append(await _to_table(call, configuration["lookupTableConfiguration"], run.query))
    await call.transact(_done, scheduled_id, triggered, destinations)


async def _to_bucket(call: Call, to: Mapping[str, Any], name: str, query_id: str) -> dict[str, Any]:
    bucket, _, prefix = to["destinationIdentifier"].removeprefix("s3://").partition("/")
    key = f"{prefix.rstrip('/')}/{name}/{query_id}.json".lstrip("/")
    body = orjson.dumps(call.read(lambda tx: get_query_results(tx, {"queryId": query_id})))
    destination = {"destinationType": "S3", "destinationIdentifier": to["destinationIdentifier"]}
    s3: Any = call.aws.s3
    try:
        await s3.put_object({"Bucket": bucket, "Key": key, "Body": body, "ContentType": "application/json"})
    except Fault as fault:
        return {**destination, "status": "CLIENT_ERROR", "errorMessage": fault.message}
    return {**destination, "status": "COMPLETE", "processedIdentifier": f"s3://{bucket}/{key}"}


async def _to_table(call: Call, to: Mapping[str, Any], query_id: str) -> dict[str, Any]:
    name = to["tableName"]
    destination = {"destinationType": "LOOKUP_TABLE", "destinationIdentifier": name}

    def keep(tx: Tx) -> str:
        serial = tx.get(QUERY_SERIALS, query_id)
        body = csv_of(result for _, result in tx.scan(RESULTS, serial))
        keep_table(tx, name, body, to.get("description", ""), to.get("kmsKeyId", ""))
        return arn_within(tx, "lookup-table", name)

    try:
        return {**destination, "status": "COMPLETE", "processedIdentifier": await call.transact(keep)}
    except Fault as fault:
        return {**destination, "status": "CLIENT_ERROR", "errorMessage": fault.message}


def _done(tx: Tx, scheduled_id: str, triggered: int, destinations: list[dict[str, Any]]) -> None:
    run, scheduled = tx.get(RUNS, scheduled_id, triggered), tx.get(SCHEDULED, scheduled_id)
    if run is None or scheduled is None:
        return
    query: Query | None = tx.get(QUERIES, tx.get(QUERY_SERIALS, run.query))
    assert query is not None, "a query that has just ended"
    tx.put(RUNS, scheduled_id, triggered, value=msgspec.structs.replace(run, status=query.status, destinations=destinations))
    detail = {
        "queryId": run.query,
        "queryString": query.text,
        "logGroupIdentifiers": scheduled.settings.get("logGroupIdentifiers", [name for _, name in query.groups]),
        "status": query.status,
        "startTime": int(query.created),
        "statistics": get_query_results(tx, {"queryId": run.query, "maxItems": 1}).get("statistics"),
    }
    tx.emit("aws.logs", "Scheduled Query Completed", detail, [arn_within(tx, "scheduled-query", scheduled_id)])


def _seconds(time: int) -> float:
    return time / MILLISECONDS if time > 10**11 else time
