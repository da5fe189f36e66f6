"""Key material is made, and kept under every key that shares it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.crypto import keys
from windtunnel.planes.crypto.signing import fingerprint
from windtunnel.services.kms.rules import SYMMETRIC
from windtunnel.services.kms.state import KEYS, MATERIALS, Found, Key, Material


async def make_secret(call: Call, spec: str) -> bytes:
    """Fresh key material. Pairs that take long are made in a thread."""
    if spec == SYMMETRIC:
        return call.ids.bytes(keys.SYMMETRIC_BYTES)
    if spec in keys.MAC_BYTES:
        return call.ids.bytes(keys.MAC_BYTES[spec][0])
    return await make_pair(spec)


async def make_pair(spec: str) -> bytes:
    """A fresh pair. Raises the fault NotImplemented where this machine's library knows none of its kind."""
    make = keys.maker(spec)
    if make is None:
        raise Fault(
            "NotImplemented", f"windtunnel does not implement KMS keys of {spec} with the cryptography that is installed.", status=501
        )
    return await asyncio.to_thread(make) if keys.is_slow(spec) else make()


def keep_first(
    tx: Tx, key_id: str, key: Key, secret: bytes, *, imported: bool = False, description: str = "", expires: float = 0.0
) -> Found:
    """A key with its first material."""
    material_id = fingerprint(key_id, secret)
    material = Material(secret, 1, tx.now, imported=imported, description=description, expires=expires)
    tx.put(MATERIALS, key_id, material_id, value=material)
    key = msgspec.structs.replace(key, material=material_id)
    tx.put(KEYS, key_id, value=key)
    return Found(tx, key_id, key)


def members(found: Found) -> Iterator[Found]:
    """A key and, where it is of several regions, all others of its set."""
    yield found
    if not found.key.primary:
        return
    for region in (found.key.primary, *found.key.replicas):
        there = found.tx.at(region=region)
        key = there.get(KEYS, found.id) if region != found.tx.region else None
        if key is not None:
            yield Found(there, found.id, key)


def last_number(found: Found) -> int:
    """The number of the material that came last."""
    rows = found.tx.find(MATERIALS, "order", found.id, reverse=True, limit=1)
    return next((material.number for _, material in rows), 0)


def rotate(found: Found, kind: str) -> Found:
    """New material, or that which was imported for it, encrypts from now on, under all keys of the set."""
    tx = found.tx
    if found.key.origin == "EXTERNAL":
        material_id, _ = waiting(found) or ("", None)
    else:
        secret = tx.ids.bytes(keys.SYMMETRIC_BYTES)
        material_id = fingerprint(found.id, secret)
        number = last_number(found) + 1
        for member in members(found):
            member.tx.put(MATERIALS, found.id, material_id, value=Material(secret, number))
    counted = found.key.on_demand + (kind == "ON_DEMAND")
    for member in list(members(found)):
        material = member.tx.get(MATERIALS, found.id, material_id)
        assert material is not None, "material that was made for a rotation"
        member.tx.put(MATERIALS, found.id, material_id, value=msgspec.structs.replace(material, since=tx.now, rotation=kind))
        member.put(material=material_id, on_demand=counted)
    return Found(tx, found.id, tx.get(KEYS, found.id) or found.key)


def waiting(found: Found) -> tuple[str, Material] | None:
    """Imported material that waits for a rotation, with its id."""
    rows = found.tx.find(MATERIALS, "order", found.id, reverse=True, limit=1)
    return next(((str(key[1]), material) for key, material in rows if not material.since), None)


def forget_secret(found: Found, material_id: str) -> None:
    """Imported material is no longer there; a key whose current one it was can't be used."""
    material = found.tx.get(MATERIALS, found.id, material_id)
    assert material is not None, "a key's material"
    found.tx.put(MATERIALS, found.id, material_id, value=msgspec.structs.replace(material, secret=b"", expires=0.0))
    if material.since and material_id not in found.key.missing:
        found.put(missing=[*found.key.missing, material_id])
