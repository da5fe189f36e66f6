"""What happens to keys by themselves: they end, they rotate, their imported material expires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import remove_all_tags
from windtunnel.services.kms.grants.keeping import forget_grants
from windtunnel.services.kms.material.making import forget_secret
from windtunnel.services.kms.material.making import rotate as make_new
from windtunnel.services.kms.rules import DAY_SECONDS
from windtunnel.services.kms.state import ALIASES, KEYS, MATERIALS, OF_A_KEY, USED, WRAPPINGS, Found, state_of

Payload = Mapping[str, Any]


def count_down(found: Found, days: int) -> Found:
    """A key goes after so many days."""
    deletes = found.tx.now + days * DAY_SECONDS
    found.tx.timer(deletes, "delete_key", {"key": found.id}, name=found.id)
    return found.put(window=days, deletes=deletes)


def delete_key(tx: Tx, payload: Payload) -> None:
    """The end of a key's waiting time; its aliases and grants go with it, many grants over several turns."""
    key_id = payload["key"]
    key = tx.get(KEYS, key_id)
    if key is not None:
        found = Found(tx, key_id, key)
        tx.delete(KEYS, key_id)
        for table in OF_A_KEY:
            for row, _ in list(tx.scan(table, key_id)):
                tx.delete(table, *row)
        for (name,), _ in list(tx.find(ALIASES, "target", key_id)):
            tx.delete(ALIASES, name)
        tx.delete(USED, key_id)
        tx.cancel_timer("rotate", key_id)
        remove_all_tags(tx, found.arn)
        if key.primary and key.primary != tx.region:
            _leave(found)
    if forget_grants(tx, key_id):
        tx.timer(tx.now, "delete_key", payload, name=key_id)


def _leave(found: Found) -> None:
    """A replica is gone: the others know, and a primary that waited for the last of them begins to wait for its own end."""
    regions = [region for region in found.key.replicas if region != found.tx.region]
    for region in (found.key.primary, *regions):
        there = found.tx.at(region=region)
        key = there.get(KEYS, found.id)
        if key is None:
            continue
        member = Found(there, found.id, key).put(replicas=regions)
        if region == key.primary and key.window and not regions:
            count_down(member, key.window)


def rotate(tx: Tx, payload: Payload) -> None:
    """A key's yearly (or as it is set) rotation. One that is off is rotated once it is on again, if it is due by then."""
    key = tx.get(KEYS, payload["key"])
    if key is None or not key.period:
        return
    if state_of(key) != "Enabled":
        return
    found = make_new(Found(tx, payload["key"], key), "AUTOMATIC")
    following = tx.now + key.period * DAY_SECONDS
    found.put(rotates=following)
    tx.timer(following, "rotate", payload, name=payload["key"])


def expire_material(tx: Tx, payload: Payload) -> None:
    """Imported material is over; the same can be imported again."""
    key, material = tx.get(KEYS, payload["key"]), tx.get(MATERIALS, payload["key"], payload["material"])
    if key is not None and material is not None:
        forget_secret(Found(tx, payload["key"], key), payload["material"])


def forget_wrapping(tx: Tx, payload: Payload) -> None:
    """The parameters of an import are no longer good."""
    tx.delete(WRAPPINGS, payload["key"], payload["token"])
