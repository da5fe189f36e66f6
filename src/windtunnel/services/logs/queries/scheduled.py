"""Scheduled queries: Logs Insights queries that run by the clock; how they run is in `scheduling`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/ScheduledQueries.html
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages, schedules
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.logs.queries.scheduling import plan_next
from windtunnel.services.logs.queries.state import RUNS, SCHEDULED, Scheduled, ScheduledRun
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import arn_within

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

PAGE = 1000
KIND = "scheduled-query"
SETTINGS = (
    "description",
    "queryLanguage",
    "queryString",
    "logGroupIdentifiers",
    "scheduleExpression",
    "timezone",
    "startTimeOffset",
    "endTimeOffset",
    "destinationConfiguration",
    "scheduleStartTime",
    "scheduleEndTime",
    "executionRoleArn",
)
SUMMARY = ("scheduleExpression", "timezone", "destinationConfiguration")


def create_scheduled_query(tx: Tx, req: t.CreateScheduledQueryRequest) -> t.CreateScheduledQueryResponse:
    name = req["name"]
    if next(tx.find(SCHEDULED, "name", name), None) is not None:
        raise Fault("ConflictException", f"A scheduled query with the name {name} already exists.")
    scheduled_id, now = tx.new_id(), int(tx.now * MILLISECONDS)
    scheduled = Scheduled(name, now, now, req.get("state", "ENABLED"), _settings(req))
    tx.put(SCHEDULED, scheduled_id, value=scheduled)
    plan_next(tx, scheduled_id, scheduled)
    arn = arn_within(tx, KIND, scheduled_id)
    set_tags(tx, arn, req.get("tags", {}))
    return {"scheduledQueryArn": arn, "state": scheduled.state}  # pyright: ignore[reportReturnType]


def get_scheduled_query(tx: Tx, req: t.GetScheduledQueryRequest) -> t.GetScheduledQueryResponse:
    return _shown(tx, *_find(tx, req["identifier"]))


def update_scheduled_query(tx: Tx, req: t.UpdateScheduledQueryRequest) -> t.UpdateScheduledQueryResponse:
    """What isn't said is as if it never had been, but for the state."""
    scheduled_id, old = _find(tx, req["identifier"])
    changes = {"updated": int(tx.now * MILLISECONDS), "state": req.get("state", old.state), "settings": _settings(req)}
    scheduled = msgspec.structs.replace(old, **changes)
    tx.put(SCHEDULED, scheduled_id, value=scheduled)
    plan_next(tx, scheduled_id, scheduled)
    return _shown(tx, scheduled_id, scheduled)


def delete_scheduled_query(tx: Tx, req: t.DeleteScheduledQueryRequest) -> t.DeleteScheduledQueryResponse:
    scheduled_id, _ = _find(tx, req["identifier"])
    tx.cancel_timer("run_scheduled", scheduled_id)
    for key, _ in tx.scan(RUNS, scheduled_id):
        tx.delete(RUNS, *key)
    tx.delete(SCHEDULED, scheduled_id)
    remove_all_tags(tx, arn_within(tx, KIND, scheduled_id))
    return {}


def list_scheduled_queries(tx: Tx, req: t.ListScheduledQueriesRequest) -> t.ListScheduledQueriesResponse:
    state, kind = req.get("state"), req.get("scheduleType", "CUSTOMER_MANAGED")
    found = (
        ((scheduled.name, *key), scheduled)
        for key, scheduled in tx.find(SCHEDULED, "name", start=_start(req))
        if state in (None, scheduled.state) and kind == "CUSTOMER_MANAGED"
    )
    page, token = pages.page(found, req.get("maxResults", PAGE))
    shown: list[Any] = []
    for (_, scheduled_id), scheduled in page:
        whole = _shown(tx, scheduled_id, scheduled)
        shown.append({word: value for word, value in whole.items() if word in SUMMARY or word not in SETTINGS})
    return {"scheduledQueries": shown, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def get_scheduled_query_history(tx: Tx, req: t.GetScheduledQueryHistoryRequest) -> t.GetScheduledQueryHistoryResponse:
    """The newest run first."""
    scheduled_id, scheduled = _find(tx, req["identifier"])
    begin, end, wanted = _milliseconds(req["startTime"]), _milliseconds(req["endTime"]), req.get("executionStatuses")
    last = _start(req) or (scheduled_id, end + 1)
    runs = tx.scan(RUNS, scheduled_id, start=(begin,), end=last[1:], reverse=True)
    found = ((key, run) for key, run in runs if wanted is None or run.status in wanted)
    page, token = pages.page(found, req.get("maxResults", PAGE), reverse=True)
    history = [_run(int(key[1]), run) for key, run in page]
    shown = {"name": scheduled.name, "scheduledQueryArn": arn_within(tx, KIND, scheduled_id), "triggerHistory": history}
    return {**shown, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def _settings(req: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a request; refuses what can't be run."""
    if req["queryLanguage"] != "CWLI":
        raise Fault("NotImplemented", f"windtunnel does not implement queries in {req['queryLanguage']}.", status=501)
    expression = req["scheduleExpression"]
    try:
        if not expression.startswith("cron("):
            raise ValueError(expression)
        schedules.parse(expression)
        schedules.zone(req.get("timezone", "UTC"))
    except ValueError as error:
        raise Fault("ValidationException", "The schedule expression or its time zone is not valid.") from error
    if req.get("startTimeOffset", 0) < req.get("endTimeOffset", 0) and "startTimeOffset" in req:
        raise Fault("ValidationException", "The start of the queried time must not be after its end.")
    return {word: req[word] for word in SETTINGS if word in req}


def _find(tx: Tx, identifier: str) -> tuple[str, Scheduled]:
    """A scheduled query by its ARN or name."""
    begin = arn_within(tx, KIND, "")
    if identifier.startswith(begin):
        scheduled_id = identifier.removeprefix(begin)
        scheduled = tx.get(SCHEDULED, scheduled_id)
        if scheduled is not None:
            return scheduled_id, scheduled
    for key, scheduled in islice(tx.find(SCHEDULED, "name", identifier), 1):
        return str(key[0]), scheduled
    raise Fault("ResourceNotFoundException", "The specified scheduled query does not exist.")


def _start(req: Mapping[str, Any]) -> Any:
    try:
        return pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise Fault("ValidationException", "The specified nextToken is invalid.") from error


def _milliseconds(time: int) -> int:
    return time if time > 10**11 else time * MILLISECONDS


def _shown(tx: Tx, scheduled_id: str, scheduled: Scheduled) -> Any:
    shown = {
        "scheduledQueryArn": arn_within(tx, KIND, scheduled_id),
        "name": scheduled.name,
        "state": scheduled.state,
        "scheduleType": "CUSTOMER_MANAGED",
        "creationTime": scheduled.created,
        "lastUpdatedTime": scheduled.updated,
        **scheduled.settings,
    }
    for key, run in tx.scan(RUNS, scheduled_id, limit=1, reverse=True):
        shown |= {"lastTriggeredTime": key[1], "lastExecutionStatus": run.status}
    return shown


def _run(triggered: int, run: ScheduledRun) -> dict[str, Any]:
    shown: dict[str, Any] = {"executionStatus": run.status, "triggeredTimestamp": triggered, "destinations": run.destinations}
    told = {"queryId": run.query, "errorMessage": run.error}
    return {**shown, **{word: value for word, value in told.items() if value}}
