"""Subscriptions: made, confirmed, listed, looked at, changed and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sns.archive.replay import begin
from windtunnel.services.sns.places import page_of, start_of
from windtunnel.services.sns.quotas import check_filter_policies, check_subscriptions
from windtunnel.services.sns.rules import ARN_FIELDS, CONFIRM_SECONDS_MAX, PAGE_ITEMS, TOKEN_LENGTH, arn_parts, invalid
from windtunnel.services.sns.state import (
    DELETED,
    ENDED,
    OWNED,
    SUBSCRIPTIONS,
    TOKENS,
    TOPICS,
    Ended,
    Found,
    Subscribed,
    Subscription,
    arn_of,
    find_subscription,
    find_topic,
    forget_subscription,
    put_subscription,
    replace,
)
from windtunnel.services.sns.subscriptions.choices import agrees, changed, shown
from windtunnel.services.sns.subscriptions.confirm import ask, ask_to_stay
from windtunnel.services.sns.subscriptions.endpoints import check_endpoint, needs_confirmation

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

PENDING = "pending confirmation"
PENDING_LISTED = "PendingConfirmation"
SIGNED_UNSUBSCRIBE_ONLY = "true"


def subscribe(tx: Tx, req: t.SubscribeInput) -> t.SubscribeResponse:
    found = find_topic(tx, req["TopicArn"])
    protocol, endpoint, attributes = req["Protocol"], req.get("Endpoint") or "", req.get("Attributes") or {}
    check_endpoint(protocol, endpoint, fifo=found.topic.fifo)
    number = found.topic.number
    there = next(found.tx.find(SUBSCRIPTIONS, "endpoint", number, protocol, endpoint, limit=1), None)
    if there is not None:
        return _subscribed_again(found, there[0], there[1], req)
    check_subscriptions(found.tx, found.topic)
    caller = _caller(tx)
    confirmed = not needs_confirmation(protocol, endpoint, caller)
    one = Subscription(found.name, protocol, endpoint, caller, tx.scope.principal.arn, confirmed, authenticated=confirmed)
    one = changed(one, found.topic, attributes, found.tx.region, tx.now, subscribing=True)
    check_filter_policies(found.tx, found.topic, one)
    if protocol == "firehose" and not one.texts.get("SubscriptionRoleArn"):
        raise invalid("Invalid parameter: SubscriptionRoleArn is required for the protocol firehose")
    id = tx.new_id()
    arn = f"{found.arn}:{id}"
    if not confirmed:
        one = replace(one, token=tx.ids.hex(TOKEN_LENGTH))
        found.tx.put(TOKENS, one.token, value=id)
        found.tx.timer(tx.now + CONFIRM_SECONDS_MAX, "expire", {"number": number, "id": id})
        ask(found, id, one)
    put_subscription(found.tx, number, id, one)
    if one.replay:
        begin(found.tx, (number, id))
    return {"SubscriptionArn": arn if confirmed or req.get("ReturnSubscriptionArn") else PENDING}


def _subscribed_again(found: Found, key: tuple[Any, ...], one: Subscription, req: t.SubscribeInput) -> t.SubscribeResponse:
    """Subscribing an endpoint again changes nothing; one that has not confirmed is asked again."""
    if not agrees(one, found.topic, req.get("Attributes") or {}, found.tx.region, found.tx.now):
        raise invalid("Attributes Reason: Subscription already exists with different attributes")
    if not one.confirmed:
        ask(found, key[1], one)
    return {"SubscriptionArn": f"{found.arn}:{key[1]}" if one.confirmed or req.get("ReturnSubscriptionArn") else PENDING}


def confirm_subscription(tx: Tx, req: t.ConfirmSubscriptionInput) -> t.ConfirmSubscriptionResponse:
    """The token says which; of the topic's ARN only account and region are looked at, as in AWS."""
    arn, token = req["TopicArn"], req["Token"]
    parts = arn.split(":")
    anonymous = tx.scope.principal.kind == "Anonymous"
    if len(parts) != ARN_FIELDS or (parts[3] != tx.region and not anonymous):
        raise invalid("Topic")
    place = tx.at(account=parts[4], region=parts[3])
    if (ended := place.get(ENDED, token)) is not None:
        place.delete(ENDED, token)
        put_subscription(place, ended.number, ended.id, ended.one)
        return {"SubscriptionArn": f"{arn_of(place.region, place.account, ended.one.topic)}:{ended.id}"}
    id = place.get(TOKENS, token)
    there = None if id is None else next(place.find(SUBSCRIPTIONS, "id", id, limit=1), None)
    if there is None:
        if not anonymous and len(token) != TOKEN_LENGTH:
            raise Fault("InvalidParameter", "Invalid token")
        raise invalid("Token")
    key, one = there
    topic = place.get(TOPICS, one.topic)
    if topic is None or topic.number != key[0]:
        raise Fault("NotFound", "Topic does not exist")
    signed_only = req.get("AuthenticateOnUnsubscribe", "").lower() == SIGNED_UNSUBSCRIBE_ONLY and not anonymous
    if not one.confirmed:
        one = replace(one, confirmed=True, authenticated=not anonymous, unsubscribe_authenticated=signed_only)
        place.put(SUBSCRIPTIONS, *key, value=one)
        if one.replay:
            begin(place, key)
    return {"SubscriptionArn": f"{arn_of(place.region, place.account, one.topic)}:{key[1]}"}


