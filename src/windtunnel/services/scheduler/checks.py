"""What a schedule has to keep to: its expression, its dates, its window and its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from windtunnel.aws import schedules
from windtunnel.aws.arn import parse_or_none
from windtunnel.services.scheduler.operations import is_known, universal
from windtunnel.services.scheduler.state import invalid

TEMPLATED = {
    "codebuild": "", "codepipeline": "", "ecs": "EcsParameters", "events": "EventBridgeParameters", "firehose": "", "inspector": "",
    "kinesis": "KinesisParameters", "lambda": "", "sagemaker": "", "sns": "", "sqs": "", "states": "",
}  # fmt: skip
"""Services of templated targets, and the parameters they can't do without.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
"""
JSON_ONLY = ("events", "lambda", "states")


def check_schedule(req: Mapping[str, Any]) -> None:
    """Raises ValidationException for what AWS would not take."""
    try:
        schedules.parse(req["ScheduleExpression"], "scheduler")
        schedules.zone(req.get("ScheduleExpressionTimezone", "UTC"))
    except ValueError as error:
        raise invalid(str(error)) from error
    window = req["FlexibleTimeWindow"]
    if window["Mode"] == "FLEXIBLE" and "MaximumWindowInMinutes" not in window:
        raise invalid("A MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.")
    if window["Mode"] == "OFF" and "MaximumWindowInMinutes" in window:
        raise invalid("MaximumWindowInMinutes cannot be provided when FlexibleTimeWindow Mode is OFF.")
    if "StartDate" in req and "EndDate" in req and req["StartDate"] >= req["EndDate"]:
        raise invalid("The StartDate you specify must come before the EndDate.")
    _check_target(req["Target"])


def _check_target(target: Mapping[str, Any]) -> None:
    text = target["Arn"]
    arn = parse_or_none(text)
    if arn is None:
        raise invalid(f"Provided Arn is not in correct format: {text}.")
    if (named := universal(arn)) is not None:
        if not is_known(*named):
            raise invalid(f"Provided Arn is not a supported API action: {text}.")
        _check_json(target, "Invalid RequestJson provided.")
        return
    if arn.service not in TEMPLATED:
        raise invalid(f"Provided Arn is not a supported target: {text}.")
    needed = TEMPLATED[arn.service]
    if needed and needed not in target:
        raise invalid(f"{needed} must be provided for target {text}.")
    if arn.service == "sqs" and arn.resource.endswith(".fifo") and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise invalid("MessageGroupId must be provided for FIFO queue targets.")
    if arn.service in JSON_ONLY:
        _check_json(target, "Invalid Input provided, it must be well-formed JSON.")


def _check_json(target: Mapping[str, Any], message: str) -> None:
    try:
        orjson.loads(target.get("Input", "{}"))
    except orjson.JSONDecodeError as error:
        raise invalid(message) from error
