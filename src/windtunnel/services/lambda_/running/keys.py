"""Keys of a function's role: a sandbox gets a session of its own, as every execution environment does."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import Arn, parse
from windtunnel.fabric import Call, Fault, Principal, Tx
from windtunnel.fabric.access import ACCESS_KEYS, AccessKey
from windtunnel.services.lambda_.rules import invalid

ABSENT = frozenset({"NoSuchEntity", "NoSuchEntityException", "NotImplemented"})
SESSION_SECONDS = 3600
SHORT_NAME = "{}@lambda_function"
"""The session of a function whose name has one letter, for names of sessions have two."""
"""STS asks for so many characters, where a function's name may have one."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Keys(msgspec.Struct, frozen=True):
    """Temporary keys."""

    id: str
    secret: str
    token: str
    expires: float


async def check_role(call: Call, role: str, name: str) -> None:
    """Raises InvalidParameterValueException where a role is there and Lambda may not assume it."""
    arn = parse(role)
    if arn.account != call.account:
        raise Fault("AccessDeniedException", "Cross-account pass role is not allowed.", status=403)
    if not await _is_there(call, arn):
        return
    try:
        await keys_of(call, role, name)
    except Fault as fault:
        if fault.code != "AccessDenied":
            raise
        raise invalid("The role defined for the function cannot be assumed by Lambda.") from fault


async def keys_of(call: Call, role: str, session: str) -> Keys:
    """A session of a role. A role that IAM doesn't know has one all the same, so that a first function needs no role made for it."""
    arn = parse(role)
    session = session if len(session) > 1 else SHORT_NAME.format(session)
    if not await _is_there(call, arn):
        return await call.transact(_keys_of_none, arn, session)
    request = {"RoleArn": role, "RoleSessionName": session, "DurationSeconds": SESSION_SECONDS}
    answer: dict[str, Any] = await call.aws.sts.assume_role(request)  # pyright: ignore[reportAssignmentType, reportArgumentType]
    given = answer["Credentials"]
    return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"])


async def _is_there(call: Call, arn: Arn) -> bool:
    try:
        await call.at(account=arn.account).aws.iam.get_role({"RoleName": arn.name})
    except Fault as fault:
        if fault.code in ABSENT:
            return False
        raise
    return True


def _keys_of_none(tx: Tx, role: Arn, session: str) -> Keys:
    keys = Keys("ASIA" + tx.ids.text(16, LETTERS), tx.ids.text(40), tx.ids.text(356), tx.now + SESSION_SECONDS)
    principal = Principal(
        "AssumedRole",
        role.account,
        f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.name}/{session}",
        f"AROA{tx.ids.text(17, LETTERS)}:{session}",
        role.name,
        keys.id,
        issuer=str(role),
    )
    tx.put(ACCESS_KEYS, keys.id, value=AccessKey(keys.secret, principal, token=keys.token, expires=keys.expires))
    return keys
