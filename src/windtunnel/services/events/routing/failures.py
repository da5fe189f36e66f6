"""What can't be delivered goes to the queue of its target's dead letters, with the reason.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html names the attributes and the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Event, Tx
from windtunnel.fabric.deliver import delivery_of
from windtunnel.fabric.retry_policy import exhausted

FAILED = "failed"
HOP = "THIRD_ACCOUNT_HOP_DETECTED"
INVALID_JSON = "INVALID_JSON"
CODES = (
    (("NotFound", "NonExistent", "DoesNotExist", "NoSuch"), "NO_RESOURCE"),
    (("AccessDenied", "Authoriz", "Forbidden"), "NO_PERMISSIONS"),
    (("Throttl", "TooManyRequests", "HTTP429"), "THROTTLING"),
    (("Timeout",), "TIMEOUT"),
    (("ConnectionFailed", "Untrusted", "BadResponse"), "CONNECTION_FAILURE"),
    (("NotImplemented",), "SDK_CLIENT_ERROR"),
    (("Invalid", "Validation", "Missing"), "INVALID_PARAMETER"),
)
"""Words of a fault's code, and what EventBridge calls it; all others come from the target itself."""
FROM_TARGET = "ERROR_FROM_TARGET"
MESSAGE_CHARACTERS_MAX = 1024


def failed(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a delivery was given up."""
    context, delivery, attempts = payload["context"], delivery_of(payload["delivery"]), payload["attempts"]
    attributes = _attributes(context["rule"], context["target"], code_of(payload["error_code"]), payload["error_message"])
    if not payload["final"]:
        attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted(delivery.retry, attempts)
    attributes["RETRY_ATTEMPTS"] = str(attempts - 1)
    _letter(tx, context["dead"], context["rule"], context["event"], attributes)


def bury(tx: Tx, target: Mapping[str, Any], rule: str, event: str, code: str, message: str) -> None:
    """An event that can't even be tried to be delivered."""
    dead = target.get("DeadLetterConfig", {}).get("Arn", "")
    if dead:
        attributes = {**_attributes(rule, target["Arn"], code, message), "RETRY_ATTEMPTS": "0"}
        _letter(tx, dead, rule, event, attributes)


def code_of(code: str) -> str:
    """What EventBridge calls a fault."""
    return next((name for words, name in CODES if any(word in code for word in words)), FROM_TARGET)


def _attributes(rule: str, target: str, code: str, message: str) -> dict[str, str]:
    return {"RULE_ARN": rule, "TARGET_ARN": target, "ERROR_CODE": code, "ERROR_MESSAGE": message[:MESSAGE_CHARACTERS_MAX] or code}


def _letter(tx: Tx, queue: str, rule: str, body: str, attributes: Mapping[str, str]) -> None:
    told: dict[str, dict[str, Any]] = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    tx.deliver(queue, Event(body, attributes=told), source="events.amazonaws.com", source_arn=rule)
