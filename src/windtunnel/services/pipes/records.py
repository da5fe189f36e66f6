"""Messages as a pipe's events: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import orjson

from windtunnel.aws.arn import parse


def record_of(message: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A message as filters, enrichments and targets get it."""
    attributes: dict[str, Any] = {}
    for name, value in message.get("MessageAttributes", {}).items():
        shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
        for member in ("StringValue", "BinaryValue"):
            if member in value:
                shown[member[0].lower() + member[1:]] = value[member] if isinstance(value[member], str) else value[member].decode("latin-1")
        attributes[name] = shown
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source,
        "awsRegion": parse(source).region,
    }


def looked_into(event: Any) -> Any:
    """An event as filters and templates read it: a message's body and a record's data can be looked into, where they are JSON.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html#input-transform-implicit
    """
    members = cast("dict[str, Any]", event) if isinstance(event, dict) else {}
    inside: Any = members.get("body")
    if members.get("eventSource") == "aws:kinesis" and isinstance(data := members.get("data"), str):
        with suppress(ValueError):
            return {**members, "data": _parsed(b64decode(data, validate=True).decode())}
    return {**members, "body": _parsed(inside)} if isinstance(inside, str) else cast("Any", event)


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
