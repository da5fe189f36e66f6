"""Ciphertexts made and opened: under which key, for whom, and with what context.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.planes.crypto import sealing
from windtunnel.services.kms.access import check_access
from windtunnel.services.kms.places import used_key
from windtunnel.services.kms.rules import SYMMETRIC, invalid
from windtunnel.services.kms.state import KEYS, MATERIALS, Found, check_state, material_of
from windtunnel.services.kms.uses import check_usage

USAGE = "ENCRYPT_DECRYPT"
_WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
_NOT_HERE = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
)
Context = Mapping[str, str]


def sealed(found: Found, algorithm: str, plain: bytes, context: Context) -> bytes:
    """A plaintext under a key. Raises ValidationException where it is too long for it, or the context has no place."""
    secret = material_of(found).secret
    if algorithm == SYMMETRIC:
        nonce = found.tx.ids.bytes(sealing.NONCE_BYTES)
        return sealing.seal(secret, found.arn, found.key.material, nonce, plain, context)
    _check_no_context(context)
    if len(plain) > (most := sealing.plain_bytes_max(secret, algorithm)):
        raise invalid(f"Algorithm {algorithm} and key spec {found.key.spec} cannot encrypt data larger than {most} bytes.")
    return sealing.encrypt(secret, algorithm, plain)


def _check_no_context(context: Context) -> None:
    if context:
        raise invalid("EncryptionContext is not supported for asymmetric keys.")


def unsealed(
    tx: Tx, req: Mapping[str, Any], action: str, name: str, blob: bytes, algorithm: str, context: Context
) -> tuple[Found, bytes, str]:
    """The key that opens a ciphertext, what it holds, and the id of the material, of symmetric keys."""
    if algorithm != SYMMETRIC:
        return _opened_by_pair(tx, req, action, name, blob, algorithm, context)
    try:
        parts = sealing.opened(blob)
    except ValueError as error:
        raise Fault("InvalidCiphertextException") from error
    found = _maker_of(tx, req, action, name, parts, context)
    check_state(found)
    check_usage(found, _operation(action), USAGE, algorithm)
    material = found.tx.get(MATERIALS, found.id, parts.material)
    if material is None:
        raise Fault("InvalidCiphertextException")
    try:
        return found, sealing.unseal(material.secret, parts, context), parts.material
    except ValueError as error:
        raise Fault("InvalidCiphertextException") from error


def _operation(action: str) -> str:
    return action.removesuffix("From")


def _maker_of(tx: Tx, req: Mapping[str, Any], action: str, name: str, parts: sealing.Sealed, context: Context) -> Found:
    """The key that a ciphertext names, or its like of this region. Raises IncorrectKeyException where the request names another."""
    arn = parse(parts.key)
    if name:
        found = used_key(tx, req, action, name, context=context, algorithm=("EncryptionAlgorithm", SYMMETRIC))
        if (found.id, found.tx.account) != (arn.id, arn.account):
            raise Fault("IncorrectKeyException", _WRONG_KEY)
        return found
    there = tx.at(account=arn.account)
    key = there.get(KEYS, arn.id)
    if key is None or (arn.region != tx.region and not key.primary):
        raise Fault("AccessDeniedException", _NOT_HERE)
    found = Found(there, arn.id, key)
    try:
        tokens = req.get("GrantTokens", ())
        check_access(found, action, {"kms:encryptionalgorithm": SYMMETRIC}, tokens, context=context, abroad=True)
    except Fault as fault:
        if fault.code != "AccessDeniedException" or arn.account == tx.account:
            raise
        raise Fault("AccessDeniedException", _NOT_HERE) from fault
    return found


def _opened_by_pair(
    tx: Tx, req: Mapping[str, Any], action: str, name: str, blob: bytes, algorithm: str, context: Context
) -> tuple[Found, bytes, str]:
    if not name:
        raise invalid("The key ID of the KMS key is required to decrypt with an asymmetric key.")
    _check_no_context(context)
    found = used_key(tx, req, action, name, algorithm=("EncryptionAlgorithm", algorithm))
    check_state(found)
    check_usage(found, _operation(action), USAGE, algorithm)
    try:
        return found, sealing.decrypt(material_of(found).secret, algorithm, blob), ""
    except ValueError as error:
        raise Fault("InvalidCiphertextException") from error
