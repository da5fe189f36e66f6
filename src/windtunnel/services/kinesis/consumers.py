"""Consumers: readers with a throughput of their own.

https://docs.aws.amazon.com/streams/latest/dev/enhanced-consumers.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.pages import decode, encode
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.kinesis.queues.state import QUEUES
from windtunnel.services.kinesis.rules import CONSUMERS_MAX, ITERATOR_SECONDS, LISTED_MAX, invalid, no_stream
from windtunnel.services.kinesis.state import CONSUMERS, SUBSCRIPTIONS, Consumer, Found, changed, find_arn, find_consumer
from windtunnel.services.kinesis.tagging import check_tags

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t


def register_stream_consumer(tx: Tx, req: t.RegisterStreamConsumerInput) -> dict[str, Any]:
    found, name = find_arn(tx, req["StreamARN"]), req["ConsumerName"]
    tx, stream = found.tx, found.stream
    if tx.get(CONSUMERS, stream.id, name) is not None:
        raise Fault("ResourceInUseException", f"Consumer {name} under stream {found.name} already exists for account {tx.account}.")
    if tx.count(CONSUMERS, "stream", stream.id) + tx.count(QUEUES, "of", stream.id) >= CONSUMERS_MAX:
        raise Fault("LimitExceededException", f"Stream {found.name} under account {tx.account} already has {CONSUMERS_MAX} consumers.")
    consumer = Consumer(int(tx.now))
    arn = _arn(found, name, consumer)
    check_tags(tx, arn, req.get("Tags") or {})
    tx.put(CONSUMERS, stream.id, name, value=consumer)
    set_tags(tx, arn, req.get("Tags") or {})
    return {"Consumer": _printed(found, name, consumer, "CREATING")}


def deregister_stream_consumer(tx: Tx, req: t.DeregisterStreamConsumerInput) -> dict[str, Any]:
    found, name, consumer = _named(tx, req)
    tx, stream = found.tx, found.stream
    for key, _ in tx.scan(SUBSCRIPTIONS, stream.id, name):
        tx.delete(SUBSCRIPTIONS, *key)
        tx.wake(*changed(stream.id, int(key[2] or 0)))
    tx.delete(CONSUMERS, stream.id, name)
    remove_all_tags(tx, _arn(found, name, consumer))
    return {}


def describe_stream_consumer(tx: Tx, req: t.DescribeStreamConsumerInput) -> dict[str, Any]:
    found, name, consumer = _named(tx, req)
    return {"ConsumerDescription": _printed(found, name, consumer) | {"StreamARN": found.arn}}


def list_stream_consumers(tx: Tx, req: t.ListStreamConsumersInput) -> dict[str, Any]:
    found = find_arn(tx, req["StreamARN"])
    if "StreamCreationTimestamp" in req and int(req["StreamCreationTimestamp"]) != found.stream.created:
        raise no_stream(found.name, found.tx.account)
    after = ""
    if token := req.get("NextToken"):
        try:
            after, issued = decode(token)
        except ValueError as error:
            raise invalid("NextToken is invalid.") from error
        if tx.now - issued > ITERATOR_SECONDS:
            raise Fault("ExpiredNextTokenException", "NextToken has expired.")
    limit = min(req.get("MaxResults", LISTED_MAX), LISTED_MAX)
    rows = [
        (str(key[1]), row) for key, row in found.tx.scan(CONSUMERS, found.stream.id, start=(after,), limit=limit + 2) if key[1] != after
    ]
    shown: dict[str, Any] = {"Consumers": [_printed(found, name, row) for name, row in rows[:limit]]}
    return shown | ({"NextToken": encode((rows[limit - 1][0], tx.now))} if len(rows) > limit else {})


def _named(tx: Tx, req: Mapping[str, Any]) -> tuple[Found, str, Consumer]:
    """A consumer by its ARN, or by its stream and name."""
    arn, stream, name = req.get("ConsumerARN"), req.get("StreamARN"), req.get("ConsumerName")
    if arn:
        found, known, consumer = find_consumer(tx, arn)
        if (stream and stream != found.arn) or (name and name != known):
            raise invalid("ConsumerARN does not match StreamARN and ConsumerName.")
        return found, known, consumer
    if not (stream and name):
        raise invalid("Either ConsumerARN or both StreamARN and ConsumerName must be provided.")
    found = find_arn(tx, stream)
    consumer = found.tx.get(CONSUMERS, found.stream.id, name)
    if consumer is None:
        raise Fault("ResourceNotFoundException", f"Consumer {name} under stream {found.name} not found for account {found.tx.account}.")
    return found, name, consumer


def _arn(found: Found, name: str, consumer: Consumer) -> str:
    return f"{found.arn}/consumer/{name}:{consumer.created}"


def _printed(found: Found, name: str, consumer: Consumer, status: str = "ACTIVE") -> dict[str, Any]:
    """A consumer is ready when it is asked for; only the answer to its registration says that it is being made."""
    return {
        "ConsumerName": name,
        "ConsumerARN": _arn(found, name, consumer),
        "ConsumerStatus": status,
        "ConsumerCreationTimestamp": consumer.created,
    }
