"""Keys of several regions: one id and one material, of which one key is the primary.

https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import set_tags
from windtunnel.services.kms.access import default_policy
from windtunnel.services.kms.keys.documents import checked_policy
from windtunnel.services.kms.keys.shown import metadata
from windtunnel.services.kms.material.making import members
from windtunnel.services.kms.places import key_of
from windtunnel.services.kms.rules import check_tags, invalid, unsupported
from windtunnel.services.kms.state import KEYS, MATERIALS, Found, check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def replicate_key(tx: Tx, req: t.ReplicateKeyRequest) -> t.ReplicateKeyResponse:
    found = key_of(tx, req, "ReplicateKey")
    _check_primary(found)
    check_state(found)
    region = _region(found, req["ReplicaRegion"])
    there = tx.at(region=region)
    if there.get(KEYS, found.id) is not None:
        raise Fault("AlreadyExistsException", f"Key {found.id} already exists in region {region}.")
    tags = check_tags(req.get("Tags") or [], {})  # pyright: ignore[reportArgumentType]
    key = msgspec.structs.replace(
        found.key,
        created=tx.now,
        description=req.get("Description", ""),
        replicas=sorted([*found.key.replicas, region]),
        # Imported material has to be imported into each region by itself.
        missing=[found.key.material] if found.key.origin == "EXTERNAL" else [],
    )
    key = msgspec.structs.replace(key, policy=checked_policy(Found(there, found.id, key), req))
    for member in list(members(found)):
        member.put(replicas=key.replicas)
    there.put(KEYS, found.id, value=key)
    for (_, material_id), material in list(tx.scan(MATERIALS, found.id)):
        shared = material if key.origin == "AWS_KMS" else msgspec.structs.replace(material, secret=b"", expires=0.0)
        there.put(MATERIALS, found.id, material_id, value=shared)
    replica = Found(there, found.id, key)
    set_tags(tx, replica.arn, tags)
    shown: dict[str, Any] = {**metadata(replica), "KeyState": "Creating", "Enabled": False}
    shown.pop("CurrentKeyMaterialId", None)
    out: Any = {"ReplicaKeyMetadata": shown, "ReplicaPolicy": key.policy or default_policy(there)}
    if tags:
        out["ReplicaTags"] = [{"TagKey": name, "TagValue": value} for name, value in tags.items()]
    return out


def update_primary_region(tx: Tx, req: t.UpdatePrimaryRegionRequest) -> None:
    found = key_of(tx, req, "UpdatePrimaryRegion")
    _check_primary(found)
    check_state(found)
    region = req["PrimaryRegion"]
    if region == tx.region:
        raise unsupported("PrimaryRegion cannot be the same as the region of the current primary key.")
    there = tx.at(region=region)
    key = there.get(KEYS, found.id)
    if key is None:
        raise Fault("NotFoundException", f"Key {found.id} does not exist in region {region}.")
    check_state(Found(there, found.id, key))
    replicas = sorted({tx.region, *found.key.replicas} - {region})
    if found.key.period:
        tx.cancel_timer("rotate", found.id)
        there.timer(found.key.rotates, "rotate", {"key": found.id}, name=found.id)
    for member in list(members(found)):
        member.put(primary=region, replicas=replicas)


def _check_primary(found: Found) -> None:
    if found.key.primary != found.tx.region:
        raise unsupported(f"{found.arn} is not a multi-region primary key.")


def _region(found: Found, region: str) -> str:
    if region == found.tx.region:
        raise invalid("ReplicaRegion cannot be the same as the region of the primary key.")
    if partition_of(region) != partition_of(found.tx.region):
        raise unsupported(f"{region} is not in the partition of the primary key.")
    return region
