"""A subscription's attributes: what can be set, how it is checked, and how all of it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import orjson

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.patterns import Scope, compile_filter_policy
from windtunnel.services.sns.archive.archive import replayed
from windtunnel.services.sns.delivery.retries import kept_subscription_policy, subscription_policy
from windtunnel.services.sns.quotas import FILTER_POLICY_BYTES_MAX
from windtunnel.services.sns.rules import TRUE_FALSE, invalid
from windtunnel.services.sns.state import Subscription, Topic, arn_of, replace

SCOPES = frozenset({"MessageAttributes", "MessageBody"})
RAW_PROTOCOLS = frozenset({"http", "https", "sqs", "firehose"})
_SETTABLE = frozenset(
    {"RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "DeliveryPolicy", "SubscriptionRoleArn", "ReplayPolicy"}
)


def changed(
    one: Subscription, topic: Topic, attributes: Mapping[str, str], region: str, now: float, *, subscribing: bool = False
) -> Subscription:
    """A subscription with attributes set. `subscribing`: refusals are worded as Subscribe does."""
    prefix = "Attributes Reason: " if subscribing else ""
    # A nested filter policy is allowed or not by its scope, so the scope goes first.
    for name in sorted(attributes, key=lambda name: name != "FilterPolicyScope"):
        if name not in _SETTABLE:
            raise invalid(f"{prefix}Unknown attribute: {name}" if subscribing else "AttributeName")
        one = _set(one, topic, name, attributes[name], prefix, region, now)
    return one


def _set(one: Subscription, topic: Topic, name: str, value: str, prefix: str, region: str, now: float) -> Subscription:
    if name == "RawMessageDelivery":
        if value.lower() not in TRUE_FALSE:
            raise invalid(f"{prefix}RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
        if value.lower() == "true" and one.protocol not in RAW_PROTOCOLS:
            raise invalid(f"{prefix}RawMessageDelivery: Delivery protocol [{one.protocol}] does not support raw message delivery.")
        return replace(one, raw=value.lower() == "true")
    if name == "FilterPolicyScope":
        if value not in SCOPES:
            raise invalid(f"{prefix}FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes")
        if one.filter_policy:
            _check_filter(one.filter_policy, value, prefix)
        return replace(one, scope=value)
    if name == "FilterPolicy":
        if not value:
            return replace(one, filter_policy="")
        _check_filter(value, one.scope, prefix)
        return replace(one, filter_policy=value)
    if name == "RedrivePolicy":
        return replace(one, dead_letter=_checked_redrive(one, topic, value, prefix, region) if value else "")
    if name == "DeliveryPolicy":
        return replace(one, delivery_policy=kept_subscription_policy(value, f"{prefix}DeliveryPolicy") if value else "")
    if name == "ReplayPolicy":
        if not topic.fifo:
            raise invalid(f"{prefix}ReplayPolicy: replay policies are only supported by FIFO topics")
        return replayed(one, topic, value, prefix, now)
    texts = {key: text for key, text in one.texts.items() if key != name}
    return replace(one, texts={**texts, name: value} if value else texts)


def _check_filter(text: str, scope: str, prefix: str) -> None:
    if len(text.encode()) > FILTER_POLICY_BYTES_MAX:
        raise invalid(f"{prefix}FilterPolicy: Filter policy can not be larger than {FILTER_POLICY_BYTES_MAX} bytes")
    try:
        compile_filter_policy(text, cast("Scope", scope), attribute=bool(prefix))
    except ValueError as error:
        raise invalid(str(error).removeprefix("Invalid parameter: ")) from error


def _checked_redrive(one: Subscription, topic: Topic, text: str, prefix: str, region: str) -> str:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(f"{prefix}RedrivePolicy: failed to parse JSON. {error.msg}") from error
    target: Any = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(target, str):
        raise invalid(f"{prefix}RedrivePolicy: RedrivePolicy does not contain mandatory attribute: deadLetterTargetArn")
    arn = parse_or_none(target)
    if arn is None or arn.service != "sqs":
        raise invalid(f"{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn")
    if (arn.account, arn.region) != (one.owner, region):
        raise invalid(f"{prefix}RedrivePolicy: deadLetterTargetArn must be of the subscription's account and region")
    if topic.fifo and one.endpoint.endswith(".fifo") and not target.endswith(".fifo"):
        raise invalid(f"{prefix}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
    return text


@lru_cache(maxsize=1024)
def dead_letter_queue(redrive_policy: str) -> str:
    """The queue's ARN in a redrive policy; "" where there is none."""
    return orjson.loads(redrive_policy)["deadLetterTargetArn"] if redrive_policy else ""


def agrees(one: Subscription, topic: Topic, attributes: Mapping[str, str], region: str, now: float) -> bool:
    """Whether a subscription is what subscribing again asks for; the replay it asked for goes on."""
    asked = {name: value for name, value in attributes.items() if name != "ReplayPolicy" or value != one.texts.get(name)}
    return changed(one, topic, asked, region, now, subscribing=True) == one


def shown(one: Subscription, topic: Topic | None, arn: str, account: str, region: str) -> dict[str, str]:
    """All attributes of a subscription, as GetSubscriptionAttributes answers them."""
    attributes = {
        "SubscriptionPrincipal": one.principal,
        "Owner": one.owner,
        "RawMessageDelivery": str(one.raw).lower(),
        "TopicArn": arn_of(region, account, one.topic),
        "Endpoint": one.endpoint,
        "Protocol": one.protocol,
        "PendingConfirmation": str(not one.confirmed).lower(),
        "ConfirmationWasAuthenticated": str(one.authenticated).lower(),
        "SubscriptionArn": arn,
        **one.texts,
    }
    if one.filter_policy:
        attributes |= {"FilterPolicy": one.filter_policy, "FilterPolicyScope": one.scope}
    if one.dead_letter:
        attributes["RedrivePolicy"] = one.dead_letter
    if one.delivery_policy:
        attributes["DeliveryPolicy"] = one.delivery_policy
    if one.replay:
        attributes["ReplayStatus"] = one.replay
    if one.protocol in {"http", "https"}:
        attributes["EffectiveDeliveryPolicy"] = orjson.dumps(
            subscription_policy(topic.delivery_policy if topic else "", one.delivery_policy)
        ).decode()
    return attributes
