"""Push notifications: what is published to a device lies in the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.outbox import post
from windtunnel.services.sns.delivery import feedback
from windtunnel.services.sns.delivery.published import Published
from windtunnel.services.sns.rules import MESSAGE_BYTES_MAX, arn_parts, invalid
from windtunnel.services.sns.state import APPLICATIONS, DEVICES

APPLICATION_SLASHES, DEVICE_SLASHES = 2, 3
ACCEPTED = "OK"


def push(tx: Tx, arn: str, published: Published, size: int) -> str:
    """Publishes to a device alone; returns the message's id."""
    platform, name, _ = device_key(arn, "TargetArn", DEVICE_SLASHES)
    if size > MESSAGE_BYTES_MAX:
        raise invalid("Message too long")
    refusal = _refusal(tx, arn)
    if refusal is not None:
        raise refusal
    application = tx.get(APPLICATIONS, platform, name)
    assert application is not None
    published.id = tx.new_id()
    texts = {f"Application{attribute}": value for attribute, value in application.attributes.items()}
    log = feedback.asked(tx, texts, f"app/{platform}/{name}", "", "application", arn, published.id, published.message)
    token = _send(tx, arn, published, "sns.amazonaws.com")
    feedback.tell(tx, {**log, "token": token} if log else log, ACCEPTED)
    return published.id


def push_on(tx: Tx, arn: str, published: Published, source: str, log: Mapping[str, Any]) -> None:
    """Sends a device what was published to a topic; one that takes nothing misses it."""
    parts = arn_parts(arn, "Endpoint")
    place = tx.at(account=parts[4], region=parts[3])
    refusal = _refusal(place, arn)
    if refusal is not None:
        feedback.tell(tx, log, refusal.message, feedback.GONE)
        return
    token = _send(place, arn, published, source)
    feedback.tell(tx, {**log, "token": token} if log else log, ACCEPTED)


def _refusal(tx: Tx, arn: str) -> Fault | None:
    platform, name, id = device_key(arn, "TargetArn", DEVICE_SLASHES)
    device, application = tx.get(DEVICES, platform, name, id), tx.get(APPLICATIONS, platform, name)
    if device is None or application is None:
        return invalid("TargetArn Reason: No endpoint found for the target arn specified")
    if device.attributes["Enabled"] != "true":
        return Fault("EndpointDisabled", "Endpoint is disabled")
    if application.attributes["Enabled"] != "true":
        return Fault("PlatformApplicationDisabled", "Platform application is disabled")
    return None


def _send(tx: Tx, arn: str, published: Published, source: str) -> str:
    """Puts a notification into the outbox; the token of the device it is for."""
    platform, name, id = device_key(arn, "TargetArn", DEVICE_SLASHES)
    device = tx.get(DEVICES, platform, name, id)
    assert device is not None
    post(tx, "application", arn, published.text(platform), source=source, subject=published.subject)
    return device.attributes["Token"]


def device_key(arn: str, parameter: str, slashes: int) -> tuple[str, ...]:
    fields = arn_parts(arn, parameter)[5].split("/")
    if len(fields) != slashes + 1:
        raise invalid(f"{parameter} Reason: Wrong number of slashes in relative portion of the ARN.")
    return tuple(fields[1:])
