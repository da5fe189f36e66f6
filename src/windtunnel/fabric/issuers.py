"""Who vouches for whom by tokens: what IAM, which registers issuers, and STS, which believes them and signs itself, must agree on."""

from __future__ import annotations

import msgspec

from windtunnel.kernel.store import Table

ISSUER_PATH = "/tokens.sts/"
"""Where the issuers of all accounts lie under the endpoint; AWS has a host for each."""

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Where issuers of others may do without TLS, so that one can be tried out beside the region."""


class Issuer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account's issuer. It keeps its URL when it is switched off."""

    url: str
    enabled: bool = True
    keys: dict[str, str] = {}
    """Private keys in PEM, by algorithm; made when the first of them is needed."""


ISSUERS = Table("access.issuers", Issuer, scope="global")
"""issuer id -> Issuer"""
ISSUER_OF = Table("access.issuer_of", str, scope="account")
"""() -> issuer id"""
