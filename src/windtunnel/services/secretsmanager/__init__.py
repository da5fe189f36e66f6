"""AWS Secrets Manager: secrets in versions, encrypted by KMS, rotated by functions."""

from __future__ import annotations

from windtunnel.fabric import Service
from windtunnel.services.secretsmanager import life, passwords, policies, replicas, rotations, secrets, tags, versions
from windtunnel.services.secretsmanager.stack import RESOURCES

SERVICE = Service(
    "secretsmanager",
    modules=(secrets, versions, rotations, policies, replicas, tags, passwords),
    resources=RESOURCES,
    timers={"delete": life.delete, "rotate": life.rotate, "turn": life.turn},
    faults={"AccessDeniedException": 400, "NotImplemented": 501, "ValidationException": 400},
)
