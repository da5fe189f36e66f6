"""Who is told what became of an event: destinations of either outcome, and dead letters.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Event, Retry, Tx
from windtunnel.services.lambda_.rules import arn_of, moment_z
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.running.lineage import CODE, STOPPED
from windtunnel.services.lambda_.state import Waiting

BODY_BYTES_MAX = 262_144
"""A record that is larger goes to a queue or a topic without the payloads."""
DEAD_LETTER_TEXT_MAX = 1024
SOURCE = "lambda.amazonaws.com"
DELIVERY = Retry(phases=((3, 1.0, 60.0),))


class Failure(msgspec.Struct, frozen=True):
    """An error as functions answer it."""

    errorMessage: str = ""


def record_of(now: float, waiting: Waiting, arn: str, ran: Ran | None, condition: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    told: dict[str, Any] = {
        "version": "1.0",
        "timestamp": moment_z(now),
        "requestContext": {
            "requestId": waiting.request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": waiting.attempts + (condition == "Success"),
        },
        "requestPayload": msgspec.Raw(waiting.payload),
    }
    if ran is not None:
        told["responseContext"] = {"statusCode": 200, "executedVersion": ran.version}
        if ran.error:
            told["responseContext"]["functionError"] = ran.error
        told["responsePayload"] = _json(ran.payload)
    return told


def tell(tx: Tx, destination: str, name: str, record: dict[str, Any], *, went_well: bool) -> None:
    """Sends a record to its destination."""
    kind, arn = parse(destination), arn_of(tx.region, tx.account, name)
    if len(text := _text(record)) > BODY_BYTES_MAX and kind.service in ("sns", "sqs"):
        text = _text({member: value for member, value in record.items() if not member.endswith("Payload")})
    event = Event(text)
    if kind.service == "s3":
        tx.timer(tx.now, "record", {"bucket": kind.resource, "key": key_of(tx, name), "text": text, "arn": arn})
        return
    if kind.service == "events":
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {'Success' if went_well else 'Failure'}",
            "Detail": text,
            "Resources": [destination, record["requestContext"]["functionArn"]],
            "EventBusName": destination,
        }
        event = Event(text, parameters={"Entries": [entry]})
    tx.deliver(destination, event, source=SOURCE, source_arn=arn, retry=DELIVERY)


def key_of(tx: Tx, name: str) -> str:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#create-destination-s3"""
    moment = datetime.fromtimestamp(tx.now, UTC)
    return f"aws/lambda/async/{name}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{tx.new_id()}"


async def record(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: a record becomes an object."""
    request = {"Bucket": payload["bucket"], "Key": payload["key"], "Body": payload["text"].encode(), "ContentType": "application/json"}
    await call.aws_for(payload["arn"]).s3.put_object(request)  # pyright: ignore[reportArgumentType]


def letter(tx: Tx, queue_or_topic: str, waiting: Waiting, ran: Ran | None, condition: str) -> None:
    """Sends an event to its dead letters: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"""
    message = STOPPED if condition == CODE else condition if ran is None else _message(ran.payload)
    attributes: dict[str, dict[str, Any]] = {
        "RequestID": {"DataType": "String", "StringValue": waiting.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "400" if condition == CODE else "429" if ran is None else "200"},
    }
    if message:
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": message[:DEAD_LETTER_TEXT_MAX]}
    event = Event(waiting.payload.decode(), attributes=attributes)
    tx.deliver(queue_or_topic, event, source=SOURCE, source_arn=arn_of(tx.region, tx.account, waiting.name), retry=DELIVERY)


def _text(record: Mapping[str, Any]) -> str:
    return msgspec.json.encode(record).decode()


def _message(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=Failure).errorMessage
    except msgspec.DecodeError:
        return payload.decode("utf-8", "replace")


def _json(payload: bytes) -> Any:
    """A response as a part of a record; custom runtimes may answer something else than JSON."""
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except msgspec.DecodeError:
        return payload.decode("utf-8", "replace")
    return msgspec.Raw(payload)
