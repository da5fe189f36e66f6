"""Retry policies as EventBridge and its Scheduler know them: up to 185 times within a day, ever more seldom.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html. The delays themselves aren't documented: here
they double from a second on, up to eight minutes, so that all 185 fit into the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric.deliver import Retry

ATTEMPTS_MAX = 185
AGE_SECONDS_MAX = 86_400
DOUBLINGS = 9
LONGEST_SECONDS = 480.0


def retry_of(policy: Mapping[str, Any]) -> Retry:
    """The retries of a policy as rules and schedules write it."""
    attempts = policy.get("MaximumRetryAttempts", ATTEMPTS_MAX)
    first = min(attempts, DOUBLINGS)
    phases: list[tuple[int, float, float]] = []
    if first:
        phases.append((first, 1.0, float(2 ** (first - 1))))
    if attempts > first:
        phases.append((attempts - first, LONGEST_SECONDS, LONGEST_SECONDS))
    return Retry(tuple(phases), age_seconds_max=policy.get("MaximumEventAgeInSeconds", AGE_SECONDS_MAX))


def exhausted(retry: Retry, attempts: int) -> str:
    """Which limit of a policy ended the retries after so many attempts."""
    return "MaximumRetryAttempts" if retry.delay(attempts) is None else "MaximumEventAgeInSeconds"
