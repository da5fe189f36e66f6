"""AWS Systems Manager: Parameter Store so far; each of its capabilities is an area, a folder of its own."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.ssm import settings, sharing, tags
from windtunnel.services.ssm.parameters import history, parameters, paths, policies
from windtunnel.services.ssm.stack import RESOURCES

SERVICE = Service(
    "ssm",
    modules=(parameters, paths, history, settings, tags, sharing),
    resources=RESOURCES,
    timers={"policy": policies.act},
    faults={"AccessDeniedException": 400, "NotImplemented": 501, "ValidationException": 400},
)
