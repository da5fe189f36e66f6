"""Messages as a pipe's events: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html"""

from __future__ import annotations

from collections.abc import Mapping
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
    """An event whose body can be looked into, where it is JSON: so filters and templates read it."""
    members = cast("dict[str, Any]", event) if isinstance(event, dict) else {}
    body = members.get("body")
    try:
        return {**members, "body": orjson.loads(body)} if isinstance(body, str) else cast("Any", event)
    except orjson.JSONDecodeError:
        return members
