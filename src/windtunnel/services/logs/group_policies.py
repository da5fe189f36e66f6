"""Policies of single groups: data protection, field indexes and transformers, each under the name of its group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.logs.state import (
    GROUP_POLICIES,
    GROUPS,
    PROTECTION,
    UNPROTECTED,
    Group,
    GroupPolicy,
    check_standard,
    find_group,
    name_of,
)


def named(tx: Tx, req: Mapping[str, Any], *, standard: bool = False) -> tuple[str, Group]:
    """The group of a request that names it by `logGroupIdentifier`; `standard`: only groups of that class have such policies."""
    name = name_of(tx, req["logGroupIdentifier"])
    group = find_group(tx, name)
    if standard:
        check_standard(group)
    return name, group


def kept(tx: Tx, req: Mapping[str, Any], kind: int) -> GroupPolicy | None:
    name, _ = named(tx, req)
    return tx.get(GROUP_POLICIES, name, kind)


def keep(tx: Tx, name: str, kind: int, policy: GroupPolicy) -> None:
    group = find_group(tx, name)
    tx.put(GROUP_POLICIES, name, kind, value=policy)
    tx.put(GROUPS, name, value=msgspec.structs.replace(group, policies=group.policies | kind))


def forget(tx: Tx, req: Mapping[str, Any], kind: int) -> None:
    """Deletes a group's policy; that there is none is fine."""
    name, group = named(tx, req)
    if group.policies & kind:
        tx.delete(GROUP_POLICIES, name, kind)
        had = UNPROTECTED if kind == PROTECTION else 0
        tx.put(GROUPS, name, value=msgspec.structs.replace(group, policies=group.policies & ~kind | had))
