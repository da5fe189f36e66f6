"""What KMS remembers: keys, the material behind them, aliases, grants, and the parameters of imports under way.

A key's state is not kept: it follows from what is. A key whose deletion is due is pending deletion, one whose origin is outside and
that has no material is pending import, one that was switched off is disabled. Material lies under its key by its id, which ciphertexts
name: what was encrypted before a rotation opens with the material of that time.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Table, Tx


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key without what is secret of it."""

    created: float
    spec: str
    usage: str
    origin: str = "AWS_KMS"
    description: str = ""
    policy: str = ""
    """As it was given; empty where it is the default one."""
    enabled: bool = True
    manager: str = "CUSTOMER"
    material: str = ""
    """The id of the material that encrypts; empty where none was imported yet."""
    missing: list[str] = []
    """The ids of imported material that is no longer there: without any of it the key can't be used."""
    deletes: float = 0.0
    """When it goes; 0 where its deletion isn't scheduled, or waits for replicas."""
    window: int = 0
    """How many days after its deletion was scheduled it goes; 0 where it isn't."""
    primary: str = ""
    """The region of the primary of its set; empty where it is a key of one region."""
    replicas: list[str] = []
    """The regions of the set's other keys."""
    period: int = 0
    """After how many days it rotates by itself; 0 where it doesn't."""
    rotates: float = 0.0
    """When it does so next."""
    on_demand: int = 0
    """How often it was rotated on demand."""


class Material(msgspec.Struct, frozen=True, omit_defaults=True):
    """Key material. What was imported may expire or be deleted: then its row stays without the secret, for it can be imported again."""

    secret: bytes
    number: int
    """Which one of its key's it is, from 1."""
    since: float = 0.0
    """From when on it encrypts; 0 where it waits for a rotation."""
    rotation: str = ""
    """What made it the current one: "AUTOMATIC", "ON_DEMAND" or, of the first, nothing."""
    imported: bool = False
    description: str = ""
    expires: float = 0.0


class Alias(msgspec.Struct, frozen=True):
    """Another name of a key."""

    target: str
    created: float
    updated: float


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody may do with a key, beside its policy."""

    created: float
    grantee: str
    operations: list[str]
    issuer: str
    retiring: str = ""
    name: str = ""
    equals: dict[str, str] | None = None
    subset: dict[str, str] | None = None
    source_arn: str = ""
    service: bool = False
    """Whether the grantee is a service principal."""
    retiring_service: bool = False


class Wrapping(msgspec.Struct, frozen=True):
    """A pair made to import material with."""

    secret: bytes
    algorithm: str
    until: float


class Used(msgspec.Struct, frozen=True):
    """The last cryptographic operation of a key."""

    operation: str
    at: float
    request: str


KEYS = Table("kms.keys", Key, hot=True)
"""key id -> Key"""
MATERIALS = Table("kms.materials", Material, hot=True, indexes={"order": lambda key, material: (key[0], material.number)})
"""(key id, material id) -> Material"""
ALIASES = Table("kms.aliases", Alias, hot=True, indexes={"target": lambda _, alias: (alias.target,)})
"""name, with "alias/" -> Alias"""
GRANTS = Table(
    "kms.grants",
    Grant,
    indexes={
        "grantee": lambda key, grant: (key[0], grant.grantee),
        "name": lambda key, grant: (key[0], grant.name) if grant.name else None,
    },
    counters={"of": lambda key, _: (key[0],)},
)
"""(key id, grant id) -> Grant"""
RETIRABLE = Table("kms.retirable", str, scope="global")
"""(region, retiring principal, grant id) -> the ARN of the key, of whichever account"""
TOKENS = Table("kms.tokens", str, scope="global")
"""grant id -> the ARN of its key, by which a grant token is understood"""
WRAPPINGS = Table("kms.wrappings", Wrapping)
"""(key id, id of the import token) -> Wrapping"""
USED = Table("kms.used", Used)
"""key id -> Used"""
OF_A_KEY: tuple[Table[Any], ...] = (MATERIALS, WRAPPINGS)
"""Tables whose rows go with their key, which their keys begin with."""


class Found(msgspec.Struct, frozen=True):
    """A key, and the transaction as seen from its account and region."""

    tx: Tx
    id: str
    key: Key

    @property
    def arn(self) -> str:
        return arn_of(self.tx, self.id)

    def put(self, **changes: object) -> Found:
        """The key with some of what it is changed."""
        key = msgspec.structs.replace(self.key, **changes)
        self.tx.put(KEYS, self.id, value=key)
        return Found(self.tx, self.id, key)


def arn_of(tx: Tx, key_id: str, region: str = "") -> str:
    region = region or tx.region
    return f"arn:{partition_of(region)}:kms:{region}:{tx.account}:key/{key_id}"


def alias_arn(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:kms:{tx.region}:{tx.account}:{name}"


def state_of(key: Key) -> str:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    if key.window:
        return "PendingDeletion" if key.deletes else "PendingReplicaDeletion"
    if not key.material or key.missing:
        return "PendingImport"
    return "Enabled" if key.enabled else "Disabled"


_WORDS = {"PendingDeletion": "pending deletion", "PendingReplicaDeletion": "pending replica deletion", "PendingImport": "pending import"}


def check_state(found: Found, *, disabled: bool = False, importing: bool = False, deleting: bool = False) -> None:
    """Raises what KMS says to a key whose state an operation can't do with; the flags name those that it can."""
    state = state_of(found.key)
    if state == "Disabled" and not disabled:
        raise Fault("DisabledException", f"{found.arn} is disabled.")
    allowed = importing if state == "PendingImport" else deleting
    if state in _WORDS and not allowed:
        raise Fault("KMSInvalidStateException", f"{found.arn} is {_WORDS[state]}.")


def material_of(found: Found, material_id: str = "") -> Material:
    """The material that encrypts, or that of an id. Raises KMSInvalidStateException where it was imported and is no longer there."""
    material = found.tx.get(MATERIALS, found.id, material_id or found.key.material)
    if material is None:
        raise Fault("InvalidCiphertextException")
    if not material.secret:
        raise Fault("KMSInvalidStateException", f"{found.arn} is pending import.")
    return material
