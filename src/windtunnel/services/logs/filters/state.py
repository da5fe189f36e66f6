"""What is remembered of filters and of the destinations they may send to."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.logs.rules import EXPRESSIONS_MAX, expressions_in


class MetricFilter(msgspec.Struct, frozen=True, array_like=True):
    created: int
    pattern: str
    transformations: list[dict[str, Any]]
    others: dict[str, Any] = {}


class Subscription(msgspec.Struct, frozen=True, array_like=True):
    created: int
    pattern: str
    destination: str
    role: str = ""
    distribution: str = "ByLogStream"
    others: dict[str, Any] = {}


class Destination(msgspec.Struct, frozen=True, array_like=True):
    """A stream that other accounts may subscribe to."""

    created: int
    target: str
    role: str
    policy: str = ""


METRIC_FILTERS = Table("logs.metric_filters", MetricFilter)
"""(group's name, filter's name) -> MetricFilter"""
MATCHED = Table("logs.matched", bool)
"""(group, minute, metric filter's name) -> whether it matched anything that came in in that minute"""
SUBSCRIPTIONS = Table("logs.subscriptions", Subscription)
"""(group's name, filter's name) -> Subscription"""
DESTINATIONS = Table("logs.destinations", Destination)
"""name -> Destination"""


def check_expressions(tx: Tx, name: str, filter_name: str, pattern: str) -> None:
    """Refuses a filter with which a group's filters would have too many regular expressions."""
    added = expressions_in(pattern)
    if not added:
        return
    others = (*tx.scan(METRIC_FILTERS, name), *tx.scan(SUBSCRIPTIONS, name))
    patterns = [kept.pattern for key, kept in others if key[1] != filter_name]
    if added + sum(map(expressions_in, patterns)) > EXPRESSIONS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
