"""What the models of other regions share: how they ask theirs, and when the disk was full."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from tests.sim.auditor.base import Ask, Call, holds

ROOM_SECONDS = 10
"""So long after there is room again things may still wait for it."""


class Troubles:
    """When the disk was full, by the region's time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._spans: list[tuple[float, float]] = []

    def fills(self) -> None:
        self._spans.append((self.now(), inf))

    def clears(self) -> None:
        self._spans.append((self._spans.pop()[0], self.now() + ROOM_SECONDS))

    def at(self, moment: float) -> bool:
        return any(begin <= moment <= end for begin, end in self._spans)

    def within(self, begin: float, end: float) -> bool:
        return any(begin <= other_end and other_begin <= end for other_begin, other_end in self._spans)

    @property
    def last(self) -> bool:
        """Whether something may wait for room now."""
        return self.at(self.now())


class Elsewhere:
    """A model of all that is in one region."""

    region = ""

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        self.ask, self.troubles = ask, troubles

    def said(self, service: str, operation: str, **request: Any) -> Any:
        """What the region answers, which must go well."""
        answer = self.ask(service, operation, **request)
        holds(not answer.fault, f"{operation} {request}: {answer.fault} {answer.message}")
        return answer.result

    def audit(self) -> None:
        """Compares all that there is with what should be."""


class Places:
    """Queues and buckets that a model needs, of which only whether they are there matters."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.made: set[str] = set()

    def missing(self, *names: str) -> str:
        return next((name for name in names if name not in self.made), "")

    def create_queue(self, call: Call) -> None:
        holds(not call.fault, f"{call}: {call.message}")
        self.made.add(call.request["QueueName"])

    def create_queue_unknown(self, call: Call) -> None:
        if not self._ask("sqs", "GetQueueUrl", QueueName=call.request["QueueName"]).fault:
            self.made.add(call.request["QueueName"])

    def create_bucket(self, call: Call) -> None:
        holds(not call.fault, f"{call}: {call.message}")
        self.made.add(call.request["Bucket"])

    def create_bucket_unknown(self, call: Call) -> None:
        if not self._ask("s3", "HeadBucket", Bucket=call.request["Bucket"]).fault:
            self.made.add(call.request["Bucket"])
