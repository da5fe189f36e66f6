"""Topics: made, listed and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.data_keys import forget_data_keys
from windtunnel.fabric.tags import remove_all_tags, set_tags, tags_of
from windtunnel.services.sns.archive.archive import watch
from windtunnel.services.sns.places import page_of, start_of
from windtunnel.services.sns.protection import checked
from windtunnel.services.sns.quotas import check_topics
from windtunnel.services.sns.rules import PAGE_ITEMS, check_name, check_number, checked_tags, invalid
from windtunnel.services.sns.state import DATA_PROTECTION, LAST, TOPICS, Topic, arn_of, place_of, replace
from windtunnel.services.sns.topics.settings import changed, has

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

ORPHANS_KEPT_SECONDS = 3 * 86_400.0


def create_topic(tx: Tx, req: t.CreateTopicInput) -> t.CreateTopicResponse:
    name, attributes, tags = req["Name"], req.get("Attributes") or {}, checked_tags(req.get("Tags") or [])
    fifo = attributes.get("FifoTopic", "false").lower() == "true"
    check_name(name, fifo=fifo)
    arn = arn_of(tx.region, tx.account, name)
    topic = tx.get(TOPICS, name)
    if topic is not None:
        _check_same(tx, arn, topic, attributes, tags)
        return {"TopicArn": arn}
    check_number(tags)
    check_topics(tx, "fifo" if fifo else "standard")
    topic = Topic(tx.serial(), tx.now, fifo)
    for attribute, value in attributes.items():
        if attribute != "FifoTopic":
            topic = changed(topic, arn, attribute, value, tx.now, "Attributes Reason: ")
    policy = req.get("DataProtectionPolicy")
    tx.put(TOPICS, name, value=replace(topic, protected=bool(policy)))
    watch(tx, name, topic)
    set_tags(tx, arn, tags)
    if policy:
        tx.put(DATA_PROTECTION, topic.number, value=checked(policy))
    return {"TopicArn": arn}


def _check_same(tx: Tx, arn: str, topic: Topic, attributes: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Making a topic that is there already changes nothing; what is asked for must agree with it."""
    if not all(has(topic, attribute, value) for attribute, value in attributes.items()):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    if tags and tags != tags_of(tx, arn):
        raise invalid("Tags Reason: Topic already exists with different tags")


def delete_topic(tx: Tx, req: t.DeleteTopicInput) -> None:
    tx, name = place_of(tx, req["TopicArn"])
    topic = tx.get(TOPICS, name)
    if topic is None:
        return
    if topic.archived_days:
        raise Fault("InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")
    tx.delete(TOPICS, name)
    tx.delete(DATA_PROTECTION, topic.number)
    tx.delete(LAST, topic.number)
    arn = arn_of(tx.region, tx.account, name)
    remove_all_tags(tx, arn)
    forget_data_keys(tx, arn)
    tx.timer(tx.now + ORPHANS_KEPT_SECONDS, "sweep", {"number": topic.number})


def list_topics(tx: Tx, req: t.ListTopicsInput) -> t.ListTopicsResponse:
    found, rest = page_of(tx.scan(TOPICS, start=start_of(req), limit=PAGE_ITEMS + 1))
    topics = [{"TopicArn": arn_of(tx.region, tx.account, str(key[0]))} for key, _ in found]
    return {"Topics": topics, **rest}  # pyright: ignore[reportReturnType]
