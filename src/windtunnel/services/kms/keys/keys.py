"""Keys: made, described, listed, switched off and on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.tags import set_tags
from windtunnel.services.kms.keys.documents import checked_policy
from windtunnel.services.kms.keys.shown import metadata
from windtunnel.services.kms.listing import page_of
from windtunnel.services.kms.material.making import keep_first, make_secret
from windtunnel.services.kms.places import key_of, used_key
from windtunnel.services.kms.rules import check_spec, check_tags, unsupported
from windtunnel.services.kms.state import KEYS, USED, Found, Key, arn_of, check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


async def create_key(call: Call, req: t.CreateKeyRequest) -> t.CreateKeyResponse:
    """Material first, for it may take its time; then the key in one transaction."""
    spec, _ = check_spec(req)
    origin = req.get("Origin", "AWS_KMS")
    _check_origin(req, spec, origin)
    secret = await make_secret(call, spec) if origin == "AWS_KMS" else b""
    return await call.transact(_create, req, secret)


def _check_origin(req: t.CreateKeyRequest, spec: str, origin: str) -> None:
    if "CustomKeyStoreId" in req:
        raise Fault("CustomKeyStoreNotFoundException", f"Custom key store {req['CustomKeyStoreId']} cannot be found.")
    if origin in ("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"):
        raise Fault("ValidationException", f"CustomKeyStoreId is required when Origin is {origin}.")
    if "XksKeyId" in req:
        raise Fault("ValidationException", "XksKeyId is only valid when Origin is EXTERNAL_KEY_STORE.")
    if origin == "EXTERNAL" and spec.startswith(("ML_KEM", "ECC_NIST_EDWARDS")):
        raise unsupported(f"KeySpec {spec} is not supported for Origin {origin}")


def _create(tx: Tx, req: t.CreateKeyRequest, secret: bytes) -> t.CreateKeyResponse:
    spec, usage = check_spec(req)
    tags = check_tags(req.get("Tags") or [], {})  # pyright: ignore[reportArgumentType]
    several = bool(req.get("MultiRegion"))
    key_id = f"mrk-{tx.new_id().replace('-', '')}" if several else tx.new_id()
    key = Key(tx.now, spec, usage, req.get("Origin", "AWS_KMS"), req.get("Description", ""), primary=tx.region if several else "")
    key = msgspec.structs.replace(key, policy=checked_policy(Found(tx, key_id, key), req))
    if secret:
        found = keep_first(tx, key_id, key, secret)
    else:
        tx.put(KEYS, key_id, value=key)
        found = Found(tx, key_id, key)
    set_tags(tx, found.arn, tags)
    return {"KeyMetadata": metadata(found)}


def describe_key(tx: Tx, req: t.DescribeKeyRequest) -> t.DescribeKeyResponse:
    return {"KeyMetadata": metadata(used_key(tx, req, "DescribeKey"))}


def list_keys(tx: Tx, req: t.ListKeysRequest) -> t.ListKeysResponse:
    if any(owner != "SELF" for owner in req.get("ResourceOwners") or ()):
        raise Fault("NotImplemented", "windtunnel does not list keys of other accounts.", status=501)
    return page_of(req, "Keys", lambda start: tx.scan(KEYS, start=start), lambda key, _: {"KeyId": key[0], "KeyArn": arn_of(tx, key[0])})


def enable_key(tx: Tx, req: t.EnableKeyRequest) -> None:
    found = key_of(tx, req, "EnableKey")
    check_state(found, disabled=True)
    found.put(enabled=True)
    _resume(found)


def _resume(found: Found) -> None:
    """What came due while the key was off is made up for at once."""
    if found.key.period and found.key.rotates <= found.tx.now:
        found.tx.timer(found.tx.now, "rotate", {"key": found.id}, name=found.id)


def disable_key(tx: Tx, req: t.DisableKeyRequest) -> None:
    found = key_of(tx, req, "DisableKey")
    check_state(found, disabled=True)
    found.put(enabled=False)


def update_key_description(tx: Tx, req: t.UpdateKeyDescriptionRequest) -> None:
    found = key_of(tx, req, "UpdateKeyDescription")
    check_state(found, disabled=True, importing=True)
    found.put(description=req["Description"])


def get_key_last_usage(tx: Tx, req: t.GetKeyLastUsageRequest) -> t.GetKeyLastUsageResponse:
    """Tracking began before every key of a region did."""
    found = key_of(tx, req, "GetKeyLastUsage")
    used = found.tx.get(USED, found.id)
    last = {} if used is None else {"Operation": used.operation, "Timestamp": used.at, "KmsRequestId": used.request}
    created = found.key.created
    return {"KeyId": found.arn, "KeyLastUsage": last, "TrackingStartDate": created, "KeyCreationDate": created}  # pyright: ignore[reportReturnType]
