"""The order of a FIFO topic, and what it remembers of what was sent: a deduplication id holds for five minutes."""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.sns.rules import DEDUPLICATION_SECONDS
from windtunnel.services.sns.state import AGES, DEDUPLICATION, LAST, Sent, Topic

FORGOTTEN_AT_ONCE = 4
NUMBERS_PER_SECOND = 1_000_000


def next_number(tx: Tx, topic: Topic) -> int:
    """A number greater than all that the topic gave out before, whichever process did; it says when, in millionths of a second."""
    number = max((tx.get(LAST, topic.number) or 0) + 1, number_at(tx.now))
    tx.put(LAST, topic.number, value=number)
    return number


def number_at(time: float) -> int:
    """The least number that a message of that time has."""
    return int(time * NUMBERS_PER_SECOND)


def sent_before(tx: Tx, topic: Topic, group: str, id: str) -> Sent | None:
    sent = tx.get(DEDUPLICATION, topic.number, group if topic.group_scope else "", id)
    return sent if sent is not None and sent.at > tx.now - DEDUPLICATION_SECONDS else None


def remember(tx: Tx, topic: Topic, group: str, id: str, sent: Sent) -> None:
    number, scope = topic.number, group if topic.group_scope else ""
    # A few of the old ones go whenever a new one comes, so that no more stay than five minutes' worth.
    for key, _ in list(tx.scan(AGES, number, end=(tx.now - DEDUPLICATION_SECONDS,), limit=FORGOTTEN_AT_ONCE)):
        tx.delete(AGES, *key)
        row = tx.get(DEDUPLICATION, number, *key[2:])
        if row is not None and row.at <= tx.now - DEDUPLICATION_SECONDS:
            tx.delete(DEDUPLICATION, number, *key[2:])
    tx.put(DEDUPLICATION, number, scope, id, value=sent)
    tx.put(AGES, number, sent.at, scope, id, value=True)
