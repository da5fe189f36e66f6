"""Who is told of events as they come in: the destinations of subscription filters."""

from __future__ import annotations

import base64
import gzip

import orjson

from windtunnel.aws.arn import parse
from windtunnel.aws.filters import compile_filter
from windtunnel.fabric import Event, Retry, Tx
from windtunnel.services.logs.rules import Place, event_id
from windtunnel.services.logs.state import SUBSCRIPTIONS, Chunk, Group, arn_of

RETRY = Retry(phases=((10, 1, 60), (20, 60, 3600)), age_seconds_max=86_400)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html: throttled deliveries are tried for 24 hours."""
GZIP_LEVEL = 6


def tell(tx: Tx, name: str, group: Group, chunk: Chunk, serial: int) -> None:
    """Hands a chunk to whoever subscribed to the group."""
    for key, subscription in tx.scan(SUBSCRIPTIONS, name):
        matches = compile_filter(subscription.pattern)
        events = [
            {"id": event_id(Place(time, serial, number)), "timestamp": time, "message": message}
            for number, (time, message) in enumerate(zip(chunk.times, chunk.messages, strict=True))
            if matches(message)
        ]
        if events:
            document = {
                "messageType": "DATA_MESSAGE",
                "owner": tx.account,
                "logGroup": name,
                "logStream": chunk.name,
                "subscriptionFilters": [str(key[1])],
                "logEvents": events,
            }
            tx.deliver(
                subscription.destination,
                _event(subscription.destination, orjson.dumps(document), chunk.name),
                source=f"logs.{tx.region}.amazonaws.com",
                source_arn=f"{arn_of(tx, name)}:*",
                retry=RETRY,
            )


def _event(destination: str, document: bytes, partition: str) -> Event:
    """As each kind of target takes it; a stream gets the compressed bytes, a function a document that holds their base64."""
    data = base64.b64encode(gzip.compress(document, GZIP_LEVEL, mtime=0)).decode()
    if parse(destination).service == "lambda":
        return Event(body=orjson.dumps({"awslogs": {"data": data}}).decode())
    return Event(body=data, group_id=partition, headers={"Content-Encoding": "base64"})
