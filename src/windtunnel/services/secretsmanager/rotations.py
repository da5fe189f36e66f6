"""Rotation is set up, begun and called off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.schedules import parse
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.secretsmanager.life import begin, schedule_next
from windtunnel.services.secretsmanager.places import find_secret
from windtunnel.services.secretsmanager.rules import CURRENT, PENDING, invalid, refused, token_of
from windtunnel.services.secretsmanager.state import Found, Rotation
from windtunnel.services.secretsmanager.values import add_version

if TYPE_CHECKING:
    from windtunnel.aws.types import secretsmanager as t

_NO_FUNCTION = "No Lambda rotation function ARN is associated with this secret."
_NOT_INVOKABLE = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal"
    " secretsmanager.amazonaws.com."
)


async def rotate_secret(call: Call, req: t.RotateSecretRequest) -> t.RotateSecretResponse:
    """Whether the function may be invoked is tried out first."""
    token = token_of(req, "InvalidParameterException")
    for member in ("ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"):
        if member in req:
            raise Fault("NotImplemented", "windtunnel does not implement rotation of external secrets.", status=501)
    found = call.read(_secret, req)
    function = req.get("RotationLambdaARN") or (found.secret.rotation.function if found.secret.rotation is not None else "")
    if not function:
        raise refused(_NO_FUNCTION)
    aws: Any = call.aws_for(found.arn)
    try:
        await aws.lambda_.invoke({"FunctionName": function, "InvocationType": "DryRun"})
    except Fault as fault:
        raise Fault("AccessDeniedException", _NOT_INVOKABLE) from fault
    return await call.transact(_rotate, req, token, function)


def _secret(tx: Tx, req: t.RotateSecretRequest) -> Found:
    found = find_secret(tx, req["SecretId"], "RotateSecret")
    if found.secret.primary not in ("", found.tx.region):
        raise refused("Operation not permitted on a replica secret. Call must be made in primary secret's region.")
    return found


def _rotate(tx: Tx, req: t.RotateSecretRequest, token: str, function: str) -> t.RotateSecretResponse:
    found = _secret(tx, req)
    rotation = _rotation(found, req, function)
    answer: t.RotateSecretResponse = {"ARN": found.arn, "Name": found.name, "VersionId": token}
    pending = found.secret.stages.get(PENDING)
    if pending == token:
        return answer  # the same request once more
    if pending not in (None, found.secret.stages.get(CURRENT)):
        raise refused("A previous rotation isn't complete. That rotation will be reattempted.")
    found = found.put(rotation=rotation)
    if req.get("RotateImmediately", True):
        begin(found, token)
        return answer
    # The function is only tried out: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    found = add_version(schedule_next(found), token, None, [PENDING])
    payload = {"name": found.name, "version": token, "steps": ["testSecret"]}
    found.tx.timer(tx.now, "turn", payload, name=f"{found.name}/turn")
    return answer


def _rotation(found: Found, req: t.RotateSecretRequest, function: str) -> Rotation:
    old, rules = found.secret.rotation, req.get("RotationRules") or {}
    days, expression = rules.get("AutomaticallyAfterDays", 0), rules.get("ScheduleExpression", "")
    if days and expression:
        raise invalid("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
    if expression:
        try:
            parse(expression, "scheduler")
        except ValueError as error:
            raise invalid("Your ScheduleExpression is not valid.") from error
    if not rules:
        if old is None:
            raise invalid("You must specify RotationRules for a secret that has none.")
        days, expression = old.days, old.expression
    rotated = old.rotated if old is not None else 0.0
    return Rotation(function, days, expression, rules.get("Duration", ""), rotated=rotated)


def cancel_rotate_secret(tx: Tx, req: t.CancelRotateSecretRequest) -> t.CancelRotateSecretResponse:
    found = find_secret(tx, req["SecretId"], "CancelRotateSecret")
    rotation = found.secret.rotation
    if rotation is None:
        raise refused("You tried to cancel a rotation for a secret that was never configured to rotate.")
    found.put(rotation=msgspec.structs.replace(rotation, enabled=False, next=0.0))
    for handler, name in (("rotate", found.name), ("turn", f"{found.name}/turn")):
        found.tx.cancel_timer(handler, name)
    out: t.CancelRotateSecretResponse = {"ARN": found.arn, "Name": found.name}
    if PENDING in found.secret.stages:
        out["VersionId"] = found.secret.stages[PENDING]
    return out
