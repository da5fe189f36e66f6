"""Metrics that are embedded in log events: JSON that says of itself which of its members are metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from windtunnel.services.logs.rules import MILLISECONDS

MINUTE_SECONDS = 60
METRICS_MAX, DIMENSIONS_MAX = 100, 30
EMBEDDED = '"_aws"'
"""What stands in every event that embeds metrics."""


class Metric(NamedTuple):
    """Of what a datum is, in which minute."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    minute: int


class Definition(msgspec.Struct, frozen=True):
    Name: str
    Unit: str = "None"


class Directive(msgspec.Struct, frozen=True):
    Namespace: str
    Dimensions: list[list[str]] = []
    Metrics: list[Definition] = []


class Metadata(msgspec.Struct, frozen=True):
    Timestamp: int
    CloudWatchMetrics: list[Directive]


class _Event(msgspec.Struct, frozen=True):
    metadata: Metadata = msgspec.field(name="_aws")


def embedded(message: str) -> dict[Metric, Counter[float]]:
    """What a message says of metrics; nothing where it says nothing, or not in the documented form."""
    found: dict[Metric, Counter[float]] = defaultdict(Counter)
    try:
        metadata = msgspec.json.decode(message, type=_Event).metadata
        members: dict[str, Any] = msgspec.json.decode(message)
    except msgspec.DecodeError:
        return found
    minute = metadata.Timestamp // MILLISECONDS // MINUTE_SECONDS * MINUTE_SECONDS
    for directive in metadata.CloudWatchMetrics:
        for metric, value in _data(directive, members, minute):
            found[metric][value] += 1
    return found


def _data(directive: Directive, members: dict[str, Any], minute: int) -> Iterator[tuple[Metric, float]]:
    for names in directive.Dimensions or [[]]:
        if len(names) > DIMENSIONS_MAX or any(not isinstance(members.get(name), str) for name in names):
            continue
        dimensions = tuple((name, members[name]) for name in names)
        for one in directive.Metrics[:METRICS_MAX]:
            told = members.get(one.Name)
            for value in told if isinstance(told, list) else [told]:  # pyright: ignore[reportUnknownVariableType]
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    yield Metric(directive.Namespace, one.Name, one.Unit, dimensions, minute), value
