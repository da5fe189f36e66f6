"""Access keys of users: what signs requests. The keys themselves are the fabric's, which verifies signatures with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Principal, Tx
from windtunnel.fabric.access import ACCESS_KEYS, AccessKey
from windtunnel.fabric.scope import root
from windtunnel.services.iam.entities import ROOT_USER, owner_of
from windtunnel.services.iam.rules import ACCESS_KEYS_PER_USER_MAX, SECRET_ALPHABET, moment, new_id, paged, start_of
from windtunnel.services.iam.state import KEYS, arn_of

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

SECRET_CHARACTERS = 40


def create_access_key(tx: Tx, req: t.CreateAccessKeyRequest) -> t.CreateAccessKeyResponse:
    owner, name, user = owner_of(tx, req.get("UserName"))
    if tx.count(KEYS, "user", owner) >= ACCESS_KEYS_PER_USER_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {ACCESS_KEYS_PER_USER_MAX}")
    key_id = new_id(tx, "AKIA")
    secret = tx.ids.text(SECRET_CHARACTERS, SECRET_ALPHABET)
    if user is None:
        principal = root(tx.account, key_id)
    else:
        principal = Principal("IAMUser", tx.account, arn_of(tx, user), user.id, user.name, key_id)
    tx.put(ACCESS_KEYS, key_id, value=AccessKey(secret, principal))
    tx.put(KEYS, owner, key_id, value=moment(tx.now))
    return {
        "AccessKey": {"UserName": name, "AccessKeyId": key_id, "Status": "Active", "SecretAccessKey": secret, "CreateDate": moment(tx.now)}
    }


def list_access_keys(tx: Tx, req: t.ListAccessKeysRequest) -> t.ListAccessKeysResponse:
    owner, name, _ = owner_of(tx, req.get("UserName"))
    start = start_of(req)

    def shown(key: Any, created: float) -> t.AccessKeyMetadata:
        return {"UserName": name, "AccessKeyId": key[1], "Status": _key(tx, str(key[1])).status, "CreateDate": created}

    return paged(req, "AccessKeyMetadata", tx.scan(KEYS, owner, start=start and start[1:]), shown)


def update_access_key(tx: Tx, req: t.UpdateAccessKeyRequest) -> dict[str, Any]:
    key_id = _own(tx, req.get("UserName"), req["AccessKeyId"])
    status = req["Status"]
    if status not in ("Active", "Inactive"):
        raise Fault("InvalidInput", f"Access key status {status} can not be set.")
    tx.put(ACCESS_KEYS, key_id, value=msgspec.structs.replace(_key(tx, key_id), status=status))
    return {}


def delete_access_key(tx: Tx, req: t.DeleteAccessKeyRequest) -> dict[str, Any]:
    """The fabric's row stays, or the key would be one the region never issued."""
    owner, _, _ = owner_of(tx, req.get("UserName"))
    key_id = _own(tx, req.get("UserName"), req["AccessKeyId"])
    tx.put(ACCESS_KEYS, key_id, value=msgspec.structs.replace(_key(tx, key_id), status="Deleted"))
    tx.delete(KEYS, owner, key_id)
    return {}


def get_access_key_last_used(tx: Tx, req: t.GetAccessKeyLastUsedRequest) -> t.GetAccessKeyLastUsedResponse:
    key = tx.get(ACCESS_KEYS, req["AccessKeyId"])
    if key is None or key.status == "Deleted" or key.token or key.principal.account != tx.account:
        raise Fault("AccessDenied", f"User: {tx.scope.principal.arn} is not authorized to perform: iam:GetAccessKeyLastUsed")
    last: t.AccessKeyLastUsed = {"ServiceName": "N/A", "Region": "N/A"}  # pyright: ignore[reportAssignmentType]
    if key.used is not None:
        last = {"LastUsedDate": moment(key.used.at), "ServiceName": key.used.service, "Region": key.used.region}
    return {"UserName": key.principal.name or ROOT_USER, "AccessKeyLastUsed": last}


def _own(tx: Tx, name: str | None, key_id: str) -> str:
    owner, _, _ = owner_of(tx, name)
    if tx.get(KEYS, owner, key_id) is None:
        raise Fault("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.")
    return key_id


def _key(tx: Tx, key_id: str) -> AccessKey:
    key = tx.get(ACCESS_KEYS, key_id)
    assert key is not None, f"{key_id} is a user's key without a key"
    return key
