"""JSON Web Tokens, signed with RSA or ECDSA: what web identities, user pools and API authorisers are told by.

RFC 7515 (signatures), 7517 (keys), 7518 (algorithms).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from msgspec import Struct

_HASHES = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CURVES: dict[str, tuple[str, ec.EllipticCurve, int]] = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
}
ALGORITHMS = ("RS256", "RS384", "RS512", *_CURVES)
_PARTS = 3

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Token(Struct, frozen=True):
    """A token taken apart; nothing of it is verified."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_token(text: str) -> Token:
    """Raises ValueError for what is no signed token."""
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise ValueError(f"a token has {_PARTS} parts, not {len(parts)}")
    header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("a token's header and claims are objects")
    return Token(cast("dict[str, Any]", header), cast("dict[str, Any]", claims), f"{parts[0]}.{parts[1]}".encode(), _decoded(parts[2]))


def verified(token: Token, key: Mapping[str, Any]) -> bool:
    """Whether a token is signed with the key of a JSON Web Key."""
    algorithm = token.header.get("alg")
    if algorithm not in ALGORITHMS or key.get("alg", algorithm) != algorithm or key.get("use", "sig") != "sig":
        return False
    chosen = _HASHES[algorithm[2:]]
    try:
        if algorithm in _CURVES:
            name, curve, size = _CURVES[algorithm]
            if key.get("kty") != "EC" or key.get("crv") != name or len(token.signature) != 2 * size:
                return False
            numbers = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), curve)
            r, s = (int.from_bytes(half, "big") for half in (token.signature[:size], token.signature[size:]))
            numbers.public_key().verify(encode_dss_signature(r, s), token.signed, ec.ECDSA(chosen))
        else:
            if key.get("kty") != "RSA":
                return False
            public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
            public.verify(token.signature, token.signed, padding.PKCS1v15(), chosen)
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


def sign_token(claims: Mapping[str, Any], key: PrivateKey, key_id: str, algorithm: str) -> str:
    """A token of claims."""
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": key_id, "typ": "JWT"}, claims))
    chosen = _HASHES[algorithm[2:]]
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(signed.encode(), padding.PKCS1v15(), chosen)
    else:
        size = _CURVES[algorithm][2]
        signature = b"".join(half.to_bytes(size, "big") for half in decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(chosen))))
    return f"{signed}.{_encoded(signature)}"


def public_key_of(key: PrivateKey, key_id: str, algorithm: str) -> dict[str, str]:
    """The JSON Web Key that verifies what a key signs."""
    common = {"kid": key_id, "use": "sig", "alg": algorithm}
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", **common, "n": _text(numbers.n), "e": _text(numbers.e)}
    name, _, size = _CURVES[algorithm]
    point = key.public_key().public_numbers()
    return {"kty": "EC", **common, "crv": name, "x": _text(point.x, size), "y": _text(point.y, size)}


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _text(number: int, size: int = 0) -> str:
    return _encoded(number.to_bytes(size or -(-number.bit_length() // 8), "big"))
