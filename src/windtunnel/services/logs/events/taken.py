"""What other services deliver to a log group: each delivery an event, in the stream that is named or one of who delivers.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-targets.html#targets-specifics-cwl
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.logs.events.put import put_log_events
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import STREAMS, find_group
from windtunnel.services.logs.streams import create_log_stream


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """An event that says its time and its message."""

    timestamp: int
    message: msgspec.Raw


def take_event(tx: Tx, req: Mapping[str, Any]) -> dict[str, Any]:
    """Taker: writes a text into a group. One that is `{"timestamp": …, "message": …}` says both itself."""
    name, digits = req["group"], sha256(tx.scope.source_arn.encode()).hexdigest()
    stream = req["stream"] or "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
    if tx.get(STREAMS, find_group(tx, name).id, stream) is None:
        create_log_stream(tx, {"logGroupName": name, "logStreamName": stream})
    time, message = _told(req["body"], int(tx.now * MILLISECONDS))
    put_log_events(tx, {"logGroupName": name, "logStreamName": stream, "logEvents": [{"timestamp": time, "message": message}]})
    return {}


def _told(body: str, now: int) -> tuple[int, str]:
    try:
        told = msgspec.json.decode(body, type=Told, strict=False)
    except msgspec.DecodeError:
        return now, body
    message = bytes(told.message)
    text = msgspec.json.decode(message, type=str) if message.startswith(b'"') else message.decode()
    return told.timestamp, text
