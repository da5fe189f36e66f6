"""What Secrets Manager remembers: secrets with their staging labels, and versions, whose values lie as KMS's data keys encrypt them.

A secret is known by its name; its ARN has six letters more, so that one that is made anew is another. A version that no label is on is
deprecated, and goes when there are too many of them.
"""

from __future__ import annotations

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Table, Tx


class Rotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a secret rotates."""

    function: str
    days: int = 0
    expression: str = ""
    duration: str = ""
    enabled: bool = True
    next: float = 0.0
    rotated: float = 0.0


class Replica(msgspec.Struct, frozen=True, omit_defaults=True):
    """A secret in another region, as its primary knows it."""

    region: str
    kms: str = ""
    failed: str = ""
    """Why it is not what its primary is; empty where it is."""


class Secret(msgspec.Struct, frozen=True, omit_defaults=True):
    """A secret without its values."""

    id: int
    suffix: str
    created: float
    changed: float
    description: str = ""
    kms: str = ""
    """Empty where the key that AWS manages encrypts it."""
    accessed: float = 0.0
    """The day on which it was last read."""
    deleted: float = 0.0
    """When its deletion was asked for."""
    stages: dict[str, str] = {}
    """Staging label -> version id."""
    numbers: int = 0
    """How many versions it ever had."""
    policy: str = ""
    rotation: Rotation | None = None
    primary: str = ""
    """The region of its primary, of secrets of several regions."""
    replicas: list[Replica] = []
    kind: str = ""
    tagged: bool = False
    """Whether it ever had tags: then it is told where it has none."""


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version. One that waits for its rotation has no value yet."""

    number: int
    created: float
    binary: bool = False
    value: bytes = b""
    """Encrypted with the data key."""
    data_key: bytes = b""
    """Encrypted with the KMS key."""
    kms: str = ""
    """The key that encrypts it, as it was named; empty where that is the one that AWS manages."""
    accessed: float = 0.0


SECRETS = Table(
    "secretsmanager.secrets",
    Secret,
    indexes={
        "created": lambda _, secret: (secret.created,),
        "changed": lambda _, secret: (secret.changed,),
        "accessed": lambda _, secret: (secret.accessed,),
    },
)
"""name -> Secret"""
VERSIONS = Table("secretsmanager.versions", Version, indexes={"order": lambda key, version: (key[0], version.number)})
"""(secret's id, version id) -> Version"""


class Found(msgspec.Struct, frozen=True):
    """A secret, and the transaction as seen from its account."""

    tx: Tx
    name: str
    secret: Secret

    @property
    def arn(self) -> str:
        return arn_of(self.tx, self.name, self.secret)

    def put(self, **changes: object) -> Found:
        secret = msgspec.structs.replace(self.secret, **changes)
        self.tx.put(SECRETS, self.name, value=secret)
        return Found(self.tx, self.name, secret)


def arn_of(tx: Tx, name: str, secret: Secret) -> str:
    return f"arn:{partition_of(tx.region)}:secretsmanager:{tx.region}:{tx.account}:secret:{name}-{secret.suffix}"


def labels_of(secret: Secret, version_id: str) -> list[str]:
    """The staging labels of a version."""
    return sorted(label for label, version in secret.stages.items() if version == version_id)
