"""Executions as clients see them: described, listed with their history, stopped and deleted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from windtunnel.aws.pages import decode, page
from windtunnel.fabric import Tx
from windtunnel.kernel.store import Key
from windtunnel.services.lambda_.durable.ledger import Ledger, by_arn
from windtunnel.services.lambda_.durable.rules import PAGE_DEFAULT, PAGE_MAX, check_error, shown_event
from windtunnel.services.lambda_.durable.state import EVENTS, EXECUTIONS, Execution
from windtunnel.services.lambda_.places import find, latest, own
from windtunnel.services.lambda_.rules import arn_of, conflict, invalid, shown_number, without_empty

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


def get_durable_execution(tx: Tx, req: t.GetDurableExecutionRequest) -> dict[str, Any]:
    ledger = by_arn(tx, req["DurableExecutionArn"])
    row, pause, itself = ledger.row, ledger.row.pause, ledger.at(0)
    data = req.get("IncludeExecutionData", True)
    shown = {**_summary(ledger), "Version": shown_number(row.number), "ExecutionDataIncluded": data}
    config = {"RetentionPeriodInDays": row.retention, "ExecutionTimeout": row.timeout, **without_empty({"KMSKeyArn": row.kms})}
    shown["DurableConfig"] = config
    if row.trace:
        shown["TraceHeader"] = {"XAmznTraceId": row.trace}
    if ledger.live:
        shown["ExpectedExecutionTimeoutTimestamp"] = ledger.expected_timeout()
    if pause is not None:
        reason = {"Reason": pause.reason} if data and pause.reason is not None else {}
        shown["PauseDetails"] = {"PauseRequestTimestamp": pause.requested, **reason, "ExecutionTimeoutPaused": pause.stops_timeout}
    if data and itself is not None:
        known = (("InputPayload", itself.input), ("Result", itself.result), ("Error", itself.error))
        shown |= {member: value for member, value in known if value is not None}
    return shown


def get_durable_execution_history(tx: Tx, req: t.GetDurableExecutionHistoryRequest) -> dict[str, Any]:
    ledger = by_arn(tx, req["DurableExecutionArn"])
    reverse, data, place = req.get("ReverseOrder", False), req.get("IncludeExecutionData", True), _place(req.get("Marker"), ledger.key)
    start, end = (None, place) if reverse else (place, None)
    rows, marker = page(tx.scan(EVENTS, *ledger.key, start=start, end=end, reverse=reverse), _limit(req.get("MaxItems")), reverse=reverse)
    shown = [shown_event(int(key[2] or 0), row, data=data) for key, row in rows]
    return {"Events": shown, **({"NextMarker": marker} if marker else {})}


def list_durable_executions_by_function(tx: Tx, req: t.ListDurableExecutionsByFunctionRequest) -> dict[str, Any]:
    statuses = req.get("Statuses", [])
    if len(statuses) > 1:
        raise invalid("Cannot filter by more than one status")
    place = _place(req.get("Marker"), ())
    reverse = not req.get("ReverseOrder", False)  # the newest come first, unless that is turned round
    rows, marker = page(_matching(tx, req, place, reverse=reverse), _limit(req.get("MaxItems")), reverse=reverse)
    shown = [_summary(Ledger(tx, key, row)) for key, row in rows]
    return {"DurableExecutions": shown, **({"NextMarker": marker} if marker else {})}


def _matching(
    tx: Tx, req: t.ListDurableExecutionsByFunctionRequest, place: Key | None, *, reverse: bool
) -> Iterator[tuple[Key, Execution]]:
    """Executions in an index that has nothing but them; where a name is given, that one alone is looked at."""
    name = own(tx, req)
    number = find(tx, name).number if name.qualifier else None
    latest(tx, name.name)
    status = next(iter(req.get("Statuses", [])), None)
    start: Key = (math.nextafter(req.get("StartedAfter", 0.0), math.inf),)
    end: Key = (req.get("StartedBefore", math.inf),)
    if place is not None:
        start, end = (start, place) if reverse else (place, end)
    if (wanted := req.get("DurableExecutionName")) is not None:
        for key, row in tx.find(EXECUTIONS, "name", name.name, wanted, limit=1):
            if number in (None, row.number) and status in (None, row.status) and start <= key < end:
                yield key, row
        return
    index = {(True, True): "function", (False, True): "version", (True, False): "status", (False, False): "version-status"}
    prefix = (name.name, *([] if number is None else [number]), *([] if status is None else [status]))
    yield from tx.find(EXECUTIONS, index[number is None, status is None], *prefix, start=start, end=end, reverse=reverse)


def stop_durable_execution(tx: Tx, req: t.StopDurableExecutionRequest) -> dict[str, Any]:
    """What has ended stays as it is, and says when that was."""
    ledger = by_arn(tx, req["DurableExecutionArn"])
    error = dict(req.get("Error", {}))
    check_error(error)
    if ledger.live:
        ledger.close("STOPPED", error=error)
        ledger.save()
    return {"StopTimestamp": ledger.row.ended}


def delete_durable_execution(tx: Tx, req: t.DeleteDurableExecutionRequest) -> dict[str, Any]:
    ledger = by_arn(tx, req["DurableExecutionArn"])
    if ledger.live:
        raise conflict(f"Durable Execution is {ledger.row.status}, and only one that has ended can be deleted.")
    ledger.set(status="DELETING")
    ledger.expire(tx.now)
    ledger.save()
    return {"DeletionRequestTimestamp": tx.now}


def _summary(ledger: Ledger) -> dict[str, Any]:
    row = ledger.row
    ended = {"EndTimestamp": row.ended} if row.ended else {}
    return {
        "DurableExecutionArn": ledger.arn,
        "DurableExecutionName": row.name,
        "FunctionArn": arn_of(ledger.tx.region, ledger.tx.account, row.function, row.qualifier),
        "Status": row.status,
        "StartTimestamp": ledger.started,
        **ended,
    }


def _limit(given: int | None) -> int:
    return min(given or PAGE_DEFAULT, PAGE_MAX)


def _place(marker: str | None, prefix: Key) -> Key | None:
    """Where a listing goes on, within what lies below a prefix."""
    if not marker:
        return None
    try:
        place = decode(marker)
    except ValueError as error:
        raise invalid("Invalid Marker") from error
    if place[: len(prefix)] != prefix:
        raise invalid("Invalid Marker")
    return place[len(prefix) :]
