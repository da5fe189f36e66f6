"""The account's storage tier: kept and shown, since events lie in one place whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import TIERS, Tier

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t


def put_storage_tier_policy(tx: Tx, req: t.PutStorageTierPolicyRequest) -> t.PutStorageTierPolicyResponse:
    tx.put(TIERS, value=Tier(req["storageTier"], int(tx.now * MILLISECONDS)))
    return _shown(tx)


def get_storage_tier_policy(tx: Tx, req: t.GetStorageTierPolicyRequest) -> t.GetStorageTierPolicyResponse:
    return _shown(tx)


def _shown(tx: Tx) -> Any:
    tier = tx.get(TIERS)
    return {"storageTier": "STANDARD"} if tier is None else {"storageTier": tier.name, "lastUpdatedTime": tier.updated}
