"""Amazon CloudWatch Logs: groups, streams, and the events in them."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service
from windtunnel.services.logs import account_policies, groups, life, resource_policies, streams, tags, tiers
from windtunnel.services.logs.anomalies import anomalies, detectors, watching
from windtunnel.services.logs.deliveries import deliveries
from windtunnel.services.logs.deliveries import destinations as delivery_destinations
from windtunnel.services.logs.deliveries import sources as delivery_sources
from windtunnel.services.logs.events import live, put, reading, subscribed, taken
from windtunnel.services.logs.exports import running as exporting
from windtunnel.services.logs.exports import tasks
from windtunnel.services.logs.fields import fields, indexes
from windtunnel.services.logs.filters import destinations, measured, metric_filters, subscriptions
from windtunnel.services.logs.protection import policies as protection_policies
from windtunnel.services.logs.queries import definitions, lookups, queries, running, scheduled, scheduling
from windtunnel.services.logs.stack import RESOURCES
from windtunnel.services.logs.transform import transformers


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a group's ARN is an event in it."""
    return "take_event", {"group": arn.id.removesuffix(":*"), "body": event.body, "stream": event.parameters.get("LogStreamName", "")}


SERVICE = Service(
    "logs",
    modules=(
        groups,
        streams,
        put,
        reading,
        tags,
        metric_filters,
        subscriptions,
        live,
        queries,
        definitions,
        resource_policies,
        destinations,
        delivery_sources,
        delivery_destinations,
        deliveries,
        tasks,
        protection_policies,
        transformers,
        indexes,
        account_policies,
        lookups,
        scheduled,
        fields,
        tiers,
        detectors,
        anomalies,
    ),
    resources=RESOURCES,
    timers={
        "default_values": measured.default_values,
        "expire": life.expire,
        "look": watching.look,
        "train": watching.train,
        "look_at_retention": life.look_at_retention,
        "sweep_group": life.sweep_group,
        "sweep_stream": life.sweep_stream,
        "end_tail": subscribed.end_tail,
        "run_export": exporting.run_export,
        "run_query": running.run_query,
        "run_scheduled": scheduling.run_scheduled,
        "hand_on": scheduling.hand_on,
    },
    takers={"take_event": taken.take_event},
    targets={"logs": _delivered},
    faults={"NotImplemented": 501},
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/logging_cw_api_calls_cwl.html
    data_operations=("PutLogEvents", "GetLogEvents", "FilterLogEvents", "StartLiveTail", "GetLogRecord"),
)
