"""Push notifications: what is published to a device lies in the outbox."""

from __future__ import annotations

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.outbox import post
from windtunnel.services.sns.delivery.fanout import Published
from windtunnel.services.sns.rules import MESSAGE_BYTES_MAX, arn_parts, invalid
from windtunnel.services.sns.state import APPLICATIONS, DEVICES

APPLICATION_SLASHES, DEVICE_SLASHES = 2, 3


def push(tx: Tx, arn: str, published: Published, size: int) -> str:
    """Puts a push notification into the outbox; returns its message id."""
    platform, name, id = device_key(arn, "TargetArn", DEVICE_SLASHES)
    device, application = tx.get(DEVICES, platform, name, id), tx.get(APPLICATIONS, platform, name)
    if device is None or application is None:
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    if size > MESSAGE_BYTES_MAX:
        raise invalid("Message too long")
    if device.attributes["Enabled"] != "true":
        raise Fault("EndpointDisabled", "Endpoint is disabled")
    if application.attributes["Enabled"] != "true":
        raise Fault("PlatformApplicationDisabled", "Platform application is disabled")
    post(tx, "application", arn, published.text(platform), source="sns.amazonaws.com", subject=published.subject)
    return tx.new_id()


def device_key(arn: str, parameter: str, slashes: int) -> tuple[str, ...]:
    fields = arn_parts(arn, parameter)[5].split("/")
    if len(fields) != slashes + 1:
        raise invalid(f"{parameter} Reason: Wrong number of slashes in relative portion of the ARN.")
    return tuple(fields[1:])
