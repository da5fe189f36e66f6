"""Second factors: devices that show six digits, others every half minute (TOTP, RFC 6238).

IAM keeps the devices and STS asks for their codes: what both must know lies here, as keys do in `access`. Time is the region's.
"""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Iterable
from hmac import digest

import msgspec

from windtunnel.fabric.tx import Tx
from windtunnel.kernel.store import Table

STEP_SECONDS = 30
DIGITS = 6
DRIFT_STEPS = 1
"""How far a device may be off when it is asked for a code."""
SYNC_STEPS = 120
"""How far it may be off when it is told anew how far it is off: an hour. AWS doesn't publish its own limit."""


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """A virtual device. `seed` is base32; `user` is its user's unique id, "" while it is nobody's."""

    seed: str
    created: float
    user: str = ""
    enabled: float = 0.0
    off: int = 0
    """The steps by which its clock is ahead of the region's."""
    last: int = 0
    """The step of the last code that it was believed; a code counts once."""


DEVICES = Table(
    "access.devices",
    Device,
    scope="account",
    indexes={"user": lambda _, device: (device.user,) if device.user else None},
    counters={
        "all": lambda _, device: (),
        "assigned": lambda _, device: () if device.user else None,
        "carried": lambda _, device: (device.user,) if device.user else None,
    },
)
"""serial number -> Device"""


def code_at(seed: str, step: int) -> str:
    """What a device shows in a step. https://www.rfc-editor.org/rfc/rfc4226#section-5.3"""
    mac = digest(b32decode(seed), step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(now: float) -> int:
    return int(now // STEP_SECONDS)


def in_step(device: Device, now: float, first: str, second: str) -> Device | None:
    """A device that showed two codes one after the other, with how far it is off; None where it can't have shown them lately."""
    here = step_of(now)
    for step in _from_near(here, SYNC_STEPS):
        if code_at(device.seed, step) == first and code_at(device.seed, step + 1) == second and step + 1 > device.last:
            off = step + 1 - here
            return msgspec.structs.replace(device, off=0 if abs(off) <= DRIFT_STEPS else off, last=step + 1)
    return None


def believe(tx: Tx, serial: str, device: Device, code: str) -> bool:
    """Whether it is a device's code of now, which is used up by that."""
    for step in _from_near(step_of(tx.now) + device.off, DRIFT_STEPS):
        if step > device.last and code_at(device.seed, step) == code:
            tx.put(DEVICES, serial, value=msgspec.structs.replace(device, last=step))
            return True
    return False


def _from_near(middle: int, reach: int) -> Iterable[int]:
    return sorted(range(middle - reach, middle + reach + 1), key=lambda step: abs(step - middle))
