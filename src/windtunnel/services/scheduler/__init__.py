"""Amazon EventBridge Scheduler: schedules that call any operation when their time has come."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Fault, Service
from windtunnel.services.scheduler import groups, life, operations, schedules, tags
from windtunnel.services.scheduler.stack import RESOURCES


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a universal target is a call of its operation."""
    named = operations.universal(arn)
    if named is None:
        raise Fault("ValidationException", f"{arn} is not a universal target.")
    return "call_operation", {"service": named[0], "operation": named[1], "input": event.body}


SERVICE = Service(
    "scheduler",
    modules=(groups, schedules, tags),
    resources=RESOURCES,
    timers={"run": life.run, "failed": life.failed, "delete_group": life.delete_group},
    takers={"call_operation": operations.call_operation},
    targets={"scheduler": _delivered},
)
