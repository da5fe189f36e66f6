"""What happens by itself: what is orphaned or out of date goes, and what a function did not take is laid with the dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Event, Table, Tx
from windtunnel.fabric.deliver import delivery_of
from windtunnel.services.sns.delivery.envelope import envelope_of_event
from windtunnel.services.sns.delivery.fanout import LATE, SOURCE
from windtunnel.services.sns.delivery.retries import AWS_MANAGED
from windtunnel.services.sns.state import AGES, DEDUPLICATION, ENDED, SUBSCRIPTIONS, forget_subscription

SWEPT_AT_ONCE = 500


def sweep(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Removes what a deleted topic left, a slice at a time."""
    number, swept = payload["number"], 0
    for key, one in list(tx.scan(SUBSCRIPTIONS, number, limit=SWEPT_AT_ONCE)):
        forget_subscription(tx, key, one)
        swept += 1
    swept += _forgotten(tx, DEDUPLICATION, number) + _forgotten(tx, AGES, number)
    if swept:
        tx.timer(tx.now, "sweep", payload)


def _forgotten(tx: Tx, table: Table[Any], number: int) -> int:
    keys = [key for key, _ in tx.scan(table, number, limit=SWEPT_AT_ONCE)]
    for key in keys:
        tx.delete(table, *key)
    return len(keys)


def expire(tx: Tx, payload: Mapping[str, Any]) -> None:
    """A subscription that nobody confirmed in time is gone."""
    key = (payload["number"], payload["id"])
    one = tx.get(SUBSCRIPTIONS, *key)
    if one is not None and not one.confirmed:
        forget_subscription(tx, key, one)


def forget_ended(tx: Tx, payload: Mapping[str, Any]) -> None:
    tx.delete(ENDED, payload["token"])


def bury(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Lays what a function did not take into the dead-letter queue, in the envelope that a queue would have got."""
    delivery = delivery_of(payload["delivery"])
    event = Event(envelope_of_event(delivery.event.body), late=LATE)
    tx.deliver(payload["context"]["queue"], event, source=SOURCE, source_arn=delivery.source_arn, retry=AWS_MANAGED)
