"""Rotation: by itself every so many days, or when somebody says so. What was encrypted before stays readable.

https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.listing import page_of
from windtunnel.services.kms.material.making import members, rotate, waiting
from windtunnel.services.kms.places import key_of
from windtunnel.services.kms.rules import DAY_SECONDS, ON_DEMAND_MAX, ROTATION_DAYS, ROTATION_DAYS_DEFAULT, SYMMETRIC, invalid, unsupported
from windtunnel.services.kms.state import MATERIALS, Found, Material, check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t

SOON_SECONDS = 20 * 60
"""So close to a rotation by itself there is none on demand."""


def enable_key_rotation(tx: Tx, req: t.EnableKeyRotationRequest) -> None:
    found = key_of(tx, req, "EnableKeyRotation")
    days = req.get("RotationPeriodInDays", ROTATION_DAYS_DEFAULT)
    if days not in ROTATION_DAYS:
        raise invalid(f"RotationPeriodInDays must be between {ROTATION_DAYS.start} and {ROTATION_DAYS.stop - 1}")
    check_state(found)
    _check_automatic(found)
    due = tx.now + days * DAY_SECONDS
    for member in list(members(found)):
        member.put(period=days, rotates=due)
    tx.timer(due, "rotate", {"key": found.id}, name=found.id)


def disable_key_rotation(tx: Tx, req: t.DisableKeyRotationRequest) -> None:
    found = key_of(tx, req, "DisableKeyRotation")
    check_state(found)
    _check_automatic(found)
    for member in list(members(found)):
        member.put(period=0, rotates=0.0)
    tx.cancel_timer("rotate", found.id)


def get_key_rotation_status(tx: Tx, req: t.GetKeyRotationStatusRequest) -> t.GetKeyRotationStatusResponse:
    found = key_of(tx, req, "GetKeyRotationStatus", abroad=True)
    check_state(found, disabled=True, deleting=True)
    _check_symmetric(found)
    key = found.key
    if not key.period or key.window:
        return {"KeyId": found.arn, "KeyRotationEnabled": False}
    return {"KeyId": found.arn, "KeyRotationEnabled": True, "RotationPeriodInDays": key.period, "NextRotationDate": key.rotates}


def rotate_key_on_demand(tx: Tx, req: t.RotateKeyOnDemandRequest) -> t.RotateKeyOnDemandResponse:
    found = key_of(tx, req, "RotateKeyOnDemand")
    check_state(found)
    _check_symmetric(found)
    _check_primary(found)
    key = found.key
    if key.on_demand >= ON_DEMAND_MAX:
        message = (
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key"
        )
        raise Fault("LimitExceededException", f"{message}: {found.arn}")
    if key.period and key.rotates - tx.now <= SOON_SECONDS:
        raise Fault("ConflictException", f"{found.arn} is about to be rotated automatically.")
    if key.origin == "EXTERNAL":
        _check_waiting(found)
    rotate(found, "ON_DEMAND")
    return {"KeyId": found.arn}


def _check_waiting(found: Found) -> None:
    """Whether new material was imported, into every key of the set."""
    ready = waiting(found)
    if ready is None:
        raise Fault("KMSInvalidStateException", f"No available key material pending rotation for the key: {found.arn}.")
    for member in members(found):
        material = member.tx.get(MATERIALS, found.id, ready[0])
        if material is None or not material.secret:
            raise Fault("KMSInvalidStateException", f"The key material pending rotation is not imported into {member.arn}.")


def list_key_rotations(tx: Tx, req: t.ListKeyRotationsRequest) -> t.ListKeyRotationsResponse:
    found = key_of(tx, req, "ListKeyRotations")
    _check_symmetric(found)
    everything = req.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"

    def rows(start: tuple[Any, ...] | None) -> Any:
        # The number of the first of a page is kept in its marker: the order is that of the materials.
        begin = (_number(found, start),) if start else None
        for key, material in tx.find(MATERIALS, "order", found.id, start=begin):
            if everything or material.rotation:
                yield key, material

    return page_of(req, "Rotations", rows, lambda key, material: _shown(found, key[1], material))


def _number(found: Found, start: tuple[Any, ...]) -> int:
    material = found.tx.get(MATERIALS, *start)
    return 0 if material is None else material.number


def _shown(found: Found, material_id: str, material: Material) -> dict[str, Any]:
    current = "CURRENT" if material_id == found.key.material else "NON_CURRENT" if material.since else "PENDING_ROTATION"
    out: dict[str, Any] = {"KeyId": found.arn, "KeyMaterialId": material_id, "KeyMaterialState": current}
    if material.imported:
        out["ImportState"] = "IMPORTED" if material.secret else "PENDING_IMPORT"
        if material.description:
            out["KeyMaterialDescription"] = material.description
        if material.secret:
            out["ExpirationModel"] = "KEY_MATERIAL_EXPIRES" if material.expires else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if material.expires:
            out["ValidTo"] = material.expires
    if material.rotation:
        out |= {"RotationDate": material.since, "RotationType": material.rotation}
    return out


def _check_symmetric(found: Found) -> None:
    if found.key.spec != SYMMETRIC:
        raise unsupported()


def _check_automatic(found: Found) -> None:
    """Only what KMS made itself rotates by itself, and a set of several regions is told so at its primary."""
    _check_symmetric(found)
    if found.key.origin != "AWS_KMS":
        raise unsupported(f"{found.arn} origin is {found.key.origin} which is not valid for this operation.")
    _check_primary(found)


def _check_primary(found: Found) -> None:
    if found.key.primary not in ("", found.tx.region):
        raise unsupported(f"{found.arn} is not a multi-region primary key.")
