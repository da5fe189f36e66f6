"""AWS Lambda: functions that run, their versions and aliases, events for them and queues polled for them."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service
from windtunnel.services.lambda_.access import documents, permissions
from windtunnel.services.lambda_.code import archives, layers, signing
from windtunnel.services.lambda_.concurrency import concurrency, keepers, provisioned
from windtunnel.services.lambda_.durable import callbacks, chained, checkpoints, executions, life, pauses, runs
from windtunnel.services.lambda_.events import destinations, events, invoke_configs
from windtunnel.services.lambda_.functions import aliases, functions, management, tags, versions
from windtunnel.services.lambda_.running import invoke
from windtunnel.services.lambda_.sources import mappings, pollers
from windtunnel.services.lambda_.stack import RESOURCES
from windtunnel.services.lambda_.urls import urls, visits


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a function is an event for it."""
    return "invoke", {"FunctionName": str(arn), "InvocationType": "Event", "Payload": event.body.encode()}


SERVICE = Service(
    "lambda",
    modules=(
        functions,
        versions,
        aliases,
        layers,
        permissions,
        documents,
        tags,
        concurrency,
        provisioned,
        invoke,
        invoke_configs,
        mappings,
        urls,
        management,
        signing,
        executions,
        checkpoints,
        callbacks,
        pauses,
    ),
    resources=RESOURCES,
    timers={
        "event": events.event,
        "keep": keepers.keeper,
        "record": destinations.record,
        "poll": pollers.poller,
        "durable_run": runs.run,
        "durable_invoke": chained.invoke,
        "durable_operation": life.operation_due,
        "durable_execution": life.execution_due,
    },
    targets={"lambda": _delivered},
    faults={"AccessDeniedException": 403, "NotImplemented": 501, "RequestEntityTooLargeException": 413, "ValidationException": 400},
    # https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
    data_operations=("Invoke", "InvokeAsync", "InvokeWithResponseStream", "CheckpointDurableExecution", "GetDurableExecutionState"),
    hosts={urls.HOST_LABEL: visits.serve},
    pages={archives.CODE_PAGE: archives.page},
)
