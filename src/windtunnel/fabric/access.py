"""Who may: keys the region issued are looked up and their signatures checked; authorising them is decided here.

Keys the region never issued are the root of an account: a 12-digit access key id names it. A user's key once issued stays known after
its deletion, or deleting it would make it a root's. Ids of temporary keys (ASIA…) are nobody's unless the region knows them, so that
those that are over can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import service_model
from windtunnel.fabric.scope import Principal, Proof, anonymous, root
from windtunnel.fabric.tx import Tx
from windtunnel.kernel.store import Table, Transaction

ACCOUNT_DIGITS = 12
TEMPORARY = "ASIA"
"""What the ids of temporary keys begin with:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes"""
KNOWN_SECONDS = 36 * 3600
"""How long temporary keys that are over are still told to be over; later they are unknown."""
FORGET_MAX = 500
"""How many keys one transaction forgets."""
_OWNERS = frozenset({"IAMUser", "AssumedRole"})
"""Whose use of services is kept by service."""
USED_SECONDS = 900
"""How exactly it is kept when a key was last used: a row for each request would cost more than the request."""


class Used(msgspec.Struct, frozen=True):
    """When and where something was last used."""

    at: float
    service: str
    region: str


class AccessKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key that IAM or STS issued, with the principal that it signs for."""

    secret: str
    principal: Principal
    status: Literal["Active", "Inactive", "Deleted"] = "Active"
    token: str = ""
    """The session token that has to come along, of temporary keys."""
    expires: float | None = None
    """Seconds since 1970; None for long-term keys."""
    used: Used | None = None


def _session(_: Any, key: AccessKey) -> tuple[str] | None:
    return (key.principal.id,) if key.expires is not None and key.principal.kind == "IAMUser" and key.status == "Active" else None


ACCESS_KEYS = Table(
    "access.keys",
    AccessKey,
    scope="global",
    hot=True,
    indexes={"expires": lambda _, key: None if key.expires is None else (key.expires,), "session": _session},
)
"""access key id -> AccessKey"""
ROLES_USED = Table("access.roles_used", Used, scope="global")
"""unique id of a role -> Used"""
SERVICES_USED = Table("access.services_used", Used, scope="global", hot=True)
"""(unique id of a user or role, service) -> Used"""


def account_named(access_key: str, default: str) -> str:
    """The account that a key which the region did not issue stands for."""
    return access_key if len(access_key) == ACCOUNT_DIGITS and access_key.isdigit() else default


def identify(rows: Transaction, now: float, service: str, proof: Proof | None, default_account: str) -> tuple[Principal, bool]:
    """The principal who signed a call of a service, and whether `remember_use` is due for its key.

    Raises AWS's faults for keys that are unknown, expired or don't fit.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    """
    if proof is None:
        return anonymous(), False
    key_id = proof.access_key
    key = rows.get(ACCESS_KEYS, key_id)
    if key is None:
        if key_id.startswith(TEMPORARY):
            raise unknown_key(service, key_id)
        proof.verify(None)
        return root(account_named(key_id, default_account), key_id), False
    if key.status != "Active":
        raise unknown_key(service, key_id)
    if key.token != proof.token:
        raise wrong_token(service, key_id, proof.token)
    if key.expires is not None and key.expires <= now:
        raise expired(service, proof.token)
    proof.verify(key.secret)
    used = _used_for(rows, key, service)
    return key.principal, _is_old(key.used, now) or (used is not key.used and _is_old(used, now))


def forget_expired(tx: Tx) -> bool:
    """Forgets temporary keys that have been over for long, the oldest first; True where more of them are left."""
    end = (tx.now - KNOWN_SECONDS,)
    over = [key_id for (key_id,), _ in tx.find(ACCESS_KEYS, "expires", end=end, limit=FORGET_MAX)]
    for key_id in over:
        tx.delete(ACCESS_KEYS, key_id)
    return len(over) == FORGET_MAX


def used_last(tx: Tx, role_id: str) -> Used | None:
    """When keys of a role's sessions were last used."""
    return tx.get(ROLES_USED, role_id)


