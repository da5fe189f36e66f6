"""Encrypting, decrypting, and both in one under two keys.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#encrypt_context
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.cryptography.ciphertexts import USAGE, sealed, unsealed
from windtunnel.services.kms.places import used_key
from windtunnel.services.kms.rules import SYMMETRIC, invalid
from windtunnel.services.kms.state import check_state
from windtunnel.services.kms.uses import check_usage, no_enclave, remember, use

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def encrypt(tx: Tx, req: t.EncryptRequest) -> t.EncryptResponse:
    algorithm, context = req.get("EncryptionAlgorithm", SYMMETRIC), req.get("EncryptionContext") or {}
    found = use(tx, req, "Encrypt", USAGE, ("EncryptionAlgorithm", algorithm), context=context)
    blob = sealed(found, algorithm, req["Plaintext"], context)
    remember(found, req, "Encrypt")
    return {"CiphertextBlob": blob, "KeyId": found.arn, "EncryptionAlgorithm": algorithm}


def decrypt(tx: Tx, req: t.DecryptRequest) -> t.DecryptResponse:
    no_enclave(req)
    _check_modifiers(req)
    if "CiphertextBlob" not in req:
        raise invalid("CiphertextBlob is required.")
    algorithm, context = req.get("EncryptionAlgorithm", SYMMETRIC), req.get("EncryptionContext") or {}
    found, plain, material = unsealed(tx, req, "Decrypt", req.get("KeyId", ""), req["CiphertextBlob"], algorithm, context)
    remember(found, req, "Decrypt")
    return {"KeyId": found.arn, "Plaintext": plain, "EncryptionAlgorithm": algorithm, **({"KeyMaterialId": material} if material else {})}  # pyright: ignore[reportReturnType]


def _check_modifiers(req: Mapping[str, Any]) -> None:
    if req.get("DryRunModifiers"):
        raise Fault("NotImplemented", "windtunnel does not implement DryRunModifiers of KMS.", status=501)


def re_encrypt(tx: Tx, req: t.ReEncryptRequest) -> t.ReEncryptResponse:
    _check_modifiers(req)
    if "CiphertextBlob" not in req:
        raise invalid("CiphertextBlob is required.")
    algorithm, wanted = req.get("SourceEncryptionAlgorithm", SYMMETRIC), req.get("DestinationEncryptionAlgorithm", SYMMETRIC)
    before, after = req.get("SourceEncryptionContext") or {}, req.get("DestinationEncryptionContext") or {}
    source, plain, material = unsealed(tx, req, "ReEncryptFrom", req.get("SourceKeyId", ""), req["CiphertextBlob"], algorithm, before)
    name = req["DestinationKeyId"]
    found = used_key(tx, req, "ReEncryptTo", name, context=after, algorithm=("EncryptionAlgorithm", wanted))
    check_state(found)
    check_usage(found, "ReEncrypt", USAGE, wanted)
    blob = sealed(found, wanted, plain, after)
    remember(source, req, "ReEncrypt")
    remember(found, req, "ReEncrypt")
    out: t.ReEncryptResponse = {
        "CiphertextBlob": blob,
        "SourceKeyId": source.arn,
        "KeyId": found.arn,
        "SourceEncryptionAlgorithm": algorithm,
        "DestinationEncryptionAlgorithm": wanted,
    }
    if material:
        out["SourceKeyMaterialId"] = material
    if wanted == SYMMETRIC:
        out["DestinationKeyMaterialId"] = found.key.material
    return out
