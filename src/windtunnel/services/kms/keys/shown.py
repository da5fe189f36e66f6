"""A key as KMS describes it."""

from __future__ import annotations

from typing import Any

from windtunnel.services.kms.rules import MEMBERS, SPECS, SYMMETRIC
from windtunnel.services.kms.state import MATERIALS, Found, arn_of, state_of


def metadata(found: Found) -> Any:
    tx, key = found.tx, found.key
    state = state_of(key)
    out: dict[str, Any] = {
        "AWSAccountId": tx.account,
        "KeyId": found.id,
        "Arn": found.arn,
        "CreationDate": key.created,
        "Enabled": state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        MEMBERS[key.usage]: SPECS[key.spec][key.usage],
        "MultiRegion": bool(key.primary),
    }
    if key.deletes:
        out["DeletionDate"] = key.deletes
    elif key.window:
        out["PendingDeletionWindowInDays"] = key.window
    if key.primary:
        out["MultiRegionConfiguration"] = {
            "MultiRegionKeyType": "PRIMARY" if key.primary == tx.region else "REPLICA",
            "PrimaryKey": _member(found, key.primary),
            "ReplicaKeys": [_member(found, region) for region in key.replicas],
        }
    if state != "PendingImport" and key.origin == "EXTERNAL" and key.material:
        out |= expiry(found)
    if key.material and key.spec == SYMMETRIC:
        out["CurrentKeyMaterialId"] = key.material
    return out


def expiry(found: Found) -> dict[str, Any]:
    """When a key's imported material is no longer good."""
    material = found.tx.get(MATERIALS, found.id, found.key.material)
    expires = 0.0 if material is None else material.expires
    if not expires:
        return {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": expires}


def _member(found: Found, region: str) -> dict[str, str]:
    return {"Arn": arn_of(found.tx, found.id, region), "Region": region}
