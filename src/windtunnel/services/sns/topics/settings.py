"""A topic's attributes: what can be set, how it is checked, and how all of it is shown."""

from __future__ import annotations

import orjson

from windtunnel.fabric import Tx
from windtunnel.services.sns.archive.archive import archived, beginning
from windtunnel.services.sns.delivery.envelope import timestamp
from windtunnel.services.sns.delivery.retries import effective_policy, kept_topic_policy
from windtunnel.services.sns.rules import TRUE_FALSE, invalid
from windtunnel.services.sns.state import DELETED, SUBSCRIPTIONS, Found, Topic, replace
from windtunnel.services.sns.topics.policies import checked_policy, default_policy

DISPLAY_NAME_LENGTH_MAX = 100
PERCENT_MAX = 100
SIZE_MIN, SIZE_MAX = 1_024, 1_048_576
"""Bytes of a message: https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html"""
_FEEDBACK = frozenset(
    f"{kind}{suffix}"
    for kind in ("HTTP", "SQS", "Lambda", "Firehose", "Application")
    for suffix in ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
)
_TEXTS = frozenset({"DisplayName", "KmsMasterKeyId", "TracingConfig", "ArchivePolicy", "MaximumMessageSize"}) | _FEEDBACK
_SETTABLE = _TEXTS | {"Policy", "DeliveryPolicy", "SignatureVersion", "ContentBasedDeduplication", "FifoThroughputScope"}
_TRACING = frozenset({"PassThrough", "Active"})
_SCOPES = frozenset({"Topic", "MessageGroup"})


def changed(topic: Topic, arn: str, name: str, value: str, now: float, prefix: str = "") -> Topic:
    """A topic with an attribute set. `prefix` stands in front of what a refusal says is wrong."""
    if name not in _SETTABLE:
        raise invalid(f"{prefix}Unknown attribute {name}" if prefix else "AttributeName")
    if name == "Policy":
        return replace(topic, policy=checked_policy(value, arn, prefix) if value else "")
    if name == "DeliveryPolicy":
        return replace(topic, delivery_policy=kept_topic_policy(value, f"{prefix}DeliveryPolicy") if value else "")
    if name == "SignatureVersion":
        if value not in {"1", "2"}:
            raise invalid(f"{prefix}SignatureVersion: Invalid value [{value}]. Must be 1 or 2.")
        return replace(topic, signature=value, texts={**topic.texts, name: value})
    if name in {"ContentBasedDeduplication", "FifoThroughputScope"}:
        return _changed_fifo(topic, name, value, prefix)
    _check_text(topic, name, value, prefix)
    if name == "ArchivePolicy":
        return archived(topic, value, prefix, now)
    texts = {key: text for key, text in topic.texts.items() if key != name}
    return replace(topic, texts={**texts, name: value} if value else texts)


def _changed_fifo(topic: Topic, name: str, value: str, prefix: str) -> Topic:
    if not topic.fifo:
        raise invalid(f"{prefix}{name}: this attribute is only supported by FIFO topics" if prefix else "AttributeName")
    if name == "FifoThroughputScope":
        if value not in _SCOPES:
            raise invalid(f"{prefix}FifoThroughputScope: Invalid value [{value}]. Must be Topic or MessageGroup.")
        return replace(topic, group_scope=value == "MessageGroup", texts={**topic.texts, name: value})
    if value.lower() not in TRUE_FALSE:
        raise invalid(f"{prefix}ContentBasedDeduplication: Invalid value [{value}]. Must be true or false.")
    return replace(topic, content_deduplication=value.lower() == "true")


def _check_text(topic: Topic, name: str, value: str, prefix: str) -> None:
    if name == "DisplayName" and len(value) > DISPLAY_NAME_LENGTH_MAX:
        raise invalid(f"{prefix}DisplayName: must be at most {DISPLAY_NAME_LENGTH_MAX} characters long")
    if name == "TracingConfig" and value not in _TRACING:
        raise invalid(f"{prefix}TracingConfig: Invalid value [{value}]. Must be Active or PassThrough.")
    if name == "MaximumMessageSize" and not (value.isascii() and value.isdigit() and SIZE_MIN <= int(value) <= SIZE_MAX):
        raise invalid(f"{prefix}MaximumMessageSize: Invalid value [{value}]. Must be between {SIZE_MIN} and {SIZE_MAX}.")
    if name == "ArchivePolicy" and not topic.fifo:
        raise invalid(f"{prefix}ArchivePolicy: archive policies are only supported by FIFO topics")
    if name.endswith("SampleRate") and not (value.isdigit() and int(value) <= PERCENT_MAX):
        raise invalid(f"{prefix}{name}: Invalid value [{value}]. Must be between 0 and {PERCENT_MAX}.")


def has(topic: Topic, name: str, value: str) -> bool:
    """Whether a topic has an attribute's value, as CreateTopic compares them."""
    if name == "FifoTopic":
        return (value.lower() == "true") == topic.fifo
    if name == "ContentBasedDeduplication":
        return (value.lower() == "true") == topic.content_deduplication
    if name == "Policy":
        return topic.policy == value
    if name == "DeliveryPolicy":
        return topic.delivery_policy == (kept_topic_policy(value, name) if value else "")
    return topic.texts.get(name, "") == value


def shown(found: Found) -> dict[str, str]:
    """All attributes of a topic, as GetTopicAttributes answers them."""
    tx, topic = found.tx, found.topic
    attributes = {
        "Policy": topic.policy or default_policy(found.arn, tx.account),
        "Owner": tx.account,
        "SubscriptionsPending": str(tx.count(SUBSCRIPTIONS, "pending", topic.number)),
        "TopicArn": found.arn,
        "EffectiveDeliveryPolicy": orjson.dumps(effective_policy(topic.delivery_policy)).decode(),
        "SubscriptionsConfirmed": str(tx.count(SUBSCRIPTIONS, "confirmed", topic.number)),
        "DisplayName": "",
        "SubscriptionsDeleted": str(_deleted(tx, topic)),
        **topic.texts,
    }
    if topic.delivery_policy:
        attributes["DeliveryPolicy"] = topic.delivery_policy
    if topic.fifo:
        attributes["FifoTopic"] = "true"
        attributes |= {"BeginningArchiveTime": timestamp(beginning(topic, tx.now))} if topic.archived_days else {}
        attributes["ContentBasedDeduplication"] = str(topic.content_deduplication).lower()
    return attributes


def _deleted(tx: Tx, topic: Topic) -> int:
    return int(tx.amount(DELETED, topic.number))
