"""Who calls, and whose a key is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.access import ACCESS_KEYS, account_named

if TYPE_CHECKING:
    from windtunnel.aws.types import sts as t


def get_caller_identity(tx: Tx, req: dict[str, Any]) -> t.GetCallerIdentityResponse:
    caller = tx.scope.principal
    if caller.kind == "Anonymous":
        raise Fault("MissingAuthenticationToken", "Request is missing Authentication Token")
    return {"UserId": caller.id, "Account": caller.account, "Arn": caller.arn}


async def get_access_key_info(call: Call, req: t.GetAccessKeyInfoRequest) -> t.GetAccessKeyInfoResponse:
    """A key's account; of a key that the region never issued, the one it is the root of."""
    key_id = req["AccessKeyId"]
    key = call.read(Tx.get, ACCESS_KEYS, key_id)
    return {"Account": account_named(key_id, call.cloud.account) if key is None else key.principal.account}
