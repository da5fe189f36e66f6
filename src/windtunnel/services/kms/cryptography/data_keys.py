"""Data keys: made for whoever asks, in plain and under a KMS key, and kept nowhere.

https://docs.aws.amazon.com/kms/latest/developerguide/data-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.crypto.keys import public_bytes
from windtunnel.services.kms.cryptography.ciphertexts import USAGE, sealed
from windtunnel.services.kms.material.making import make_pair
from windtunnel.services.kms.rules import SYMMETRIC, invalid, unsupported
from windtunnel.services.kms.state import Found
from windtunnel.services.kms.uses import no_enclave, remember, use

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t

_SPECS = {"AES_128": 16, "AES_256": 32}


def generate_data_key(tx: Tx, req: t.GenerateDataKeyRequest) -> t.GenerateDataKeyResponse:
    no_enclave(req)
    plain, made = _data_key(tx, req, "GenerateDataKey")
    return {**made, "Plaintext": plain}  # pyright: ignore[reportReturnType]


def generate_data_key_without_plaintext(tx: Tx, req: t.GenerateDataKeyWithoutPlaintextRequest) -> t.GenerateDataKeyWithoutPlaintextResponse:
    return _data_key(tx, req, "GenerateDataKeyWithoutPlaintext")[1]  # pyright: ignore[reportReturnType]


def _data_key(tx: Tx, req: Mapping[str, Any], operation: str) -> tuple[bytes, dict[str, Any]]:
    size, spec = req.get("NumberOfBytes"), req.get("KeySpec")
    if (size is None) == (spec is None):
        raise invalid("Please specify either number of bytes or key spec.")
    found = _wrapper(tx, req, operation)
    plain = tx.ids.bytes(size or _SPECS[spec or ""])
    return plain, _wrapped(found, req, operation, "CiphertextBlob", plain)


def _wrapper(tx: Tx, req: Mapping[str, Any], operation: str) -> Found:
    """The key that is to wrap: a symmetric one."""
    return use(tx, req, operation, USAGE, ("EncryptionAlgorithm", SYMMETRIC), context=req.get("EncryptionContext") or {})


def _wrapped(found: Found, req: Mapping[str, Any], operation: str, member: str, plain: bytes) -> dict[str, Any]:
    blob = sealed(found, SYMMETRIC, plain, req.get("EncryptionContext") or {})
    remember(found, req, operation)
    return {member: blob, "KeyId": found.arn, "KeyMaterialId": found.key.material}


async def generate_data_key_pair(call: Call, req: t.GenerateDataKeyPairRequest) -> t.GenerateDataKeyPairResponse:
    no_enclave(req)
    secret, made = await _pair(call, req, "GenerateDataKeyPair")
    return {**made, "PrivateKeyPlaintext": secret}  # pyright: ignore[reportReturnType]


async def generate_data_key_pair_without_plaintext(
    call: Call, req: t.GenerateDataKeyPairWithoutPlaintextRequest
) -> t.GenerateDataKeyPairWithoutPlaintextResponse:
    return (await _pair(call, req, "GenerateDataKeyPairWithoutPlaintext"))[1]  # pyright: ignore[reportReturnType]


async def _pair(call: Call, req: Mapping[str, Any], operation: str) -> tuple[bytes, dict[str, Any]]:
    spec = req["KeyPairSpec"]
    if spec == "SM2":
        raise unsupported("SM2 key pairs are supported in China Regions only.")
    call.read(_wrapper, req, operation)
    secret = await make_pair(spec)

    def keep(tx: Tx) -> dict[str, Any]:
        return _wrapped(_wrapper(tx, req, operation), req, operation, "PrivateKeyCiphertextBlob", secret)

    made = await call.transact(keep)
    return secret, {**made, "PublicKey": public_bytes(secret), "KeyPairSpec": spec}


def generate_random(tx: Tx, req: t.GenerateRandomRequest) -> t.GenerateRandomResponse:
    no_enclave(req)
    if "CustomKeyStoreId" in req:
        raise Fault("CustomKeyStoreNotFoundException", f"Custom key store {req['CustomKeyStoreId']} cannot be found.")
    if "NumberOfBytes" not in req:
        raise invalid("NumberOfBytes is required.")
    return {"Plaintext": tx.ids.bytes(req["NumberOfBytes"])}
