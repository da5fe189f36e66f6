"""Replays: a subscription gets again what lies in its FIFO topic's archive.

While it does, it gets everything from there, also what is published meanwhile, until it has caught up: so the order of a group holds.
https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.services.sns.archive.archive import beginning
from windtunnel.services.sns.delivery.fanout import deliver_to, passes
from windtunnel.services.sns.delivery.published import Published
from windtunnel.services.sns.publishing.order import number_at
from windtunnel.services.sns.rules import texts_of
from windtunnel.services.sns.state import ARCHIVE, SUBSCRIPTIONS, TOPICS, Archived, Found, arn_of, replace

REPLAYED_AT_ONCE = 50


def begin(tx: Tx, key: tuple[Any, ...]) -> None:
    """Starts the replay of the subscription under a key, in place of an earlier one."""
    tx.timer(tx.now, "replay", {"number": key[0], "id": key[1]}, name=key[1])


def replay(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: sends a slice of the archive to a subscription; the last one lets it hear what is published from then on."""
    key = (payload["number"], payload["id"])
    one = tx.get(SUBSCRIPTIONS, *key)
    topic = None if one is None else tx.get(TOPICS, one.topic)
    if (
        one is None
        or not one.confirmed
        or topic is None
        or topic.number != payload["number"]
        or one.replay not in {"Pending", "In progress"}
    ):
        return
    if not topic.archived_days:
        tx.put(SUBSCRIPTIONS, *key, value=replace(one, replay="Failed"))
        return
    found = Found(tx, arn_of(tx.region, tx.account, one.topic), one.topic, topic)
    start = max(one.replay_number, number_at(beginning(topic, tx.now)))
    page = tx.scan(ARCHIVE, topic.number, start=(start,), limit=REPLAYED_AT_ONCE)
    rows = [(key, row) for key, row in page if not one.replay_end or row.at <= one.replay_end]
    for _, row in rows:
        published = _published(row)
        if passes(one, published):
            deliver_to(found, published, key[1], one)
    more = len(rows) == REPLAYED_AT_ONCE
    last = int(rows[-1][0][1] or 0) + 1 if rows else start
    tx.put(SUBSCRIPTIONS, *key, value=replace(one, replay="In progress" if more else "Completed", replay_number=last))
    if more:
        begin(tx, key)


def _published(row: Archived) -> Published:
    texts = texts_of(row.message) if row.structured else None
    return Published(
        row.id, row.message, row.subject, row.attributes, texts, row.group, row.deduplication, row.sequence, replayed_of=row.at
    )
