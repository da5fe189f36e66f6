"""What users, groups and roles are granted: the documents of all policies that bear on them."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.policy_check import check_policy
from windtunnel.aws.policy_conditions import texts
from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.policies.managed import document_of
from windtunnel.services.iam.state import ATTACHED, GROUPS, INLINE, MEMBERS, ROLES, USERS, Entity, Group, User, arn_of, with_id


class Grant(msgspec.Struct, frozen=True):
    """One policy; `id` is what a simulation calls it. An inline one has no ARN, but an owner."""

    id: str
    document: str
    name: str = ""
    arn: str = ""
    owner_type: str = ""
    owner: str = ""


def entity_of(tx: Tx, text: str) -> Entity:
    """The user, group or role of an ARN. Raises NoSuchEntity and InvalidInput."""
    arn = parse_or_none(text)
    tables: dict[str, Any] = {"user": USERS, "group": GROUPS, "role": ROLES}
    if arn is None or arn.service != "iam" or arn.type not in tables:
        raise Fault("InvalidInput", f"Invalid Entity Arn: {text} does not clearly define entity type and name.")
    entity = tx.get(tables[arn.type], arn.name.lower()) if arn.account == tx.account else None
    if entity is None or arn_of(tx, entity) != text:
        raise Fault("NoSuchEntity", f"The {arn.type} with name {arn.name} cannot be found.")
    return entity


def grants_of(tx: Tx, entity: Entity) -> list[Grant]:
    """An entity's policies, inline and attached, those of a user's groups included.

    What AWS's own policies say that are not known here is left out: they grant nothing.
    """
    found = _own_grants(tx, entity)
    if isinstance(entity, User):
        for key, _ in tx.find(MEMBERS, "user", entity.id):
            found += _own_grants(tx, with_id(tx, GROUPS, str(key[0])))
    return found


def reaches(document: str, namespace: str) -> bool:
    """Whether a policy allows any action of a service."""
    return any(reach(namespace) for reach in _reaches(document))


@lru_cache(maxsize=512)
def _reaches(document: str) -> tuple[Callable[[str], bool], ...]:
    """For each statement that allows something, whether that is an action of a service."""
    return tuple(_reach(statement) for statement in check_policy(document)["Statement"] if statement["Effect"].lower() == "allow")


def _reach(statement: dict[str, Any]) -> Callable[[str], bool]:
    if "NotAction" in statement:
        whole = [text.lower().removesuffix(":*") for text in texts(statement["NotAction"]) if text.endswith(":*")]
        return lambda namespace: not any(fnmatchcase(namespace, pattern) for pattern in whole)
    patterns = {action.lower().partition(":")[0] for action in texts(statement["Action"])}
    return lambda namespace: any(fnmatchcase(namespace, pattern) for pattern in patterns)


def boundary_of(tx: Tx, entity: Entity) -> str | None:
    """The document of an entity's boundary; None where it has none."""
    if isinstance(entity, Group) or not entity.boundary:
        return None
    return document_of(tx, entity.boundary)


def _own_grants(tx: Tx, entity: Entity) -> list[Grant]:
    kind = type(entity).__name__
    found = [
        Grant(f"{kind.lower()}_{entity.name}_{key[1]}", document, str(key[1]), "", kind.upper(), entity.name)
        for key, document in tx.scan(INLINE, entity.id)
    ]
    for key, name in tx.scan(ATTACHED, entity.id):
        document = document_of(tx, str(key[1]))
        if document is not None:
            found.append(Grant(name, document, name, str(key[1])))
    return found
