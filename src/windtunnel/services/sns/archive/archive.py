"""A FIFO topic's archive: what is published stays in it for days, and can be asked for again.

https://docs.aws.amazon.com/sns/latest/dg/fifo-message-archiving-replay.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from windtunnel.fabric import Tx
from windtunnel.services.sns.delivery.published import Published
from windtunnel.services.sns.publishing.order import number_at
from windtunnel.services.sns.rules import invalid
from windtunnel.services.sns.state import ARCHIVE, LAST, TOPICS, Archived, Subscription, Topic, replace

RETENTION_DAYS_MAX = 365
DAY_SECONDS = 86_400
FORGOTTEN_AT_ONCE = 256
SPACING_SECONDS = 3_600.0
"""The archive's ages are looked at so often at most; a replay looks at them by itself."""


def archived(topic: Topic, text: str, prefix: str, now: float) -> Topic:
    """A topic under an ArchivePolicy. Raises InvalidParameter."""
    policy = _object(text, f"{prefix}ArchivePolicy")
    texts = {name: value for name, value in topic.texts.items() if name != "ArchivePolicy"}
    if not policy:
        return replace(topic, texts=texts, archived_days=0, archived_since=0.0)
    days = str(policy.get("MessageRetentionPeriod", ""))
    if policy.keys() != {"MessageRetentionPeriod"} or not days.isascii() or not days.isdigit() or not 1 <= int(days) <= RETENTION_DAYS_MAX:
        raise invalid(f"{prefix}ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and {RETENTION_DAYS_MAX}")
    return replace(topic, texts={**texts, "ArchivePolicy": text}, archived_days=int(days), archived_since=topic.archived_since or now)


def beginning(topic: Topic, now: float) -> float:
    """The earliest time that can be replayed from."""
    return max(topic.archived_since, now - topic.archived_days * DAY_SECONDS)


def watch(tx: Tx, name: str, topic: Topic, days: int = 0) -> None:
    """Has what is too old removed from a topic's archive, or all of it where the topic has none any more; `days` were kept before."""
    if topic.archived_days != days and topic.archived_days:
        due = tx.now if days else tx.now + topic.archived_days * DAY_SECONDS
        tx.timer(due, "age", {"name": name, "number": topic.number}, name=str(topic.number))
    elif topic.archived_days != days:
        tx.cancel_timer("age", str(topic.number))
        tx.timer(tx.now, "clear", {"number": topic.number, "end": (tx.get(LAST, topic.number) or 0) + 1})


def store(tx: Tx, topic: Topic, number: int, published: Published) -> None:
    row = Archived(
        published.id,
        tx.now,
        published.message,
        published.subject,
        {name: dict(value) for name, value in published.attributes.items()},
        published.texts is not None,
        published.group,
        published.deduplication,
        published.sequence,
    )
    tx.put(ARCHIVE, topic.number, number, value=row)


def age(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what is older than the retention period, a slice at a time."""
    topic = tx.get(TOPICS, payload["name"])
    if topic is None or topic.number != payload["number"] or not topic.archived_days:
        return
    kept = topic.archived_days * DAY_SECONDS
    more = _forget(tx, topic.number, number_at(tx.now - kept) + 1)
    oldest = next((row.at for _, row in tx.scan(ARCHIVE, topic.number, limit=1)), tx.now)
    due = tx.now if more else max(oldest + kept, tx.now + SPACING_SECONDS)
    tx.timer(due, "age", payload, name=str(topic.number))


def clear(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes the archive of a topic that has none any more."""
    if _forget(tx, payload["number"], payload["end"]):
        tx.timer(tx.now, "clear", payload)


def _forget(tx: Tx, topic: int, end: int) -> bool:
    keys = [key for key, _ in tx.scan(ARCHIVE, topic, end=(end,), limit=FORGOTTEN_AT_ONCE)]
    for key in keys:
        tx.delete(ARCHIVE, *key)
    return len(keys) == FORGOTTEN_AT_ONCE


def replayed(one: Subscription, topic: Topic, text: str, prefix: str, now: float) -> Subscription:
    """A subscription under a ReplayPolicy; without one it gets what is published from now on. Raises InvalidParameter."""
    policy = _object(text or "{}", f"{prefix}ReplayPolicy")
    texts = {name: value for name, value in one.texts.items() if name != "ReplayPolicy"}
    if not policy:
        return replace(one, texts=texts, replay="", replay_number=0, replay_end=0.0)
    if not topic.archived_days:
        raise invalid(f"{prefix}ReplayPolicy: the topic has no ArchivePolicy")
    if policy.get("PointType") != "Timestamp":
        raise invalid(f"{prefix}ReplayPolicy: PointType must be Timestamp")
    if policy.keys() - {"PointType", "StartingPoint", "EndingPoint"}:
        raise invalid(f"{prefix}ReplayPolicy: only PointType, StartingPoint and EndingPoint are supported")
    start = _time(policy, "StartingPoint", prefix)
    end = _time(policy, "EndingPoint", prefix) if "EndingPoint" in policy else 0.0
    if not int(beginning(topic, now)) <= start <= now:
        raise invalid(f"{prefix}ReplayPolicy: StartingPoint must be between the topic's BeginningArchiveTime and now")
    if end and end <= start:
        raise invalid(f"{prefix}ReplayPolicy: EndingPoint must be after StartingPoint")
    return replace(one, texts={**texts, "ReplayPolicy": text}, replay="Pending", replay_number=number_at(start), replay_end=end)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(f"{what}: failed to parse JSON.") from error
    if not isinstance(policy, dict):
        raise invalid(f"{what}: policy must be a JSON object")
    return policy  # pyright: ignore[reportUnknownVariableType]


def _time(policy: Mapping[str, Any], name: str, prefix: str) -> float:
    try:
        time = datetime.fromisoformat(policy.get(name, ""))
    except (ValueError, TypeError) as error:
        raise invalid(f"{prefix}ReplayPolicy: {name} must be a timestamp of the form yyyy-MM-ddTHH:mm:ss.SSSZ") from error
    if time.tzinfo is None:
        raise invalid(f"{prefix}ReplayPolicy: {name} must be a timestamp of the form yyyy-MM-ddTHH:mm:ss.SSSZ")
    return time.timestamp()
