"""Signatures and message authentication codes, by the names that KMS gives the algorithms.

https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from windtunnel.planes.crypto import edwards
from windtunnel.planes.crypto.keys import private

_HASHES: dict[str, Any] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
MU_BYTES = 64
"""What stands for a message that ML-DSA is given from outside."""
PREHASHED = "ED25519_PH_SHA_512"


def digest_bytes(algorithm: str) -> int:
    """How long the digest is that an algorithm signs; 0 where it takes none."""
    if algorithm.startswith("ML_DSA"):
        return MU_BYTES
    return 0 if algorithm == "ED25519_SHA_512" else _HASHES[algorithm[-3:]].digest_size


def sign(secret: bytes, algorithm: str, message: bytes, *, digest: bool) -> bytes:
    """Signs a message or, with `digest`, what stands for one."""
    key = private(secret)
    if algorithm.startswith("ML_DSA"):
        return key.sign_mu(message) if digest else key.sign(message)
    if algorithm == PREHASHED:
        return edwards.sign(key.private_bytes_raw(), message)
    if algorithm.startswith("ED25519"):
        return key.sign(message)
    return key.sign(message, *_terms(algorithm, digest=digest))


def verify(secret: bytes, algorithm: str, message: bytes, signature: bytes, *, digest: bool) -> bool:
    """Whether a signature is that of a pair over a message or what stands for it."""
    key = private(secret).public_key()
    try:
        if algorithm.startswith("ML_DSA"):
            (key.verify_mu if digest else key.verify)(signature, message)
        elif algorithm == PREHASHED:
            return edwards.verify(key.public_bytes_raw(), message, signature)
        elif algorithm.startswith("ED25519"):
            key.verify(signature, message)
        else:
            key.verify(signature, message, *_terms(algorithm, digest=digest))
    except (InvalidSignature, ValueError):
        return False
    return True


def _terms(algorithm: str, *, digest: bool) -> tuple[Any, ...]:
    """How the library names an algorithm of RSA or of a curve."""
    plain = _HASHES[algorithm[-3:]]
    hashed = Prehashed(plain) if digest else plain
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if algorithm.startswith("RSASSA_PSS"):
        return padding.PSS(padding.MGF1(plain), plain.digest_size), hashed
    return padding.PKCS1v15(), hashed


def mac(secret: bytes, algorithm: str, message: bytes) -> bytes:
    """The code of a message under a key, by HMAC_SHA_…"""
    return hmac.digest(secret, message, f"sha{algorithm[-3:]}")


def same(one: bytes, other: bytes) -> bool:
    """Compares two codes in a time that doesn't depend on where they differ."""
    return hmac.compare_digest(one, other)


def fingerprint(name: str, secret: bytes) -> str:
    """An id that a key's bytes have under a name, and that doesn't give them away."""
    return hashlib.sha256(name.encode() + b"\0" + secret).hexdigest()