def sessions_of(tx: Tx, user_id: str) -> list[str]:
    """The ids of a user's temporary keys."""
    return [str(key_id) for (key_id,), _ in tx.find(ACCESS_KEYS, "session", user_id)]


def end_keys(tx: Tx, key_ids: Iterable[str]) -> None:
    """Temporary keys of who is no longer there are invalid from now on."""
    for key_id in key_ids:
        key = tx.get(ACCESS_KEYS, key_id)
        if key is not None:
            tx.put(ACCESS_KEYS, key_id, value=msgspec.structs.replace(key, status="Deleted"))


def used_for(tx: Tx, id: str, service: str) -> Used | None:
    """When keys of a user or of a role's sessions were last used for a service."""
    return tx.get(SERVICES_USED, id, service)


def _is_old(used: Used | None, now: float) -> bool:
    return used is None or abs(now - used.at) >= USED_SECONDS


def rename_keys(tx: Tx, key_ids: Iterable[str], arn: str, name: str) -> None:
    """Lets a user's keys sign in its new name."""
    for key_id in key_ids:
        key = tx.get(ACCESS_KEYS, key_id)
        if key is not None:
            principal = msgspec.structs.replace(key.principal, arn=arn, name=name)
            tx.put(ACCESS_KEYS, key_id, value=msgspec.structs.replace(key, principal=principal))


def _used_for(rows: Transaction, key: AccessKey, service: str) -> Used | None:
    """When a key's owner is known to have last used a service; the key itself tells where that is kept for nobody."""
    if key.used is None or key.used.service == service or key.principal.kind not in _OWNERS:
        return key.used
    return rows.get(SERVICES_USED, key.principal.id.partition(":")[0], service)


def remember_use(tx: Tx, key_id: str) -> None:
    """Keeps when and for what a key was used; its session's role was used then as well."""
    key = tx.get(ACCESS_KEYS, key_id)
    if key is None:
        return
    used, owner = Used(tx.now, tx.service, tx.region), key.principal.id.partition(":")[0]
    if key.principal.kind in _OWNERS and _is_old(tx.get(SERVICES_USED, owner, tx.service), tx.now):
        tx.put(SERVICES_USED, owner, tx.service, value=used)
    if not _is_old(key.used, tx.now):
        return
    tx.put(ACCESS_KEYS, key_id, value=msgspec.structs.replace(key, used=used))
    if key.principal.kind == "AssumedRole":
        tx.put(ROLES_USED, owner, value=used)


def unknown_key(service: str, key_id: str) -> Fault:
    """The answer to a key that is not, or no longer, there."""
    if service == "s3":
        text = "The AWS Access Key Id you provided does not exist in our records."
        return Fault("InvalidAccessKeyId", text, status=403, AWSAccessKeyId=key_id)
    return _refused(
        service, "UnrecognizedClientException", "InvalidClientTokenId", "The security token included in the request is invalid."
    )


def wrong_token(service: str, key_id: str, token: str) -> Fault:
    """The answer to a session token that is missing or another key's."""
    if service == "s3" and token:
        members: dict[str, Any] = {"Token-0": token}
        return Fault("InvalidToken", "The provided token is malformed or otherwise invalid.", status=400, **members)
    return unknown_key(service, key_id)


def expired(service: str, token: str) -> Fault:
    """The answer to a session that is over."""
    if service == "s3":
        members: dict[str, Any] = {"Token-0": token}
        return Fault("ExpiredToken", "The provided token has expired.", status=400, **members)
    if service == "ec2":
        return Fault("RequestExpired", "Request has expired.", status=400)
    return _refused(service, "ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired")


def _refused(service: str, json_code: str, query_code: str, message: str) -> Fault:
    """Services that speak JSON by X-Amz-Target say 400, all others 403; SQS and its like kept the codes of the query protocol."""
    if service == "ec2":
        return Fault("AuthFailure", "AWS was not able to validate the provided access credentials", status=401)
    model = service_model(service)
    if model.is_query_compatible or model.protocols[0] not in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return Fault(query_code, message, status=403)
    return Fault(json_code, message, status=403 if model.protocols[0] == "rest-json" else 400)
