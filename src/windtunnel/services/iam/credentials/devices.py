"""MFA devices: virtual ones, whose seeds are handed out as a text and as a QR code, and the users who carry them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.mfa import DEVICES, Device, in_step
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.iam.entities import list_tags, named_or_caller, tag, tagged, untag
from windtunnel.services.iam.rules import BASE32, USERS_MAX, checked_tags, moment, paged, start_of
from windtunnel.services.iam.state import USERS, User, user_named, with_id
from windtunnel.services.iam.views import shown_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from windtunnel.aws.types import iam as t
    from windtunnel.kernel.store.keys import Key

SEED_CHARACTERS = 64
DEVICES_PER_USER_MAX = 8
PIXELS_PER_MODULE = 4


def create_virtual_mfa_device(tx: Tx, req: t.CreateVirtualMFADeviceRequest) -> t.CreateVirtualMFADeviceResponse:
    """The seed is told once."""
    name = req["VirtualMFADeviceName"]
    serial = f"arn:aws:iam::{tx.account}:mfa{req.get('Path', '/')}{name}"
    if tx.get(DEVICES, serial) is not None:
        raise Fault("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
    if tx.count(DEVICES, "all") >= USERS_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for VirtualMFADevicesPerAccount: {USERS_MAX}")
    tags = checked_tags(req.get("Tags", []))  # pyright: ignore[reportArgumentType]
    seed = tx.ids.text(SEED_CHARACTERS, BASE32)
    tx.put(DEVICES, serial, value=Device(seed, moment(tx.now)))
    set_tags(tx, serial, tags)
    shown: Any = {
        "SerialNumber": serial,
        "Base32StringSeed": seed.encode(),
        "QRCodePNG": _picture(f"otpauth://totp/{name}@{tx.account}?secret={seed}"),
    }
    return {"VirtualMFADevice": shown | tagged(tx, serial)}


def delete_virtual_mfa_device(tx: Tx, req: t.DeleteVirtualMFADeviceRequest) -> dict[str, Any]:
    serial = req["SerialNumber"]
    if _virtual(tx, serial).user:
        raise Fault("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
    remove_all_tags(tx, serial)
    tx.delete(DEVICES, serial)
    return {}


def enable_mfa_device(tx: Tx, req: t.EnableMFADeviceRequest) -> dict[str, Any]:
    user, serial = user_named(tx, req["UserName"]), req["SerialNumber"]
    device = _virtual(tx, serial)
    if device.user:
        raise Fault("EntityAlreadyExists", "MFA Device is already in use.")
    if tx.count(DEVICES, "carried", user.id) >= DEVICES_PER_USER_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for MFADevicesPerUser: {DEVICES_PER_USER_MAX}")
    in_time = _in_step(tx, device, req)
    tx.put(DEVICES, serial, value=msgspec.structs.replace(in_time, user=user.id, enabled=moment(tx.now)))
    return {}


def resync_mfa_device(tx: Tx, req: t.ResyncMFADeviceRequest) -> dict[str, Any]:
    serial = req["SerialNumber"]
    device = _of_user(tx, user_named(tx, req["UserName"]), serial)
    tx.put(DEVICES, serial, value=_in_step(tx, device, req))
    return {}


def deactivate_mfa_device(tx: Tx, req: t.DeactivateMFADeviceRequest) -> dict[str, Any]:
    serial = req["SerialNumber"]
    device = _of_user(tx, named_or_caller(tx, req.get("UserName")), serial)
    tx.put(DEVICES, serial, value=Device(device.seed, device.created, last=device.last))
    return {}


def get_mfa_device(tx: Tx, req: t.GetMFADeviceRequest) -> t.GetMFADeviceResponse:
    """AWS tells of FIDO security keys only, which are registered by a browser: there is none here."""
    if "UserName" in req:
        user_named(tx, req["UserName"])
    raise Fault("NoSuchEntity", f"MFA Device with serial number {req['SerialNumber']} does not exist.")


def list_mfa_devices(tx: Tx, req: t.ListMFADevicesRequest) -> t.ListMFADevicesResponse:
    if "UserName" not in req and tx.scope.principal.kind == "Root":
        return {"MFADevices": [], "IsTruncated": False}
    user = named_or_caller(tx, req.get("UserName"))
    rows = tx.find(DEVICES, "user", user.id, start=start_of(req))
    return paged(
        req, "MFADevices", rows, lambda key, device: {"UserName": user.name, "SerialNumber": str(key[0]), "EnableDate": device.enabled}
    )


def list_virtual_mfa_devices(tx: Tx, req: t.ListVirtualMFADevicesRequest) -> t.ListVirtualMFADevicesResponse:
    wanted = req.get("AssignmentStatus", "Any")

    def rows() -> Iterator[tuple[Key, Device]]:
        for key, device in tx.scan(DEVICES, start=start_of(req)):
            if wanted == "Any" or (wanted == "Assigned") == bool(device.user):
                yield key, device

    return paged(req, "VirtualMFADevices", rows(), lambda key, device: _shown(tx, str(key[0]), device))


def tag_mfa_device(tx: Tx, req: t.TagMFADeviceRequest) -> dict[str, Any]:
    _virtual(tx, req["SerialNumber"])
    return tag(tx, req["SerialNumber"], req)


def untag_mfa_device(tx: Tx, req: t.UntagMFADeviceRequest) -> dict[str, Any]:
    _virtual(tx, req["SerialNumber"])
    return untag(tx, req["SerialNumber"], req)


def list_mfa_device_tags(tx: Tx, req: t.ListMFADeviceTagsRequest) -> t.ListMFADeviceTagsResponse:
    _virtual(tx, req["SerialNumber"])
    return list_tags(tx, req["SerialNumber"], req)


def _virtual(tx: Tx, serial: str) -> Device:
    device = tx.get(DEVICES, serial)
    if device is None:
        raise Fault("NoSuchEntity", f"VirtualMFADevice with serial number {serial} doesn't exist.")
    return device


def _of_user(tx: Tx, user: User, serial: str) -> Device:
    device = tx.get(DEVICES, serial)
    if device is None or device.user != user.id:
        raise Fault("NoSuchEntity", "MFA Device invalid for user.")
    return device


def _in_step(tx: Tx, device: Device, req: Any) -> Device:
    in_time = in_step(device, tx.now, req["AuthenticationCode1"], req["AuthenticationCode2"])
    if in_time is None:
        raise Fault("InvalidAuthenticationCode", "Authentication code for device is not valid.")
    return in_time


def _shown(tx: Tx, serial: str, device: Device) -> Any:
    if not device.user:
        return {"SerialNumber": serial}
    user: User = with_id(tx, USERS, device.user)
    return {"SerialNumber": serial, "EnableDate": device.enabled, "User": shown_user(tx, user)}


def _picture(text: str) -> bytes:
    # Few ever make a device: whoever doesn't needs no encoder.
    import segno

    picture = BytesIO()
    segno.make_qr(text).save(picture, kind="png", scale=PIXELS_PER_MODULE)
    return picture.getvalue()
