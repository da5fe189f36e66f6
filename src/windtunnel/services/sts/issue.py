"""Temporary keys: made here, kept in the fabric's table of keys, over when the region's clock says so."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Principal, Tx
from windtunnel.fabric.access import ACCESS_KEYS, TEMPORARY, AccessKey
from windtunnel.services.sts.life import forget_later

SECRET_BYTES = 30
TOKEN_BYTES = 264
TOKEN_BYTES_MAX = 4096
KEY_CHARACTERS = 16
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOKEN_BEGINS = "IQoJb3JpZ2luX2Vj"
"""As AWS's tokens begin."""


def issue(tx: Tx, principal: Principal, seconds: int, req: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that sign for a principal, until `seconds` from now. Their token is as long as was asked for, if that is longer."""
    key_id = TEMPORARY + tx.ids.text(KEY_CHARACTERS, BASE32)
    secret = b64encode(tx.ids.bytes(SECRET_BYTES)).decode()
    token = TOKEN_BEGINS + b64encode(tx.ids.bytes(TOKEN_BYTES)).decode()
    if len(token) < req.get("MinimumSessionTokenSize", 0):
        token += tx.ids.text(req["MinimumSessionTokenSize"] - len(token))
    expires = float(int(tx.now) + seconds)
    signs_as = msgspec.structs.replace(principal, access_key=key_id)
    tx.put(ACCESS_KEYS, key_id, value=AccessKey(secret, signs_as, token=token, expires=expires))
    forget_later(tx)
    return {
        "Credentials": {"AccessKeyId": key_id, "SecretAccessKey": secret, "SessionToken": token, "Expiration": expires},
        "SessionTokenSize": len(token),
        "SessionTokenUtilization": -(-len(token) * 100 // TOKEN_BYTES_MAX),
    }
