"""Outbound web identity federation: whether an account's principals may have tokens that others trust.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.issuers import ISSUER_OF, ISSUER_PATH, ISSUERS, Issuer

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


def enable_outbound_web_identity_federation(tx: Tx, req: dict[str, Any]) -> t.EnableOutboundWebIdentityFederationResponse:
    """The issuer lies under the endpoint that the client reached the region by."""
    issuer_id = tx.get(ISSUER_OF) or tx.new_id()
    issuer = tx.get(ISSUERS, issuer_id)
    if issuer is not None and issuer.enabled:
        raise Fault("FeatureEnabled", "Outbound web identity federation is already enabled for this account.")
    url = f"{tx.scope.endpoint}{ISSUER_PATH}{issuer_id}" if issuer is None else issuer.url
    tx.put(ISSUERS, issuer_id, value=Issuer(url, keys={} if issuer is None else issuer.keys))
    tx.put(ISSUER_OF, value=issuer_id)
    return {"IssuerIdentifier": url}


def disable_outbound_web_identity_federation(tx: Tx, req: dict[str, Any]) -> dict[str, Any]:
    issuer_id, issuer = _enabled(tx)
    tx.put(ISSUERS, issuer_id, value=msgspec.structs.replace(issuer, enabled=False))
    return {}


def get_outbound_web_identity_federation_info(tx: Tx, req: dict[str, Any]) -> t.GetOutboundWebIdentityFederationInfoResponse:
    _, issuer = _enabled(tx)
    return {"IssuerIdentifier": issuer.url, "JwtVendingEnabled": issuer.enabled}


def _enabled(tx: Tx) -> tuple[str, Issuer]:
    issuer_id = tx.get(ISSUER_OF)
    issuer = None if issuer_id is None else tx.get(ISSUERS, issuer_id)
    if issuer_id is None or issuer is None or not issuer.enabled:
        raise Fault("FeatureDisabled", "Outbound web identity federation is not enabled for this account.")
    return issuer_id, issuer
