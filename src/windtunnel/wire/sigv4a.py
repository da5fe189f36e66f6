"""SigV4A: the asymmetric form, for requests that several regions may take (multi-Region access points, global endpoints).

The key pair is derived from the secret access key, so the secret is enough to verify.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html#how-sigv4a-works
"""

import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from windtunnel.wire.credential import ECDSA, Credential

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


def matches(string_to_sign: str, credential: Credential, secret: str) -> bool:
    """Whether the signature, DER in hex, is that of the key pair of this access key."""
    try:
        signature = bytes.fromhex(credential.signature)
        public_key(credential.access_key, secret).verify(signature, string_to_sign.encode(), ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


@lru_cache(maxsize=256)
def public_key(access_key: str, secret: str) -> ec.EllipticCurvePublicKey:
    """The key derivation of NIST SP 800-108 in counter mode, tried until it gives a number below the curve's order."""
    for counter in range(1, 255):
        fixed = b"\x00\x00\x00\x01" + ECDSA.encode() + b"\x00" + access_key.encode() + bytes((counter,)) + b"\x00\x00\x01\x00"
        candidate = int.from_bytes(hmac.digest(f"AWS4A{secret}".encode(), fixed, "sha256"))
        if candidate <= _ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1()).public_key()
    raise AssertionError("254 hashes in a row lie above the curve's order, which has a chance of 2 ** -8000")
