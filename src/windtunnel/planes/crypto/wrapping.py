"""How key material travels: wrapped for a public key, in the ways that KMS takes it.

https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html
"""

from __future__ import annotations

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from windtunnel.planes.crypto.keys import private
from windtunnel.planes.crypto.sealing import decrypt

_WITH_AES = {"RSA_AES_KEY_WRAP_SHA_1": "RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256": "RSAES_OAEP_SHA_256"}


def unwrap(secret: bytes, algorithm: str, wrapped: bytes) -> bytes:
    """What was wrapped for an RSA pair: by its public key alone, or by an AES key that its public key wraps.

    Raises ValueError where it doesn't unwrap.
    """
    if algorithm not in _WITH_AES:
        return decrypt(secret, algorithm, wrapped)
    size = private(secret).key_size // 8
    key = decrypt(secret, _WITH_AES[algorithm], wrapped[:size])
    try:
        return aes_key_unwrap_with_padding(key, wrapped[size:])
    except InvalidUnwrap as error:
        raise ValueError("the key material does not unwrap") from error
