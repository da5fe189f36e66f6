"""Tokens by which who calls proves itself outside of AWS.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from windtunnel.aws.jwt import sign_token
from windtunnel.fabric import Fault, Principal, Tx
from windtunnel.fabric.access import ACCESS_KEYS
from windtunnel.fabric.issuers import ISSUER_OF, ISSUERS
from windtunnel.fabric.tags import tag_map, tags_of
from windtunnel.services.sts.issuers import KEY_IDS, NAMESPACE, loaded, with_keys

if TYPE_CHECKING:
    from windtunnel.aws.types import sts as t

SECONDS_DEFAULT = 300
CLAIMS_BYTES_MAX = 8192
"""AWS doesn't publish how large a token may be."""


def get_web_identity_token(tx: Tx, req: t.GetWebIdentityTokenRequest) -> t.GetWebIdentityTokenResponse:
    caller, algorithm = tx.scope.principal, req["SigningAlgorithm"]
    if caller.kind == "Anonymous":
        raise Fault("MissingAuthenticationToken", "Request is missing Authentication Token")
    if algorithm not in KEY_IDS:
        raise Fault("ValidationError", f"SigningAlgorithm {algorithm} is not supported: it is one of {', '.join(KEY_IDS)}.")
    if req.get("SubjectMode") == "OriginIdentity" or "Scope" in req:
        raise Fault("NotImplemented", "windtunnel does not implement the subject mode OriginIdentity and its scopes.", status=501)
    issuer_id = tx.get(ISSUER_OF)
    issuer = None if issuer_id is None else tx.get(ISSUERS, issuer_id)
    if issuer_id is None or issuer is None or not issuer.enabled:
        raise Fault("OutboundWebIdentityFederationDisabledException", "Outbound web identity federation is not enabled for this account.")
    now, key = int(tx.now), tx.get(ACCESS_KEYS, caller.access_key)
    ends, expires = None if key is None else key.expires, now + req.get("DurationSeconds", SECONDS_DEFAULT)
    if ends is not None and expires > ends:
        raise Fault(
            "SessionDurationEscalationException",
            "The requested token duration would extend the session beyond its original expiration time.",
        )
    audiences, subject = req["Audience"], caller.issuer or caller.arn
    claims: dict[str, Any] = {
        "iss": issuer.url,
        "aud": audiences[0] if len(audiences) == 1 else audiences,
        "sub": subject,
        "iat": now,
        "exp": expires,
        "jti": tx.new_id(),
        NAMESPACE: _about(tx, caller, subject, ends, tag_map(req.get("Tags", []))),  # pyright: ignore[reportArgumentType]
    }
    if len(json.dumps(claims)) > CLAIMS_BYTES_MAX:
        raise Fault("JWTPayloadSizeExceededException", "The requested token payload size exceeds the maximum allowed size.")
    signing = loaded(with_keys(tx, issuer_id, issuer).keys[algorithm])
    return {"WebIdentityToken": sign_token(claims, signing, KEY_IDS[algorithm], algorithm), "Expiration": float(expires)}


def _about(tx: Tx, caller: Principal, subject: str, ends: float | None, asked: dict[str, str]) -> dict[str, Any]:
    """Claims of AWS's own. A session's tags stand before those of its role."""
    found = {
        "aws_account": tx.account,
        "source_region": tx.region,
        "principal_id": subject,
        "principal_tags": tags_of(tx, subject) | caller.tags,
        "original_session_exp": "" if ends is None else datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "federated_provider": caller.provider,
        "source_identity": caller.source_identity,
        "request_tags": asked,
    }
    return {name: value for name, value in found.items() if value}
