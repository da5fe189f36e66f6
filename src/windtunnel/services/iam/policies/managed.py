"""Managed policies as users, groups and roles refer to them: by an ARN, of the account's own or of AWS's."""

from __future__ import annotations

from base64 import b32encode
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.rules import policy_arn
from windtunnel.services.iam.state import POLICIES, VERSIONS, arn_of

LINKED_PATH = "/aws-service-role/"
LINKED_POLICY = f"arn:aws:iam::aws:policy{LINKED_PATH}"


class Managed(msgspec.Struct, frozen=True):
    """A policy that AWS publishes. `document` is its default version."""

    name: str
    path: str
    version: str
    id: str
    created: float | None
    """Seconds since 1970; None where it isn't known."""
    updated: float | None
    document: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::aws:policy{self.path}{self.name}"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    document: msgspec.Raw
    path: str = "/"
    version: str = "v1"
    id: str = ""
    created: datetime | None = None
    updated: datetime | None = None


class _File(msgspec.Struct, frozen=True):
    policies: dict[str, _Entry]


@cache
def managed_policies() -> tuple[Managed, ...]:
    """AWS's policies, in the order of their names."""
    data = files("windtunnel").joinpath("data/managed_policies.json").read_bytes()
    entries = msgspec.json.decode(data, type=_File).policies
    return tuple(sorted((_managed(*each) for each in entries.items()), key=lambda policy: policy.name.lower()))


def _managed(name: str, entry: _Entry) -> Managed:
    created = None if entry.created is None else entry.created.timestamp()
    updated = created if entry.updated is None else entry.updated.timestamp()
    # Where AWS's id isn't known, one that is at least always the same.
    unique = entry.id or "ANPA" + b32encode(sha256(name.encode()).digest()).decode()[:17]
    return Managed(name, entry.path, entry.version, unique, created, updated, bytes(entry.document).decode())


@cache
def _by_arn() -> dict[str, Managed]:
    return {policy.arn: policy for policy in managed_policies()}


def managed(arn: str) -> Managed | None:
    """AWS's policy of an ARN."""
    return _by_arn().get(arn)


def attachable(tx: Tx, text: str) -> str:
    """The name of a policy that may be attached, by its ARN. Raises NoSuchEntity, and PolicyNotAttachable for a service-linked role's."""
    if text.startswith(LINKED_POLICY):
        raise Fault("PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role.")
    return name_of(tx, text)


def name_of(tx: Tx, text: str) -> str:
    """The name of a policy, by its ARN. Raises NoSuchEntity."""
    arn = policy_arn(text)
    if arn.account == "aws":
        found = managed(text)
        if found is not None:
            return found.name
    elif arn.account == tx.account:
        policy = tx.get(POLICIES, arn.name.lower())
        if policy is not None and arn_of(tx, policy) == text:
            return policy.name
    raise Fault("NoSuchEntity", f"Policy {text} does not exist or is not attachable.")


def boundary_named(tx: Tx, text: str | None) -> str:
    """The ARN of a boundary, "" for none. Raises NoSuchEntity and PolicyNotAttachable."""
    if text is None:
        return ""
    attachable(tx, text)
    return text


def document_of(tx: Tx, text: str) -> str | None:
    """The default version of a managed policy; None where AWS's document is not known here."""
    arn = parse(text)
    if arn.account == "aws":
        found = managed(text)
        return None if found is None else found.document
    policy = tx.get(POLICIES, arn.name.lower())
    version = None if policy is None else tx.get(VERSIONS, policy.id, policy.default)
    return None if version is None else version.document
