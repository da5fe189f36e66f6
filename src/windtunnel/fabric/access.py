"""Who may: keys the region issued are looked up and their signatures checked; authorising them is decided here.

Keys the region never issued are the root of an account: a 12-digit access key id names it. A key once issued stays known after its
deletion, or deleting it would make it a root's.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.scope import Principal, Proof, anonymous, root
from windtunnel.fabric.tx import Tx
from windtunnel.kernel.store import Table

ACCOUNT_DIGITS = 12


class AccessKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key that IAM or STS issued, with the principal that it signs for."""

    secret: str
    principal: Principal
    status: Literal["Active", "Inactive", "Deleted"] = "Active"
    token: str = ""
    """The session token that has to come along, of temporary keys."""
    expires: float | None = None
    """Seconds since 1970; None for long-term keys."""


ACCESS_KEYS = Table("access.keys", AccessKey, scope="global")
"""access key id -> AccessKey"""


def account_named(access_key: str, default: str) -> str:
    """The account that a key which the region did not issue stands for."""
    return access_key if len(access_key) == ACCOUNT_DIGITS and access_key.isdigit() else default


def identify(tx: Tx, proof: Proof | None, default_account: str) -> Principal:
    """The principal who signed. Raises AWS's faults for keys that are unknown, expired or don't fit the signature.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    """
    if proof is None:
        return anonymous()
    key = tx.get(ACCESS_KEYS, proof.access_key)
    if key is None:
        proof.verify(None)
        return root(account_named(proof.access_key, default_account), proof.access_key)
    if key.status != "Active" or key.token != proof.token:
        raise Fault("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)
    if key.expires is not None and key.expires <= tx.now:
        raise Fault("ExpiredToken", "The security token included in the request is expired", status=403)
    proof.verify(key.secret)
    return key.principal
