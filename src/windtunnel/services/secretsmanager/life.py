"""What happens to secrets by themselves: their deletion, and their rotation, which a function does in four steps.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.aws.schedules import parse
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.secretsmanager.mirror import forget, mirror
from windtunnel.services.secretsmanager.rules import CURRENT, DAY_SECONDS, PENDING
from windtunnel.services.secretsmanager.state import SECRETS, Found, Rotation
from windtunnel.services.secretsmanager.values import add_version

Payload = Mapping[str, Any]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
RETRY_SECONDS = 3_600
"""When a rotation that failed is tried again; AWS doesn't say how long it waits."""


def delete(tx: Tx, payload: Payload) -> None:
    """The end of a secret's recovery window."""
    forget(tx, payload["name"])


def rotate(tx: Tx, payload: Payload) -> None:
    """A secret's time to rotate has come."""
    secret = tx.get(SECRETS, payload["name"])
    if secret is None or secret.rotation is None or not secret.rotation.enabled or secret.deleted:
        return
    pending = secret.stages.get(PENDING)
    begin(Found(tx, payload["name"], secret), tx.new_id() if pending in (None, secret.stages.get(CURRENT)) else pending)


def begin(found: Found, version_id: str) -> Found:
    """A version without a value waits for the function, which gives it one."""
    found = add_version(found, version_id, None, [PENDING])
    schedule_next(found)
    found.tx.timer(found.tx.now, "turn", {"name": found.name, "version": version_id}, name=f"{found.name}/turn")
    return found


def schedule_next(found: Found) -> Found:
    """Sets when a secret rotates next, by its days or its schedule."""
    rotation = found.secret.rotation
    assert rotation is not None, "a secret that rotates"
    following = next_after(rotation, found.tx.now)
    found.tx.timer(following, "rotate", {"name": found.name}, name=found.name)
    return found.put(rotation=msgspec.structs.replace(rotation, next=following))


def next_after(rotation: Rotation, now: float) -> float:
    if rotation.expression:
        return parse(rotation.expression, "scheduler").next(now) or now
    return now + rotation.days * DAY_SECONDS


async def turn(call: Call, payload: Payload) -> Callable[[Tx], None] | None:
    """One rotation: the function takes its steps, each when the one before went well."""
    found = call.read(_rotating, payload["name"], payload["version"])
    if found is None or found.secret.rotation is None:
        return None
    for step in payload.get("steps", STEPS):
        if not await _step(call, found, found.secret.rotation.function, step, payload["version"]):
            return partial(_failed, payload=payload)
    return partial(_done, payload=payload)


def _rotating(tx: Tx, name: str, version_id: str) -> Found | None:
    """A secret that still waits for this rotation."""
    secret = tx.get(SECRETS, name)
    return None if secret is None or secret.stages.get(PENDING) != version_id else Found(tx, name, secret)


async def _step(call: Call, found: Found, function: str, step: str, version_id: str) -> bool:
    """Whether the function took a step without an error."""
    event = {"Step": step, "SecretId": found.arn, "ClientRequestToken": version_id}
    aws: Any = call.aws_for(found.arn)
    try:
        answer = await aws.lambda_.invoke({"FunctionName": function, "Payload": msgspec.json.encode(event)})
    except Fault:
        return False
    return "FunctionError" not in answer


def _done(tx: Tx, payload: Payload) -> None:
    """What the function made is the current version by now; nothing is pending any more."""
    secret = tx.get(SECRETS, payload["name"])
    if secret is None or secret.rotation is None:
        return
    stages = {label: version for label, version in secret.stages.items() if label != PENDING or version != payload["version"]}
    rotated = secret.stages.get(CURRENT) == payload["version"]
    rotation = msgspec.structs.replace(secret.rotation, rotated=tx.now) if rotated else secret.rotation
    mirror(Found(tx, payload["name"], secret).put(stages=stages, rotation=rotation, changed=tx.now))


def _failed(tx: Tx, payload: Payload) -> None:
    """A step failed: its version goes on waiting, and the rotation is tried anew."""
    if "steps" not in payload and _rotating(tx, payload["name"], payload["version"]) is not None:
        tx.timer(tx.now + RETRY_SECONDS, "turn", payload, name=f"{payload['name']}/turn")
