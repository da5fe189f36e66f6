"""Amazon EventBridge Pipes: from a queue, through a filter and an enrichment, to a target."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.pipes import pipes, polling, tags
from windtunnel.services.pipes.stack import RESOURCES

SERVICE = Service(
    "pipes",
    modules=(pipes, tags),
    resources=RESOURCES,
    timers={"poll": polling.poll},
    faults={"NotImplemented": 501, "FunctionFailed": 400},
)
