"""Operations on a topic's attributes and its data protection policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.services.sns.archive.archive import watch
from windtunnel.services.sns.protection import checked
from windtunnel.services.sns.rules import MESSAGE_BYTES_MAX, invalid
from windtunnel.services.sns.state import DATA_PROTECTION, SUBSCRIPTIONS, TOPICS, Found, find_topic, replace
from windtunnel.services.sns.topics.settings import changed, shown

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

LARGE_SUBSCRIPTIONS_MAX = 100
LARGE_PROTOCOLS = frozenset({"sqs", "lambda", "firehose"})


def get_topic_attributes(tx: Tx, req: t.GetTopicAttributesInput) -> t.GetTopicAttributesResponse:
    return {"Attributes": shown(find_topic(tx, req["TopicArn"]))}


def set_topic_attributes(tx: Tx, req: t.SetTopicAttributesInput) -> None:
    found = find_topic(tx, req["TopicArn"])
    topic = changed(found.topic, found.arn, req["AttributeName"], req.get("AttributeValue") or "", tx.now)
    if int(topic.texts.get("MaximumMessageSize", 0)) > MESSAGE_BYTES_MAX:
        _check_large(found)
    found.tx.put(TOPICS, found.name, value=topic)
    watch(found.tx, found.name, topic, found.topic.archived_days)


def _check_large(found: Found) -> None:
    """Only some can take large messages: https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html"""
    listening = [one.protocol for _, one in found.tx.scan(SUBSCRIPTIONS, found.topic.number, limit=LARGE_SUBSCRIPTIONS_MAX + 1)]
    if len(listening) > LARGE_SUBSCRIPTIONS_MAX or not LARGE_PROTOCOLS.issuperset(listening):
        needed = f"at most {LARGE_SUBSCRIPTIONS_MAX} subscriptions, all of queues, functions and delivery streams"
        raise invalid(f"MaximumMessageSize: above {MESSAGE_BYTES_MAX} bytes a topic has {needed}")


def get_data_protection_policy(tx: Tx, req: t.GetDataProtectionPolicyInput) -> t.GetDataProtectionPolicyResponse:
    found = find_topic(tx, req["ResourceArn"], "ResourceArn")
    policy = found.tx.get(DATA_PROTECTION, found.topic.number)
    return {"DataProtectionPolicy": policy} if policy else {}


def put_data_protection_policy(tx: Tx, req: t.PutDataProtectionPolicyInput) -> None:
    found = find_topic(tx, req["ResourceArn"], "ResourceArn")
    policy = req["DataProtectionPolicy"]
    found.tx.put(TOPICS, found.name, value=replace(found.topic, protected=bool(policy)))
    if policy:
        found.tx.put(DATA_PROTECTION, found.topic.number, value=checked(policy))
    else:
        found.tx.delete(DATA_PROTECTION, found.topic.number)
