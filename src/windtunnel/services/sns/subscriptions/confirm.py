"""The messages that ask: to confirm a subscription, and, when one was ended without a signature, whether that was meant."""

from __future__ import annotations

from windtunnel.fabric import Event, Tx
from windtunnel.fabric.outbox import post
from windtunnel.services.sns.delivery.envelope import confirm_url, confirmation
from windtunnel.services.sns.delivery.fanout import LATE, SOURCE, url_headers
from windtunnel.services.sns.delivery.retries import AWS_MANAGED, DEFAULT_CONTENT_TYPE, http_retry
from windtunnel.services.sns.delivery.signing import signer_id
from windtunnel.services.sns.state import TOPICS, Found, Subscribed, Subscription, replace

SUBJECT = "AWS Notification - Subscription Confirmation"


def ask(found: Found, id: str, one: Subscription) -> None:
    """Sends a SubscriptionConfirmation to where the notifications are to go."""
    message = (
        f"You have chosen to subscribe to the topic {found.arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    sender = found.topic.texts.get("DisplayName", "")
    _send(found.tx, "SubscriptionConfirmation", found.arn, "", one, message, found.topic.delivery_policy, sender)


def ask_to_stay(there: Subscribed, token: str) -> None:
    """Sends an UnsubscribeConfirmation to an HTTP endpoint, whose SubscribeURL brings the subscription back."""
    one = replace(there.one, token=token)
    topic = there.tx.get(TOPICS, one.topic)
    if topic is None:
        return
    message = (
        f"You have chosen to deactivate subscription {there.arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )
    topic_arn = there.arn.rpartition(":")[0]
    _send(there.tx, "UnsubscribeConfirmation", topic_arn, there.arn, one, message, topic.delivery_policy, "")


def _send(tx: Tx, kind: str, topic_arn: str, arn: str, one: Subscription, message: str, policy: str, sender: str) -> None:
    id, endpoint = tx.new_id(), tx.scope.endpoint
    if one.protocol == "email":
        text = (
            f"You have chosen to subscribe to the topic:\n{topic_arn}\n\nTo confirm this subscription, click or visit the link below (If"
            f" this was in error no action is necessary):\n{confirm_url(endpoint, topic_arn, one.token)}\n"
        )
        post(tx, one.protocol, one.endpoint, text, source=topic_arn, subject=SUBJECT, sender=sender)
        return
    body = confirmation(kind, id, one.token, topic_arn, message, tx.now, endpoint, signer_id(tx))
    if one.protocol == "email-json":
        post(tx, one.protocol, one.endpoint, tx.finish(LATE, body), source=topic_arn, subject=SUBJECT, sender=sender)
    elif one.protocol == "sqs":
        tx.deliver(one.endpoint, Event(body, late=LATE), source=SOURCE, source_arn=topic_arn, retry=AWS_MANAGED)
    else:
        headers = url_headers(kind, id, topic_arn, DEFAULT_CONTENT_TYPE, arn)
        retry = http_retry(policy, one.delivery_policy)
        tx.deliver(one.endpoint, Event(body, headers=headers, late=LATE), source=SOURCE, source_arn=topic_arn, retry=retry)
