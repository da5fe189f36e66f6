"""Keys of every kind that KMS has: made, kept as bytes, and read again.

What is secret is kept as it would be imported: symmetric and HMAC keys as they are, pairs as PKCS #8 in DER. Public keys are
SubjectPublicKeyInfo in DER: https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

SYMMETRIC_BYTES: Final = 32
MAC_BYTES: Mapping[str, tuple[int, int]] = {"HMAC_224": (28, 64), "HMAC_256": (32, 64), "HMAC_384": (48, 128), "HMAC_512": (64, 128)}
"""How short and how long a key of each spec may be: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html"""
RSA_BITS: Mapping[str, int] = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
CURVES: Mapping[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
EDWARDS: Final = "ECC_NIST_EDWARDS25519"
_PUBLIC_EXPONENT: Final = 65_537
_KEPT_MAX: Final = 512


def _lattices() -> dict[str, Any]:
    """The classes of ML-DSA and ML-KEM keys, as far as the installed library has them."""
    found: dict[str, Any] = {}
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        found |= {f"ML_DSA_{size}": getattr(mldsa, f"MLDSA{size}PrivateKey") for size in (44, 65, 87)}
        from cryptography.hazmat.primitives.asymmetric import mlkem

        found |= {f"ML_KEM_{size}": getattr(mlkem, f"MLKEM{size}PrivateKey") for size in (768, 1024)}
    except ImportError:
        pass
    return found


@lru_cache(maxsize=1)
def lattices() -> Mapping[str, Any]:
    return _lattices()


def is_slow(spec: str) -> bool:
    """Whether making such a key takes so long that others should not wait for it."""
    return spec in RSA_BITS


def maker(spec: str) -> Callable[[], bytes] | None:
    """What makes a pair of a spec; None where the machine's library can't."""
    if spec in RSA_BITS:
        return lambda: _kept(rsa.generate_private_key(_PUBLIC_EXPONENT, RSA_BITS[spec]))
    if spec in CURVES:
        return lambda: _kept(ec.generate_private_key(CURVES[spec]))
    if spec == EDWARDS:
        return lambda: _kept(ed25519.Ed25519PrivateKey.generate())
    lattice = lattices().get(spec)
    return None if lattice is None else lambda: _kept(lattice.generate())


def _kept(key: Any) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@lru_cache(maxsize=_KEPT_MAX)
def private(secret: bytes) -> Any:
    """A pair by its PKCS #8. Raises ValueError where it is none."""
    try:
        return load_der_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=_KEPT_MAX)
def public_bytes(secret: bytes) -> bytes:
    """The public key of a pair."""
    return private(secret).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fits(spec: str, secret: bytes) -> bool:
    """Whether somebody else's bytes are a key of this spec."""
    if spec == "SYMMETRIC_DEFAULT":
        return len(secret) == SYMMETRIC_BYTES
    if spec in MAC_BYTES:
        least, most = MAC_BYTES[spec]
        return least <= len(secret) <= most
    try:
        key = load_der_private_key(secret, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    if spec in RSA_BITS:
        return isinstance(key, rsa.RSAPrivateKey) and key.key_size == RSA_BITS[spec]
    if spec in CURVES:
        return isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == CURVES[spec].name
    return isinstance(key, ed25519.Ed25519PrivateKey) if spec == EDWARDS else isinstance(key, lattices().get(spec, ()))


def agree(secret: bytes, peer: bytes) -> bytes:
    """The secret that two pairs of one curve share (ECDH). Raises ValueError where the other's public key isn't of the curve."""
    try:
        other = load_der_public_key(peer)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    key = private(secret)
    if not isinstance(other, ec.EllipticCurvePublicKey) or other.curve.name != key.curve.name:
        raise ValueError("not a public key of the curve")
    return key.exchange(ec.ECDH(), other)


def encapsulate(secret: bytes) -> tuple[bytes, bytes]:
    """A fresh shared secret of an ML-KEM pair, and the form in which only the pair can read it."""
    return private(secret).public_key().encapsulate()


def decapsulate(secret: bytes, sealed: bytes) -> bytes:
    """The shared secret again. Raises ValueError where the form hasn't the length of the pair's."""
    return private(secret).decapsulate(sealed)
