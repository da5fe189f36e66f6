"""Amazon Elastic Container Registry: repositories of container images."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.ecr import downloads, images, layers, life, lifecycle, policies, registry, repositories
from windtunnel.services.ecr.stack import RESOURCES

SERVICE = Service(
    "ecr",
    modules=(repositories, policies, images, layers, lifecycle, registry),
    resources=RESOURCES,
    timers={"lifecycle": life.evaluate, "preview": life.preview, "abandon": life.abandon, "close": life.close},
    paths={downloads.PATH: downloads.serve},
    faults={"AccessDeniedException": 400, "NotImplemented": 501},
)
