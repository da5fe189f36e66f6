"""Logs Insights: queries are started, run beside everything else, and their results asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.insights.compiling import compile_query
from windtunnel.services.logs.insights.plan import Plan, Source
from windtunnel.services.logs.insights.records import discovered, row_of
from windtunnel.services.logs.insights.values import printed
from windtunnel.services.logs.insights.words import Malformed
from windtunnel.services.logs.queries.sources import chosen_groups
from windtunnel.services.logs.queries.state import LOOKUPS, QUERIES, QUERY_SERIALS, RESULTS, RUNS, Query
from windtunnel.services.logs.retention import cutoff
from windtunnel.services.logs.rules import MILLISECONDS, Place, bad_token, invalid
from windtunnel.services.logs.state import CHUNKS, GROUPS, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

RESULT_ROWS = 10_000
"""Unless the query or the request say otherwise: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
GROUPS_MAX = 50
QUERIES_AT_ONCE_MAX = 100
RARE_STATS_MAX = 2
KEPT_SECONDS = 7 * 86_400
FORGOTTEN_AT_ONCE_MAX = 8
DESCRIBE_QUERIES_LIMIT = 1000
RESULTS_PAGE = 10_000
RUNNING = ("Scheduled", "Running")


def start_query(tx: Tx, req: t.StartQueryRequest) -> t.StartQueryResponse:
    if req.get("queryLanguage", "CWLI") != "CWLI":
        raise Fault("NotImplemented", f"windtunnel does not implement queries in {req.get('queryLanguage')}.", status=501)
    plan = _compiled(req["queryString"])
    names = _groups(tx, req) if plan.source is None else [name for _, name in _sourced(tx, req, plan.source)]
    if req["startTime"] > req["endTime"]:
        raise invalid("End time should not be before start time")
    _check(tx, plan, names)
    _forget_old(tx)
    serial, query_id = tx.serial(), tx.new_id()
    query = Query(
        id=query_id,
        text=req["queryString"],
        groups=[(_group(tx, name), name) for name in names],
        start=_in_milliseconds(req["startTime"], 0),
        end=_in_milliseconds(req["endTime"], MILLISECONDS - 1),
        limit=req.get("limit", RESULT_ROWS),
        created=tx.now,
        named=names[0] if len(names) == 1 else "",
    )
    tx.put(QUERIES, serial, value=query)
    tx.put(QUERY_SERIALS, query_id, value=serial)
    tx.timer(tx.now, "run_query", {"serial": serial})
    return {"queryId": query_id}


