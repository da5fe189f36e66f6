"""Ed25519ph, which signs a digest: the cryptography at hand signs whole messages only, so its arithmetic is here.

RFC 8032, 5.1. Integers of Python take their time with secrets, and their time tells of them: good for tests, not for the public.
"""

from __future__ import annotations

import hashlib
from typing import Final

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, PRIME) % PRIME
_ROOT: Final = pow(2, (PRIME - 1) // 4, PRIME)
_DOMAIN: Final = b"SigEd25519 no Ed25519 collisions\x01\x00"
_BYTES: Final = 32
_SIGN_BIT: Final = 1 << 255
Point = tuple[int, int, int, int]
"""Extended coordinates: X, Y, Z and X·Y/Z."""
_ZERO: Final[Point] = (0, 1, 1, 0)


def _sum(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]), (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * one[3] * other[3] * _D, 2 * one[2] * other[2]
    e, f, g, h = (b - a) % PRIME, (d - c) % PRIME, (d + c) % PRIME, (b + a) % PRIME
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _times(number: int, point: Point) -> Point:
    total = _ZERO
    while number:
        if number & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        number >>= 1
    return total


def _same(one: Point, other: Point) -> bool:
    return not ((one[0] * other[2] - other[0] * one[2]) % PRIME or (one[1] * other[2] - other[1] * one[2]) % PRIME)


def _packed(point: Point) -> bytes:
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(_BYTES, "little")


def _point(data: bytes) -> Point | None:
    """The point of its 32 bytes; None where there is none."""
    number = int.from_bytes(data, "little")
    y, odd = number % _SIGN_BIT, number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * _ROOT % PRIME
    if y >= PRIME or (x * x - square) % PRIME or (odd and not x):
        return None
    x = PRIME - x if x & 1 != odd else x
    return x, y, 1, x * y % PRIME


def _base() -> Point:
    point = _point((4 * pow(5, -1, PRIME) % PRIME).to_bytes(_BYTES, "little"))
    assert point is not None, "the base point"
    return point


def _number(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(_DOMAIN + b"".join(parts)).digest(), "little") % ORDER


def sign(seed: bytes, digest: bytes) -> bytes:
    """The signature of a SHA-512 digest under a key's 32 bytes."""
    spread = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(spread[:_BYTES], "little") & (1 << 254) - 8 | 1 << 254
    base = _base()
    public, nonce = _packed(_times(scalar, base)), _number(spread[_BYTES:], digest)
    commitment = _packed(_times(nonce, base))
    answer = (nonce + _number(commitment, public, digest) * scalar) % ORDER
    return commitment + answer.to_bytes(_BYTES, "little")


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether a signature is that of a public key's owner over a digest."""
    if len(signature) != 2 * _BYTES:
        return False
    owner, commitment = _point(public), _point(signature[:_BYTES])
    answer = int.from_bytes(signature[_BYTES:], "little")
    if owner is None or commitment is None or answer >= ORDER:
        return False
    return _same(_times(answer, _base()), _sum(commitment, _times(_number(signature[:_BYTES], public, digest), owner)))
