"""Amazon CloudWatch Logs: groups, streams, and the events in them."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.logs import (
    account_policies,
    definitions,
    deliveries,
    delivery_destinations,
    delivery_sources,
    destinations,
    exporting,
    exports,
    groups,
    indexes,
    life,
    live,
    measured,
    metric_filters,
    policies,
    protecting,
    put,
    queries,
    reading,
    running,
    streams,
    subscriptions,
    tags,
    transformers,
)
from windtunnel.services.logs.state import GROUP

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
        policies,
        destinations,
        delivery_sources,
        delivery_destinations,
        deliveries,
        exports,
        protecting,
        transformers,
        indexes,
        account_policies,
    ),
    resources=(GROUP,),
    timers={
        "default_values": measured.default_values,
        "expire": life.expire,
        "sweep_group": life.sweep_group,
        "sweep_stream": life.sweep_stream,
        "end_tail": life.end_tail,
        "run_export": exporting.run_export,
        "run_query": running.run_query,
    },
    faults={"NotImplemented": 501},
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/logging_cw_api_calls_cwl.html
    data_operations=("PutLogEvents", "GetLogEvents", "FilterLogEvents", "StartLiveTail", "GetLogRecord"),
)
