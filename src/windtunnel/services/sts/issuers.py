"""The issuers of tokens: their keys, and the pages by which others verify what they signed."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from windtunnel.aws.jwt import PrivateKey, public_key_of
from windtunnel.fabric import Tx
from windtunnel.fabric.issuers import ISSUER_PATH, ISSUERS, Issuer

RSA_BITS = 2048
NAMESPACE = "https://sts.amazonaws.com/"
KEY_IDS = {"RS256": "RSA_0", "ES384": "EC384_0"}
_CONFIGURATION = ".well-known/openid-configuration"
_JWKS = ".well-known/jwks.json"
_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "jti", NAMESPACE)


def page(tx: Tx, path: str) -> tuple[str, bytes] | None:
    """What an issuer shows to whoever wants to verify its tokens."""
    issuer_id, _, name = path.removeprefix(ISSUER_PATH).partition("/")
    issuer = tx.get(ISSUERS, issuer_id)
    if issuer is None or name not in (_CONFIGURATION, _JWKS):
        return None
    if name == _JWKS:
        keys = with_keys(tx, issuer_id, issuer).keys
        document: dict[str, Any] = {"keys": [public_key_of(loaded(pem), KEY_IDS[name], name) for name, pem in keys.items()]}
    else:
        document = {
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/{_JWKS}",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(KEY_IDS),
            "claims_supported": list(_CLAIMS),
        }
    return "application/json", json.dumps(document).encode()


def with_keys(tx: Tx, issuer_id: str, issuer: Issuer) -> Issuer:
    """An issuer that can sign."""
    if issuer.keys:
        return issuer
    made = {"RS256": rsa.generate_private_key(65_537, RSA_BITS), "ES384": ec.generate_private_key(ec.SECP384R1())}
    keys = {name: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for name, key in made.items()}
    issuer = msgspec.structs.replace(issuer, keys=keys)
    tx.put(ISSUERS, issuer_id, value=issuer)
    return issuer


@lru_cache(maxsize=8)
def loaded(pem: str) -> PrivateKey:
    return cast("PrivateKey", load_pem_private_key(pem.encode(), password=None))
