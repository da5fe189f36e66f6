"""From one published message to a delivery for each subscription that wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson

from windtunnel.aws.patterns import Scope, compile_filter_policy
from windtunnel.fabric import Event, Retry
from windtunnel.fabric.outbox import post
from windtunnel.services.sns.delivery import feedback, pace
from windtunnel.services.sns.delivery.envelope import Notification, envelope, lambda_event, timestamp
from windtunnel.services.sns.delivery.published import UNPARSED, Published
from windtunnel.services.sns.delivery.retries import AWS_MANAGED, content_type, http_retry
from windtunnel.services.sns.delivery.signing import signer_id
from windtunnel.services.sns.devices.push import push_on
from windtunnel.services.sns.phones import texting
from windtunnel.services.sns.protection import protected
from windtunnel.services.sns.state import SUBSCRIPTIONS, Found, Subscription
from windtunnel.services.sns.subscriptions.choices import dead_letter_queue

SOURCE = "sns.amazonaws.com"
LATE = "sns"
URLS = frozenset({"http", "https"})
AGENT = "Amazon Simple Notification Service Agent"
Aim = tuple[Event, Retry, str]
"""What is delivered to a subscription, when it is tried again, and the order it keeps."""


def fan_out(found: Found, published: Published) -> None:
    """Delivers a message to all confirmed subscriptions whose filter policy it passes."""
    for key, one in found.tx.scan(SUBSCRIPTIONS, found.topic.number):
        if one.listens(found.tx.now) and passes(one, published):
            deliver_to(found, published, str(key[1]), one)


def passes(one: Subscription, published: Published) -> bool:
    """Whether a subscription's filter policy lets a message through."""
    if not one.filter_policy:
        return True
    matches = compile_filter_policy(one.filter_policy, cast("Scope", one.scope))
    if one.scope == "MessageAttributes":
        return matches(published.attributes)
    if published.body is UNPARSED:
        try:
            published.body = orjson.loads(published.message)
        except orjson.JSONDecodeError:
            published.body = None
    return matches(published.body)


def deliver_to(found: Found, published: Published, id: str, one: Subscription) -> None:
    """Delivers a message to one subscription."""
    arn = f"{found.arn}:{id}"
    log = feedback.asked(found.tx, found.topic.texts, found.name, found.arn, one.protocol, one.endpoint, published.id, published.message)
    if found.topic.protected:
        text, audits = protected(found.tx, found.topic, "Outbound", one.principal, published.message)
        feedback.audit(found.tx, found.arn, published.id, one.principal, audits)
        if text is None:
            refusal = f"The topic's data protection policy prohibits this message from being delivered to {arn}"
            feedback.tell(found.tx, log, refusal, feedback.FORBIDDEN)
            return
        if text != published.message:
            published = published.saying(text)
    if one.protocol in {"sms", "application", "email", "email-json"}:
        _to_outbox(found, published, arn, one, log)
        return
    event, retry, order = _AIMS[one.protocol](found, published, arn, one)
    dead_letter = dead_letter_queue(one.dead_letter) if one.dead_letter else ""
    # A function's dead-letter queue gets the envelope that a queue would have got, not the function's event.
    failed = "bury" if dead_letter and one.protocol == "lambda" else ""
    context = {"log": log, "queue": dead_letter if failed else ""} if log or failed else None
    found.tx.deliver(
        one.endpoint,
        event,
        source=SOURCE,
        source_arn=found.arn,
        retry=retry,
        dead_letter=dead_letter,
        failed=failed,
        context=context,
        order=order,
        report="feedback" if log else "",
        due=pace.due(found, id, one) if one.protocol in URLS else 0.0,
    )


def _to_queue(found: Found, published: Published, arn: str, one: Subscription) -> Aim:
    fifo = one.endpoint.endswith(".fifo")
    # A standard topic hands on the group of a message for fair queues; a FIFO topic's order means nothing to a standard queue.
    group = published.group if fifo or not found.topic.fifo else ""
    deduplication = published.deduplication if fifo else ""
    text = published.text("sqs")
    parameters = _traced(found.tx.scope.trace)
    if one.raw:
        given: dict[str, Any] = dict(published.attributes)
        event = Event(text, attributes=given, group_id=group, deduplication_id=deduplication, parameters=parameters)
    else:
        body, late = _enveloped(found, published, text, arn), "" if found.topic.fifo else LATE
        event = Event(body, group_id=group, deduplication_id=deduplication, parameters=parameters, late=late)
    return event, AWS_MANAGED, f"{arn}/{group}" if fifo and found.topic.fifo else ""


