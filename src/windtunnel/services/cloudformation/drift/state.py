"""What is remembered of drift, and under which keys."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Table


class Detection(msgspec.Struct, frozen=True):
    """A stack that is, or was, looked at."""

    stack: str
    began: float
    status: str = "DETECTION_IN_PROGRESS"
    drift: str = "NOT_CHECKED"
    drifted: int = 0
    reason: str = ""


class Drifted(msgspec.Struct, frozen=True):
    """How a resource was when it was looked at."""

    status: str
    expected: str
    actual: str
    differences: list[dict[str, Any]]
    at: float


DETECTIONS = Table("cloudformation.detections", Detection)
"""id of a detection -> Detection"""
DRIFTS = Table("cloudformation.drifts", Drifted)
"""(uuid of the stack, logical id) -> Drifted"""
