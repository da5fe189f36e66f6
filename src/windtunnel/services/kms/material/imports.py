"""Importing material: parameters with a public key to wrap it for, the import itself, its end.

https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.crypto.keys import fits, public_bytes
from windtunnel.planes.crypto.signing import fingerprint
from windtunnel.planes.crypto.wrapping import unwrap
from windtunnel.services.kms.material.making import forget_secret, keep_first, last_number, make_pair, members, waiting
from windtunnel.services.kms.places import key_of
from windtunnel.services.kms.rules import DAY_SECONDS, EXPIRY_DAYS_MAX, IMPORT_SECONDS, SYMMETRIC, invalid, unsupported
from windtunnel.services.kms.state import MATERIALS, WRAPPINGS, Found, Material, Wrapping, check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t

_TOKEN_BYTES = 16
_WRAPPABLE = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")


async def get_parameters_for_import(call: Call, req: t.GetParametersForImportRequest) -> t.GetParametersForImportResponse:
    algorithm, spec = req["WrappingAlgorithm"], req["WrappingKeySpec"]
    call.read(_check_import, req)
    if spec == "SM2" or algorithm == "SM2PKE":
        raise unsupported("SM2 key pairs are supported in China Regions only.")
    if algorithm not in _WRAPPABLE:
        raise unsupported(f"WrappingAlgorithm {algorithm} is not supported.")
    secret = await make_pair(spec)
    return await call.transact(_offer, req, secret)


def _check_import(tx: Tx, req: Any) -> None:
    found = key_of(tx, req, "GetParametersForImport")
    _check_origin(found)
    check_state(found, disabled=True, importing=True)


def _check_origin(found: Found) -> None:
    if found.key.origin != "EXTERNAL":
        raise unsupported(f"{found.arn} origin is {found.key.origin} which is not valid for this operation.")


def _offer(tx: Tx, req: t.GetParametersForImportRequest, secret: bytes) -> t.GetParametersForImportResponse:
    _check_import(tx, req)
    found = key_of(tx, req, "GetParametersForImport")
    token, until = tx.ids.bytes(_TOKEN_BYTES), tx.now + IMPORT_SECONDS
    tx.put(WRAPPINGS, found.id, token.hex(), value=Wrapping(secret, req["WrappingAlgorithm"], until))
    # An expired token is still told to be one for a while.
    tx.timer(until + IMPORT_SECONDS, "forget_wrapping", {"key": found.id, "token": token.hex()})
    return {"KeyId": found.arn, "ImportToken": token, "PublicKey": public_bytes(secret), "ParametersValidTo": until}


def import_key_material(tx: Tx, req: t.ImportKeyMaterialRequest) -> t.ImportKeyMaterialResponse:
    found = key_of(tx, req, "ImportKeyMaterial")
    _check_origin(found)
    expires = _expiry(tx, req)
    check_state(found, disabled=True, importing=True)
    secret = _unwrapped(found, req)
    material_id = fingerprint(found.id, secret)
    fresh = _check_kind(found, req, material_id)
    description = req.get("KeyMaterialDescription", "")
    kept = tx.get(MATERIALS, found.id, material_id)
    if kept is not None:
        description = description or kept.description
        kept = msgspec.structs.replace(kept, secret=secret, expires=expires, description=description)
        tx.put(MATERIALS, found.id, material_id, value=kept)
        found.put(missing=[one for one in found.key.missing if one != material_id])
    elif not found.key.material and not fresh:
        keep_first(tx, found.id, found.key, secret, imported=True, description=description, expires=expires)
    else:
        waits = Material(secret, last_number(found) + 1, imported=True, description=description, expires=expires)
        for member in members(found):
            # Replicas know that there is material to come, and wait for it.
            here = waits if member.tx.region == tx.region else msgspec.structs.replace(waits, secret=b"", expires=0.0)
            member.tx.put(MATERIALS, found.id, material_id, value=here)
    name = f"{found.id}/{material_id}"
    tx.cancel_timer("expire_material", name)
    if expires:
        tx.timer(expires, "expire_material", {"key": found.id, "material": material_id}, name=name)
    out: t.ImportKeyMaterialResponse = {"KeyId": found.arn}
    if found.key.spec == SYMMETRIC:
        out["KeyMaterialId"] = material_id
    return out


def _expiry(tx: Tx, req: t.ImportKeyMaterialRequest) -> float:
    """When the material ends; 0 where it never does."""
    valid_to = req.get("ValidTo")
    if req.get("ExpirationModel", "KEY_MATERIAL_EXPIRES") == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if valid_to is not None:
            raise invalid("A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        return 0.0
    if valid_to is None:
        raise invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
    if not tx.now < valid_to <= tx.now + EXPIRY_DAYS_MAX * DAY_SECONDS:
        raise invalid("The validTo date must be in the future, and at most 365 days from now")
    return valid_to


def _unwrapped(found: Found, req: t.ImportKeyMaterialRequest) -> bytes:
    wrapping = found.tx.get(WRAPPINGS, found.id, req["ImportToken"].hex())
    if wrapping is None:
        raise Fault("InvalidImportTokenException", "The import token is invalid or belongs to another key.")
    if wrapping.until <= found.tx.now:
        raise Fault("ExpiredImportTokenException", "The import token has expired.")
    try:
        secret = unwrap(wrapping.secret, wrapping.algorithm, req["EncryptedKeyMaterial"])
    except ValueError as error:
        raise Fault("InvalidCiphertextException") from error
    if not fits(found.key.spec, secret):
        raise Fault("IncorrectKeyMaterialException", f"The key material is not that of a key of {found.key.spec}.")
    return secret


def _check_kind(found: Found, req: t.ImportKeyMaterialRequest, material_id: str) -> bool:
    """Whether the material is to wait for a rotation. Raises where it isn't what the request says, or can't be taken now."""
    tx, key, named = found.tx, found.key, req.get("KeyMaterialId")
    if key.spec != SYMMETRIC and ("ImportType" in req or named is not None):
        raise unsupported("ImportType and KeyMaterialId are supported for symmetric encryption keys only.")
    kind = req.get("ImportType", "EXISTING_KEY_MATERIAL" if key.material else "NEW_KEY_MATERIAL")
    known = tx.get(MATERIALS, found.id, material_id) is not None
    if kind == "NEW_KEY_MATERIAL":
        if named is not None:
            raise invalid("You cannot specify a KeyMaterialId with ImportType NEW_KEY_MATERIAL.")
        if known:
            raise _incorrect(f"The key material (id: {material_id}) is already associated with the key.")
        if key.primary not in ("", tx.region):
            raise unsupported(f"{found.arn} is not a multi-region primary key.")
        pending = waiting(found)
        if key.material and pending is not None:
            raise Fault(
                "KMSInvalidStateException",
                f"New key material (id: {material_id}) cannot be imported into KMS key {found.arn}, because another key material"
                f" (id: {pending[0]}) is pending rotation.",
            )
        return bool(key.material)
    if known and named in (None, material_id):
        return False
    raise _incorrect("The key material is not the same that was imported before.")


def _incorrect(message: str) -> Fault:
    return Fault("IncorrectKeyMaterialException", message)


def delete_imported_key_material(tx: Tx, req: t.DeleteImportedKeyMaterialRequest) -> t.DeleteImportedKeyMaterialResponse:
    found = key_of(tx, req, "DeleteImportedKeyMaterial")
    _check_origin(found)
    check_state(found, disabled=True, importing=True, deleting=True)
    material_id = req.get("KeyMaterialId") or found.key.material
    if not material_id:
        return {"KeyId": found.arn}
    if tx.get(MATERIALS, found.id, material_id) is None:
        raise invalid(f"The key material (id: {material_id}) is not associated with the key.")
    forget_secret(found, material_id)
    tx.cancel_timer("expire_material", f"{found.id}/{material_id}")
    out: t.DeleteImportedKeyMaterialResponse = {"KeyId": found.arn}
    if found.key.spec == SYMMETRIC:
        out["KeyMaterialId"] = material_id
    return out
