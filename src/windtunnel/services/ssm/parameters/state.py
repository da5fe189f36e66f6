"""What Parameter Store remembers: each parameter with its newest version, and the versions before it.

A parameter's key is the folder it lies in and its last name, so that one level of a hierarchy is a range of keys, and so is all of it.
"""

from __future__ import annotations

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Table, Tx


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy of a parameter: what happens to it at a time, and whether it has."""

    type: str
    text: str
    due: float
    done: bool = False


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version of a parameter: all that a PutParameter says, and who said it."""

    number: int
    type: str
    modified: float
    user: str
    value: str = ""
    """Of secure strings empty, and the next two instead."""
    sealed: bytes = b""
    data_key: bytes = b""
    """What KMS made `sealed` with, where that is no ciphertext of KMS itself: advanced parameters are too long for it."""
    kms: str = ""
    tier: str = "Standard"
    data_type: str = "text"
    description: str = ""
    pattern: str = ""
    policies: list[Policy] = []


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A parameter as it is."""

    id: int
    name: str
    """As it was put: `name` and `/name` are the same parameter."""
    latest: Version
    labels: dict[str, int] = {}
    """Label -> number of the version it is on."""


PARAMETERS = Table("ssm.parameters", Parameter, hot=True, counters={"tier": lambda _, parameter: (parameter.latest.tier,)})
"""(folder, last name) -> Parameter; "/a/b" lies under ("/a/", "b")."""
OLDER = Table("ssm.older", Version)
"""(parameter's id, number) -> Version, of all but the newest"""


def place_of(name: str) -> tuple[str, str]:
    """The key of a name."""
    folder, _, last = name.removeprefix("/").rpartition("/")
    return f"/{folder}/" if folder else "/", last


class Found(msgspec.Struct, frozen=True):
    """A parameter, and the transaction as seen from its account."""

    tx: Tx
    parameter: Parameter

    @property
    def arn(self) -> str:
        return arn_of(self.tx, self.parameter.name)

    def put(self, **changes: object) -> Found:
        parameter = msgspec.structs.replace(self.parameter, **changes)
        self.tx.put(PARAMETERS, *place_of(parameter.name), value=parameter)
        return Found(self.tx, parameter)

    def version(self, number: int) -> Version | None:
        """A version by its number."""
        return self.parameter.latest if number == self.parameter.latest.number else self.tx.get(OLDER, self.parameter.id, number)

    def labels_of(self, number: int) -> list[str]:
        """The labels of a version."""
        return sorted(label for label, version in self.parameter.labels.items() if version == number)


def arn_of(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:ssm:{tx.region}:{tx.account}:parameter/{name.removeprefix('/')}"
