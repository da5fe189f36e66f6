"""Signals: a resource with a CreationPolicy is complete once as many have come, which SignalResource and wait conditions' URLs bring.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-creationpolicy.html
"""

from __future__ import annotations

import re
from typing import Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.resource import Unmade
from windtunnel.services.cloudformation.state import SIGNALS, STACKS, WORK, changed_channel

_SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
TIMEOUT_DEFAULT = "PT5M"
DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86_400, 3_600, 60


async def wait_for_signals(call: Call, uuid: str, logical: str, definition: dict[str, Any]) -> None:
    """Returns when the signals that a resource's creation policy asks for have come. Raises Unmade."""
    policy = definition.get("CreationPolicy", {}).get("ResourceSignal")
    if policy is not None:
        await signalled(call, uuid, logical, int(policy.get("Count", 1)), seconds_of(str(policy.get("Timeout", TIMEOUT_DEFAULT))))


async def signalled(call: Call, uuid: str, logical: str, count: int, seconds: float) -> None:
    """Returns when so many signals have come. Raises Unmade where one says failure, or time is over."""
    deadline = call.now() + seconds
    while True:
        signals = call.read(signals_of, uuid, logical)
        for id, (status, _, reason) in signals.items():
            if status != "SUCCESS":
                raise Unmade(reason or f"Received FAILURE signal with UniqueId {id}")
        if len(signals) >= count:
            return
        await wait(call, uuid, deadline, f"Failed to receive {count} resource signal(s) within the specified duration")


async def wait(call: Call, uuid: str, deadline: float, late: str) -> None:
    """Returns when something of a stack has changed. Raises Unmade where time is over, or the operation is to end."""
    if call.read(is_stopped, uuid):
        raise Unmade("Resource creation cancelled")
    if call.now() >= deadline:
        raise Unmade(late)
    await call.wait(changed_channel(uuid), until=deadline)


def is_stopped(tx: Tx, uuid: str) -> bool:
    """Whether the operation is to end: it was cancelled, or something else in it has failed."""
    stack = tx.get(STACKS, uuid)
    if stack is None or stack.operation is None:
        return True
    return stack.operation.stops and (bool(stack.operation.cancelled) or any(item.state == "failed" for _, item in tx.scan(WORK, uuid)))


def signals_of(tx: Tx, uuid: str, logical: str) -> dict[str, list[str]]:
    return {str(key[2]): told for key, told in tx.scan(SIGNALS, uuid, logical)}


def seconds_of(span: str) -> float:
    """Seconds of a span such as PT1H30M; ValidationError for what is none."""
    found = _SPAN.fullmatch(span)
    if found is None:
        raise Fault("ValidationError", f"Invalid timeout {span}")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(days * DAY_SECONDS + hours * HOUR_SECONDS + minutes * MINUTE_SECONDS + seconds)