def get_query_results(tx: Tx, req: t.GetQueryResultsRequest) -> t.GetQueryResultsResponse:
    serial, query = _find(tx, req["queryId"])
    try:
        start = pages.decode(req["nextToken"])[1:] if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    page, token = pages.page(tx.scan(RESULTS, serial, start=start), req.get("maxItems", RESULTS_PAGE))
    results = [[{"field": name, "value": value} for name, value in row.fields] for _, row in page]
    statistics = {
        "recordsMatched": float(query.matched),
        "recordsScanned": float(query.scanned),
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": float(query.bytes),
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": float(len(query.groups)),
    }
    found: dict[str, Any] = {"queryLanguage": "CWLI", "results": results, "statistics": statistics, "status": query.status}
    return {**found, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def stop_query(tx: Tx, req: t.StopQueryRequest) -> t.StopQueryResponse:
    serial, query = _find(tx, req["queryId"])
    if query.status not in RUNNING:
        raise invalid("The specified query is not running.")
    tx.put(QUERIES, serial, value=msgspec.structs.replace(query, status="Cancelled"))
    run = None if query.scheduled is None else tx.get(RUNS, *query.scheduled)
    if query.scheduled is not None and run is not None:
        tx.put(RUNS, *query.scheduled, value=msgspec.structs.replace(run, status="Failed", error="The query was cancelled."))
    return {"success": True}


def describe_queries(tx: Tx, req: t.DescribeQueriesRequest) -> t.DescribeQueriesResponse:
    try:
        end = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    wanted, status = req.get("logGroupName"), req.get("status")
    if wanted is not None:
        find_group(tx, wanted)
    newest_first = (
        (key, query)
        for key, query in tx.scan(QUERIES, end=end, reverse=True)
        if wanted in (None, *(name for _, name in query.groups)) and status in (None, query.status)
    )
    page, token = pages.page(newest_first, req.get("maxResults", DESCRIBE_QUERIES_LIMIT), reverse=True)
    described = [_described(query) for _, query in page]
    return {"queries": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def get_log_record(tx: Tx, req: t.GetLogRecordRequest) -> t.GetLogRecordResponse:
    try:
        pointer = pages.decode(req["logRecordPointer"])
        name, *numbers = pointer
        group, first, serial, number = map(int, numbers)
    except ValueError as error:
        raise invalid("The specified logRecordPointer is invalid.") from error
    chunk = tx.get(CHUNKS, group, first, serial)
    kept = tx.get(GROUPS, str(name))
    if (
        chunk is None
        or kept is None
        or kept.id != group
        or not 0 <= number < len(chunk.times)
        or chunk.times[number] < cutoff(tx, str(name), kept)
    ):
        raise Fault("ResourceNotFoundException", "The specified log record does not exist.")
    row = row_of(f"{tx.account}:{name}", group, Place(chunk.times[number], serial, number), chunk, frozenset())
    row |= {"@timestamp": chunk.times[number], "@ingestionTime": chunk.ingested, **discovered(chunk.messages[number])}
    return {"logRecord": {field: text for field, value in row.items() if (text := printed(value)) is not None}}


def _groups(tx: Tx, req: t.StartQueryRequest) -> list[str]:
    """The names of the groups to search: one of three members tells them."""
    given: list[Sequence[str]] = [req.get(word, []) for word in ("logGroupNames", "logGroupIdentifiers") if word in req]
    if "logGroupName" in req:
        given.append([req["logGroupName"]])
    if len(given) != 1 or not given[0]:
        raise invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.")
    if len(given[0]) > GROUPS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    return list(dict.fromkeys(name_of(tx, identifier) for identifier in given[0]))


def _group(tx: Tx, name: str) -> int:
    if tx.get(GROUPS, name) is not None:
        return find_group(tx, name).id
    request = f"(Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: {tx.scope.request_id}; Proxy: null)"
    raise Fault("ResourceNotFoundException", f"Log group '{name}' does not exist for account ID '{tx.account}' {request}")


def _in_milliseconds(time: int, rest: int) -> int:
    """Seconds, or milliseconds where the number could not be seconds of this age."""
    return time if time > 10**11 else time * MILLISECONDS + rest


def _compile_fault(error: Malformed) -> Fault:
    location = {"startCharOffset": error.start, "endCharOffset": error.end}
    return Fault("MalformedQueryException", error.message, queryCompileError={"location": location, "message": error.message})


def _compiled(text: str) -> Plan:
    try:
        return compile_query(text)
    except Malformed as error:
        raise _compile_fault(error) from error
    except NotImplementedError as error:
        raise Fault("NotImplemented", f"windtunnel does not implement the command {error} of Logs Insights.", status=501) from error


def _sourced(tx: Tx, req: t.StartQueryRequest, source: Source) -> list[tuple[int, str]]:
    if any(word in req for word in ("logGroupName", "logGroupNames", "logGroupIdentifiers")):
        raise invalid("Log groups must not be specified for a query with a SOURCE command.")
    return chosen_groups(tx, source)


def _check(tx: Tx, plan: Plan, names: Sequence[str]) -> None:
    """Refuses a query too many, tables that aren't there, and what groups of the class for infrequent access don't take."""
    if tx.count(QUERIES, "running") >= QUERIES_AT_ONCE_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    for source in (*(inner.source for _, inner in plan.subqueries), plan.join):
        if source is not None:
            chosen_groups(tx, source)
    missing = next((name for name in plan.tables if tx.get(LOOKUPS, name) is None), None)
    if missing is not None:
        raise _compile_fault(Malformed(f"Lookup table {missing} does not exist", 0, 0))
    rare = any(group.kind == "INFREQUENT_ACCESS" for name in names if (group := tx.get(GROUPS, name)) is not None)
    if rare and plan.stats > RARE_STATS_MAX:
        raise _compile_fault(Malformed(f"A query of this class of log groups can have at most {RARE_STATS_MAX} stats commands", 0, 0))


def _find(tx: Tx, query_id: str) -> tuple[int, Query]:
    serial = tx.get(QUERY_SERIALS, query_id)
    query = None if serial is None else tx.get(QUERIES, serial)
    if serial is None or query is None or tx.now - query.created > KEPT_SECONDS:
        raise Fault("ResourceNotFoundException", f"Query with id {query_id} does not exist.")
    return serial, query


def _forget_old(tx: Tx) -> None:
    """Each new query takes some old ones away, so that none needs a timer of its own."""
    for key, query in tx.scan(QUERIES, limit=FORGOTTEN_AT_ONCE_MAX):
        if tx.now - query.created <= KEPT_SECONDS:
            return
        tx.delete(QUERIES, *key)
        tx.delete(QUERY_SERIALS, query.id)
        for row, _ in tx.scan(RESULTS, key[0]):
            tx.delete(RESULTS, *row)


def _described(query: Query) -> dict[str, Any]:
    sources = " | ".join(f'SOURCE "{name}"' for _, name in query.groups)
    described: dict[str, Any] = {
        "queryLanguage": "CWLI",
        "queryId": query.id,
        "queryString": f"{sources} START={query.start} END={query.end} | {query.text}",
        "status": query.status,
        "createTime": int(query.created * MILLISECONDS),
    }
    if query.named:
        described["logGroupName"] = query.named
    return described
