"""Who is told of events as they come in: the destinations of subscription filters, and live sessions."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from windtunnel.aws.arn import parse
from windtunnel.aws.filters import compile_filter, filter_of
from windtunnel.fabric import Event, Retry, Tx
from windtunnel.services.logs.criteria import selected
from windtunnel.services.logs.events.state import TAIL_SESSIONS, TAILED, TAILS
from windtunnel.services.logs.filters.selection import chosen
from windtunnel.services.logs.filters.state import DESTINATIONS, SUBSCRIPTIONS, Subscription
from windtunnel.services.logs.rules import Place, event_id
from windtunnel.services.logs.state import ACCOUNT_POLICIES, Chunk, Group, arn_of

RETRY = Retry(phases=((10, 1, 60), (20, 60, 3600)), age_seconds_max=86_400)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html: throttled deliveries are tried for 24 hours."""
GZIP_LEVEL = 6
POLICY_LEVEL = {"policyLevel": "ACCOUNT_LEVEL_POLICY"}


class Told(NamedTuple):
    """A subscription, its name, and what is added to its documents."""

    name: str
    subscription: Subscription
    extra: dict[str, Any]


def tell(tx: Tx, name: str, group: Group, chunk: Chunk, serial: int) -> None:
    """Hands a chunk to whoever subscribed to the group."""
    for told in _all(tx, name, group):
        subscription = told.subscription
        others = subscription.others
        if not chosen(others.get("fieldSelectionCriteria", ""), {"@aws.account": tx.account, "@aws.region": tx.region}):
            continue
        messages = chunk.transformed if others.get("applyOnTransformedLogs") and chunk.transformed else chunk.messages
        matches = compile_filter(subscription.pattern)
        extract = filter_of(subscription.pattern).extract if subscription.pattern.strip().startswith("[") else None
        events: list[dict[str, Any]] = []
        for number, (time, message) in enumerate(zip(chunk.times, messages, strict=True)):
            if message and matches(message):
                event: dict[str, Any] = {"id": event_id(Place(time, serial, number)), "timestamp": time, "message": message}
                if extract is not None:
                    event["extractedFields"] = {field.removeprefix("$"): value for field, value in extract(message).items()}
                events.append(event)
        if events:
            _send(tx, name, told, chunk.name, events)


def leave(tx: Tx, group: int, first: int, serial: int) -> None:
    """Leaves the place of a chunk with the sessions that watch its group."""
    for key, until in tx.scan(TAILS, group):
        if until > tx.now:
            tx.put(TAILED, key[1], serial, value=(group, first))


def end_tail(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer, and the end of every live session: forgets it. Nobody ends one whose watcher vanished with the process, but time."""
    tx.delete(TAIL_SESSIONS, payload["id"])
    for group in payload["groups"]:
        tx.delete(TAILS, group, payload["id"])
    for key, _ in tx.scan(TAILED, payload["id"]):
        tx.delete(TAILED, *key)


def _all(tx: Tx, name: str, group: Group) -> Iterator[Told]:
    if group.subscriptions:
        yield from (Told(str(key[1]), subscription, {}) for key, subscription in tx.scan(SUBSCRIPTIONS, name))
    for key, policy in tx.scan(ACCOUNT_POLICIES, "SUBSCRIPTION_FILTER_POLICY"):
        if selected(policy.criteria, name):
            document = orjson.loads(policy.document)
            distribution = document.get("Distribution", "ByLogStream")
            subscription = Subscription(0, document["FilterPattern"], document["DestinationArn"], document.get("RoleArn", ""), distribution)
            yield Told(str(key[1]), subscription, POLICY_LEVEL)


def _send(tx: Tx, name: str, told: Told, stream: str, events: list[dict[str, Any]]) -> None:
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": tx.account,
        "logGroup": name,
        "logStream": stream,
        "subscriptionFilters": [told.name],
        "logEvents": events,
        **told.extra,
    }
    target = _target(tx, told.subscription.destination)
    if target:
        partition = stream if told.subscription.distribution == "ByLogStream" else tx.new_id()
        event = _event(target, orjson.dumps(document), partition)
        tx.deliver(target, event, source=f"logs.{tx.region}.amazonaws.com", source_arn=f"{arn_of(tx, name)}:*", retry=RETRY)


def _target(tx: Tx, destination: str) -> str:
    """The stream behind another account's destination; "" where that is gone. All others are their own targets."""
    arn = parse(destination)
    if arn.service != "logs":
        return destination
    found = tx.at(account=arn.account, region=arn.region).get(DESTINATIONS, arn.id)
    return "" if found is None else found.target


def _event(target: str, document: bytes, partition: str) -> Event:
    """As each kind of target takes it; a stream gets the compressed bytes, a function a document that holds their base64."""
    data = gzip.compress(document, GZIP_LEVEL, mtime=0)
    service = parse(target).service
    if service == "lambda":
        return Event(body=orjson.dumps({"awslogs": {"data": base64.b64encode(data).decode()}}).decode())
    if service == "firehose":
        return Event(body="", parameters={"Record": {"Data": data}})
    return Event(body="", parameters={"Data": data, "PartitionKey": partition})
