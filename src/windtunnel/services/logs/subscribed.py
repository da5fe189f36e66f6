"""Who is told of events as they come in: the destinations of subscription filters, and live sessions."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import orjson

from windtunnel.aws.arn import parse
from windtunnel.aws.filters import compile_filter
from windtunnel.fabric import Event, Retry, Tx
from windtunnel.services.logs.rules import MILLISECONDS, Place, event_id
from windtunnel.services.logs.state import SUBSCRIPTIONS, TAILED, TAILS, Chunk, Subscription, arn_of

RETRY = Retry(phases=((10, 1, 60), (20, 60, 3600)), age_seconds_max=86_400)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html: throttled deliveries are tried for 24 hours."""
GZIP_LEVEL = 6


def tell(tx: Tx, name: str, chunk: Chunk, serial: int) -> None:
    """Hands a chunk to whoever subscribed to the group."""
    for key, subscription in tx.scan(SUBSCRIPTIONS, name):
        matches = compile_filter(subscription.pattern)
        events = [
            {"id": event_id(Place(time, serial, number)), "timestamp": time, "message": message}
            for number, (time, message) in enumerate(zip(chunk.times, chunk.messages, strict=True))
            if matches(message)
        ]
        if events:
            _send(tx, name, subscription, chunk.name, "DATA_MESSAGE", [str(key[1])], events)


def leave(tx: Tx, group: int, first: int, serial: int) -> None:
    """Leaves the place of a chunk with the sessions that watch its group."""
    for key, until in tx.scan(TAILS, group):
        if until > tx.now:
            tx.put(TAILED, key[1], serial, value=(group, first))


def check_health(tx: Tx, name: str, subscription: Subscription) -> None:
    """Sends the message by which AWS sees whether a stream can be reached; consumers know it by its type."""
    text = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."
    event = {"id": "", "timestamp": int(tx.now * MILLISECONDS), "message": text}
    _send(tx, name, subscription, "", "CONTROL_MESSAGE", [], [event])


def _send(tx: Tx, name: str, subscription: Subscription, stream: str, kind: str, filters: list[str], events: list[dict[str, Any]]) -> None:
    document = {
        "messageType": kind,
        "owner": tx.account if stream else "CloudwatchLogs",
        "logGroup": name if stream else "",
        "logStream": stream,
        "subscriptionFilters": filters,
        "logEvents": events,
    }
    by_stream = stream and subscription.distribution == "ByLogStream"
    tx.deliver(
        subscription.destination,
        _event(subscription.destination, orjson.dumps(document), stream if by_stream else tx.new_id()),
        source=f"logs.{tx.region}.amazonaws.com",
        source_arn=f"{arn_of(tx, name)}:*",
        retry=RETRY,
    )


def _event(destination: str, document: bytes, partition: str) -> Event:
    """As each kind of target takes it; a stream gets the compressed bytes, a function a document that holds their base64."""
    data = gzip.compress(document, GZIP_LEVEL, mtime=0)
    service = parse(destination).service
    if service == "lambda":
        return Event(body=orjson.dumps({"awslogs": {"data": base64.b64encode(data).decode()}}).decode())
    if service == "firehose":
        return Event(body="", parameters={"Record": {"Data": data}})
    return Event(body="", parameters={"Data": data, "PartitionKey": partition})
