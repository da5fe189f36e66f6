"""Platform applications and endpoints: who is registered for push notifications; what is sent to them lies in the outbox."""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.sns.fanout import Published
from windtunnel.services.sns.rules import invalid


def push(tx: Tx, arn: str, published: Published, size: int) -> str:
    raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
