"""Grants as they are kept: under their key, and where retiring principals and tokens find them."""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.kms.state import GRANTS, RETIRABLE, TOKENS, Found, Grant

FORGET_MAX = 1_000
"""How many grants of a deleted key one transaction forgets."""


def keep_grant(found: Found, grant_id: str, grant: Grant) -> None:
    tx = found.tx
    tx.put(GRANTS, found.id, grant_id, value=grant)
    tx.put(TOKENS, grant_id, value=found.arn)
    if grant.retiring:
        tx.put(RETIRABLE, tx.region, grant.retiring, grant_id, value=found.arn)


def remove_grant(tx: Tx, key_id: str, grant_id: str, grant: Grant) -> None:
    tx.delete(GRANTS, key_id, grant_id)
    tx.delete(TOKENS, grant_id)
    if grant.retiring:
        tx.delete(RETIRABLE, tx.region, grant.retiring, grant_id)


def forget_grants(tx: Tx, key_id: str) -> bool:
    """Removes grants of a key that is no more; True where there are more."""
    rows = list(tx.scan(GRANTS, key_id, limit=FORGET_MAX))
    for (_, grant_id), grant in rows:
        remove_grant(tx, key_id, str(grant_id), grant)
    return len(rows) == FORGET_MAX