def _traced(trace: str) -> dict[str, Any]:
    """A publisher's trace goes on through the queue: https://docs.aws.amazon.com/sns/latest/dg/sns-active-tracing.html"""
    return {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}} if trace else {}


def _to_function(found: Found, published: Published, arn: str, one: Subscription) -> Aim:
    text = published.text("lambda")
    pieces = published.events.get(text)
    if pieces is None:
        pieces = published.events[text] = lambda_event(_notification(found, published), text)
    return Event(arn.join(pieces), late=LATE), AWS_MANAGED, ""


def _to_url(found: Found, published: Published, arn: str, one: Subscription) -> Aim:
    text = published.text(one.protocol)
    policies = found.topic.delivery_policy, one.delivery_policy
    headers = url_headers("Notification", published.id, found.arn, content_type(*policies), arn)
    if one.raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    event = Event(text if one.raw else _enveloped(found, published, text, arn), headers=headers, late="" if one.raw else LATE)
    return event, http_retry(*policies), ""


def _to_stream(found: Found, published: Published, arn: str, one: Subscription) -> Aim:
    text = published.text("firehose")
    event = Event(text) if one.raw else Event(_enveloped(found, published, text, arn), late=LATE)
    return event, AWS_MANAGED, ""


_AIMS: Final = {"sqs": _to_queue, "lambda": _to_function, "http": _to_url, "https": _to_url, "firehose": _to_stream}


def _to_outbox(found: Found, published: Published, arn: str, one: Subscription, log: Mapping[str, Any]) -> None:
    tx, text = found.tx, published.text(one.protocol)
    name = found.topic.texts.get("DisplayName", "")
    if one.protocol == "email-json":
        body = tx.finish(LATE, _enveloped(found, published, text, arn))
        post(tx, one.protocol, one.endpoint, body, source=arn, subject="AWS Notification Message", sender=name)
    elif one.protocol == "email":
        notification = _notification(found, published)
        goodbye = f"{notification.endpoint}/?Action=Unsubscribe&SubscriptionArn={arn}"
        body = (
            f"{text}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to"
            f" unsubscribe:\n{goodbye}\n"
        )
        post(tx, one.protocol, one.endpoint, body, source=arn, subject=published.subject or "AWS Notification Message", sender=name)
    elif one.protocol == "sms":
        texting.text(tx, one.endpoint, f"{name}> {text}" if name else text, source=arn, log=log)
    else:
        push_on(tx, one.endpoint, published, arn, log)


def url_headers(kind: str, id: str, topic_arn: str, content: str, subscription_arn: str = "") -> dict[str, str]:
    """The headers of a POST: https://docs.aws.amazon.com/sns/latest/dg/http-header.html"""
    headers = {"x-amz-sns-message-type": kind, "x-amz-sns-message-id": id, "x-amz-sns-topic-arn": topic_arn}
    if subscription_arn:
        headers["x-amz-sns-subscription-arn"] = subscription_arn
    return {**headers, "Content-Type": content, "Connection": "Keep-Alive", "User-Agent": AGENT, "Accept-Encoding": "gzip,deflate"}


def _enveloped(found: Found, published: Published, text: str, arn: str) -> str:
    pieces = published.envelopes.get(text)
    if pieces is None:
        pieces = published.envelopes[text] = envelope(_notification(found, published), text)
    return f"{pieces[0]}{arn}{pieces[1]}"


def _notification(found: Found, published: Published) -> Notification:
    one = published.notification
    if one is None:
        tx = found.tx
        one = published.notification = Notification(
            published.id,
            found.arn,
            published.subject,
            timestamp(published.replayed_of or tx.now),
            tx.scope.endpoint,
            "" if found.topic.fifo else signer_id(tx),
            found.topic.signature,
            published.sequence,
            published.attributes,
            bool(published.replayed_of),
        )
    return one