def unsubscribe(tx: Tx, req: t.UnsubscribeInput) -> None:
    there = find_subscription(tx, req["SubscriptionArn"])
    if there is None:
        return
    one = there.one
    if tx.scope.principal.kind == "Anonymous" and one.unsubscribe_authenticated:
        raise Fault("AuthorizationError", "This subscription requires authentication to unsubscribe")
    if not one.confirmed:
        raise invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
    forget_subscription(there.tx, there.key, one)
    there.tx.add(DELETED, there.key[0], amount=1)
    if one.protocol in {"http", "https"} and tx.scope.principal.kind == "Anonymous":
        token = tx.ids.hex(TOKEN_LENGTH)
        there.tx.put(ENDED, token, value=Ended(there.key[0], there.key[1], one))
        there.tx.timer(tx.now + CONFIRM_SECONDS_MAX, "forget_ended", {"token": token})
        ask_to_stay(there, token)


def list_subscriptions(tx: Tx, req: t.ListSubscriptionsInput) -> t.ListSubscriptionsResponse:
    found, rest = page_of(tx.scan(OWNED, start=start_of(req), limit=PAGE_ITEMS + 1))
    there = (find_subscription(tx, arn) for _, arn in found)
    return {"Subscriptions": [_listed(one) for one in there if one is not None], **rest}  # pyright: ignore[reportReturnType]


def list_subscriptions_by_topic(tx: Tx, req: t.ListSubscriptionsByTopicInput) -> t.ListSubscriptionsByTopicResponse:
    topic = find_topic(tx, req["TopicArn"])
    rows = topic.tx.scan(SUBSCRIPTIONS, topic.topic.number, start=start_of(req, 1), limit=PAGE_ITEMS + 1)
    found, rest = page_of(rows)
    listed = [_listed(Subscribed(topic.tx, key, f"{topic.arn}:{key[1]}", one)) for key, one in found]
    return {"Subscriptions": listed, **rest}  # pyright: ignore[reportReturnType]


def get_subscription_attributes(tx: Tx, req: t.GetSubscriptionAttributesInput) -> t.GetSubscriptionAttributesResponse:
    there = _existing(tx, req["SubscriptionArn"])
    topic = there.tx.get(TOPICS, there.one.topic)
    return {"Attributes": shown(there.one, topic, there.arn, there.tx.account, there.tx.region)}


def set_subscription_attributes(tx: Tx, req: t.SetSubscriptionAttributesInput) -> None:
    there = _existing(tx, req["SubscriptionArn"])
    topic = there.tx.get(TOPICS, there.one.topic)
    if topic is None:
        raise Fault("NotFound", "Topic does not exist")
    one = changed(there.one, topic, {req["AttributeName"]: req.get("AttributeValue") or ""}, there.tx.region, tx.now)
    check_filter_policies(there.tx, topic, one, there.one.filter_policy)
    there.tx.put(SUBSCRIPTIONS, *there.key, value=one)
    if one.replay == "Pending":
        begin(there.tx, there.key)


def _existing(tx: Tx, arn: str) -> Subscribed:
    arn_parts(arn, "SubscriptionArn")
    there = find_subscription(tx, arn)
    if there is None:
        raise Fault("NotFound", "Subscription does not exist")
    return there


def _caller(tx: Tx) -> str:
    return tx.scope.account if tx.scope.principal.kind == "Anonymous" else tx.scope.principal.account


def _listed(there: Subscribed) -> dict[str, str]:
    one = there.one
    return {
        "SubscriptionArn": there.arn if one.confirmed else PENDING_LISTED,
        "Owner": one.owner,
        "Protocol": one.protocol,
        "Endpoint": one.endpoint,
        "TopicArn": arn_of(there.tx.region, there.tx.account, one.topic),
    }
