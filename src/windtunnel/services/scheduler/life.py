"""How schedules run: a timer for the next time, a delivery to the target, and what comes after the last.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html: a rate begins at its start date, else at once; AWS's precision
is a minute, here it is exact. A flexible time window delays each run by a part of the window that is drawn for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from windtunnel.aws import schedules
from windtunnel.aws.arn import parse
from windtunnel.fabric import Event, Tx
from windtunnel.fabric.deliver import delivery_of
from windtunnel.fabric.retry_policy import exhausted, retry_of
from windtunnel.fabric.tags import remove_all_tags
from windtunnel.services.scheduler.operations import universal
from windtunnel.services.scheduler.state import GROUPS, SCHEDULES, Schedule, group_arn, schedule_arn

SOURCE = "scheduler.amazonaws.com"
ITSELF = 0.001
"""So that the moment from which a schedule counts is one of its moments."""
MINUTE_SECONDS = 60
LATE_SECONDS = 60.0
SLICE_SCHEDULES = 200
PAYLOAD_BYTES_MAX = 240_000
"""Of what goes to a queue of dead letters beside its attributes."""


def plan_next(tx: Tx, group: str, name: str, schedule: Schedule, after: float | None) -> bool:
    """Sets the timer for the next run later than `after` (None: the first one); whether there is one."""
    timer = f"{group}/{name}"
    due = _next(schedule, (tx.now - ITSELF) if after is None else after) if schedule.enabled else None
    if due is None:
        tx.cancel_timer("run", timer)
        return False
    window = _window(schedule)
    delay = int(tx.ids.fraction() * window) if window else 0
    tx.timer(due + delay, "run", {"group": group, "name": name, "time": due}, name=timer)
    return True


def _window(schedule: Schedule) -> int:
    return schedule.settings["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0) * MINUTE_SECONDS


def _next(schedule: Schedule, after: float) -> float | None:
    settings = schedule.settings
    parsed = schedules.parse(settings["ScheduleExpression"], "scheduler")
    if parsed.kind == "at":
        return parsed.next(after, settings["ScheduleExpressionTimezone"])
    begin = settings.get("StartDate")
    after = after if begin is None else max(after, begin - ITSELF)
    due = parsed.next(after, settings["ScheduleExpressionTimezone"], start=schedule.since if begin is None else begin)
    end = settings.get("EndDate")
    return due if due is None or end is None or due < end else None


def run(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a schedule's time has come."""
    group, name, time = payload["group"], payload["name"], payload["time"]
    schedule = tx.get(SCHEDULES, group, name)
    if schedule is None or not schedule.enabled:
        return
    _send(tx, schedule_arn(tx, group, name), schedule.settings["Target"], time)
    # Of what came due while no one was there to run it, only the first is made up for.
    late = tx.now - time > _window(schedule) + LATE_SECONDS
    if not plan_next(tx, group, name, schedule, tx.now if late else time) and schedule.settings["ActionAfterCompletion"] == "DELETE":
        tx.delete(SCHEDULES, group, name)


def _send(tx: Tx, arn: str, target: Mapping[str, Any], time: float) -> None:
    execution = tx.new_id()
    body = _input(tx, arn, target, time, execution)
    dead = target.get("DeadLetterConfig", {}).get("Arn", "")
    context = {"dead": dead, "schedule": arn, "target": target["Arn"], "time": _iso(time), "execution": execution, "body": body}
    tx.deliver(
        target["Arn"],
        _delivered(target, body, arn),
        source=SOURCE,
        source_arn=arn,
        retry=retry_of(target["RetryPolicy"]),
        failed="failed" if dead else "",
        context=context if dead else None,
    )


def _input(tx: Tx, arn: str, target: Mapping[str, Any], time: float, execution: str) -> str:
    """The input with its keywords filled in; a target that has none is told what woke it.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    if "Input" not in target:
        if universal(parse(target["Arn"])) is not None:
            return "{}"
        event = {
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": tx.account,
            "time": _iso(time),
            "region": tx.region,
            "resources": [arn],
            "detail": "{}",
        }
        return orjson.dumps(event).decode()
    text: str = target["Input"]
    words = {"schedule-arn": arn, "scheduled-time": _iso(time), "execution-id": execution, "attempt-number": "1"}
    for word, value in words.items():
        text = text.replace(f"<aws.scheduler.{word}>", value)
    return text


def _delivered(target: Mapping[str, Any], body: str, arn: str) -> Event:
    kind = parse(target["Arn"]).service
    if kind == "sqs":
        return Event(body, group_id=target.get("SqsParameters", {}).get("MessageGroupId", ""))
    if kind == "kinesis":
        return Event(body, parameters={"PartitionKey": target["KinesisParameters"]["PartitionKey"]})
    if kind == "events":
        own = target["EventBridgeParameters"]
        entry = {"Source": own["Source"], "DetailType": own["DetailType"], "Detail": body, "Resources": [arn]}
        return Event(body, parameters={"Entries": [{**entry, "EventBusName": target["Arn"]}]})
    if kind in ("sns", "lambda", "scheduler"):
        return Event(body)
    return Event(body, parameters={member: value for member, value in target.items() if member.endswith("Parameters")})


def failed(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a run was given up; it goes to the dead letters.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """
    context, attempts = payload["context"], payload["attempts"]
    body: str = context["body"]
    told = {
        "ERROR_CODE": payload["error_code"],
        "ERROR_MESSAGE": payload["error_message"] or payload["error_code"],
        "EXECUTION_ID": context["execution"],
        "IS_PAYLOAD_TRUNCATED": "true" if len(body.encode()) > PAYLOAD_BYTES_MAX else "false",
        "RETRY_ATTEMPTS": str(attempts - 1),
        "SCHEDULED_TIME": context["time"],
        "SCHEDULE_ARN": context["schedule"],
        "TARGET_ARN": context["target"],
    }
    if not payload["final"]:
        told["EXHAUSTED_RETRY_CONDITION"] = exhausted(delivery_of(payload["delivery"]).retry, attempts)
    attributes: dict[str, dict[str, Any]] = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    text = body.encode()[:PAYLOAD_BYTES_MAX].decode(errors="ignore")
    tx.deliver(context["dead"], Event(text, attributes=attributes), source=SOURCE, source_arn=context["schedule"])


def delete_group(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: the schedules of a group that is being deleted go, a slice at a time, and then the group."""
    group = payload["group"]
    rows = list(tx.scan(SCHEDULES, group, limit=SLICE_SCHEDULES))
    for (_, name), _ in rows:
        tx.cancel_timer("run", f"{group}/{name}")
        tx.delete(SCHEDULES, group, name)
    if len(rows) == SLICE_SCHEDULES:
        tx.timer(tx.now, "delete_group", payload)
        return
    remove_all_tags(tx, group_arn(tx, group))
    tx.delete(GROUPS, group)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
