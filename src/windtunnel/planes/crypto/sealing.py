"""Ciphertexts: what is encrypted under a symmetric key names the key that opens it; RSA's names nobody.

A blob of ours is a mark, the key's ARN, the id of its material, a nonce, and AES-GCM's output. All that goes before the nonce and
the encryption context are authenticated with it, so that a blob opens only under the key and the context that it was made for.
https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from windtunnel.planes.crypto.keys import private

MARK = b"\x01\x02\x02\x00"
NONCE_BYTES = 12
_MATERIAL_BYTES = 32
_OAEP: dict[str, Any] = {"RSAES_OAEP_SHA_1": hashes.SHA1(), "RSAES_OAEP_SHA_256": hashes.SHA256()}


class Sealed(msgspec.Struct, frozen=True):
    """A blob, taken apart."""

    key: str
    """The ARN of the key that made it."""
    material: str
    """The id of the key material, in hex."""
    head: bytes
    nonce: bytes
    body: bytes


def seal(secret: bytes, key: str, material: str, nonce: bytes, plain: bytes, context: Mapping[str, str]) -> bytes:
    """Encrypts bytes under a symmetric key."""
    name = key.encode()
    head = MARK + len(name).to_bytes(2) + name + bytes.fromhex(material)
    return head + nonce + AESGCM(secret).encrypt(nonce, plain, head + _bound(context))


def opened(blob: bytes) -> Sealed:
    """A blob of ours. Raises ValueError for any other bytes."""
    begin = len(MARK) + 2
    end = begin + int.from_bytes(blob[len(MARK) : begin]) + _MATERIAL_BYTES
    if not blob.startswith(MARK) or len(blob) <= end + NONCE_BYTES:
        raise ValueError("not a ciphertext of ours")
    name, material = blob[begin : end - _MATERIAL_BYTES].decode("ascii"), blob[end - _MATERIAL_BYTES : end].hex()
    return Sealed(name, material, blob[:end], blob[end : end + NONCE_BYTES], blob[end + NONCE_BYTES :])


def unseal(secret: bytes, sealed: Sealed, context: Mapping[str, str]) -> bytes:
    """What a blob holds. Raises ValueError where it, the key or the context isn't what it was."""
    try:
        return AESGCM(secret).decrypt(sealed.nonce, sealed.body, sealed.head + _bound(context))
    except InvalidTag as error:
        raise ValueError("the ciphertext does not open") from error


def _bound(context: Mapping[str, str]) -> bytes:
    """A context's bytes: the order of its pairs doesn't count."""
    return msgspec.json.encode(sorted(context.items())) if context else b""


def plain_bytes_max(secret: bytes, algorithm: str) -> int:
    """How much an RSA pair can encrypt."""
    return private(secret).key_size // 8 - 2 * _OAEP[algorithm].digest_size - 2


def encrypt(secret: bytes, algorithm: str, plain: bytes) -> bytes:
    """Encrypts for an RSA pair."""
    return private(secret).public_key().encrypt(plain, _padding(algorithm))


def decrypt(secret: bytes, algorithm: str, blob: bytes) -> bytes:
    """Decrypts with an RSA pair. Raises ValueError where it can't."""
    return private(secret).decrypt(blob, _padding(algorithm))


def _padding(algorithm: str) -> Any:
    used = _OAEP[algorithm]
    return padding.OAEP(padding.MGF1(used), used, None)
