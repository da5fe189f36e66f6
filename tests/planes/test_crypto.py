"""The crypto plane's own arithmetic, against the vectors of its standard."""

import hashlib

from cryptography.hazmat.primitives.asymmetric import ed25519

from windtunnel.planes.crypto import edwards

# RFC 8032, 7.3: the one vector of Ed25519ph, over "abc".
SEED = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)


def test_a_digest_is_signed_as_the_standard_has_it() -> None:
    digest = hashlib.sha512(b"abc").digest()
    public = ed25519.Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    assert edwards.sign(SEED, digest) == SIGNATURE
    assert edwards.verify(public, digest, SIGNATURE)
    assert not edwards.verify(public, hashlib.sha512(b"abd").digest(), SIGNATURE)
    assert not edwards.verify(public, digest, SIGNATURE[:32] + edwards.ORDER.to_bytes(32, "little"))
    assert not edwards.verify(b"\xff" * 32, digest, SIGNATURE)
