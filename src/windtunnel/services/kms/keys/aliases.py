"""Aliases: other names of keys, which may come to mean another key of the same kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.access import check_access
from windtunnel.services.kms.listing import page_of
from windtunnel.services.kms.places import aliases_of, find_key, key_of
from windtunnel.services.kms.rules import ALIASES_MAX, check_alias, invalid
from windtunnel.services.kms.state import ALIASES, KEYS, Alias, Found, alias_arn, check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t


def create_alias(tx: Tx, req: t.CreateAliasRequest) -> None:
    name = req["AliasName"]
    check_alias(name)
    found = _target(tx, req["TargetKeyId"], "CreateAlias")
    if tx.get(ALIASES, name) is not None:
        raise Fault("AlreadyExistsException", f"An alias with the name {alias_arn(tx, name)} already exists")
    tx.put(ALIASES, name, value=Alias(found.id, tx.now, tx.now))


def update_alias(tx: Tx, req: t.UpdateAliasRequest) -> None:
    name = req["AliasName"]
    check_alias(name)
    alias = _alias(tx, name)
    found, old = _target(tx, req["TargetKeyId"], "UpdateAlias"), tx.get(KEYS, alias.target)
    if old is not None and (old.usage != found.key.usage or _kind(old.spec) != _kind(found.key.spec)):
        raise invalid(f"Alias {alias_arn(tx, name)} cannot be changed to a key of another type or usage.")
    tx.put(ALIASES, name, value=msgspec.structs.replace(alias, target=found.id, updated=tx.now))


def delete_alias(tx: Tx, req: t.DeleteAliasRequest) -> None:
    name = req["AliasName"]
    check_alias(name)
    alias = _alias(tx, name)
    check_access(find_key(tx, alias.target), "DeleteAlias", {})
    tx.delete(ALIASES, name)


def list_aliases(tx: Tx, req: t.ListAliasesRequest) -> t.ListAliasesResponse:
    def shown(key: tuple[Any, ...], alias: Alias) -> dict[str, Any]:
        return {
            "AliasName": key[0],
            "AliasArn": alias_arn(tx, key[0]),
            "TargetKeyId": alias.target,
            "CreationDate": alias.created,
            "LastUpdatedDate": alias.updated,
        }

    if "KeyId" not in req:
        return page_of(req, "Aliases", lambda start: tx.scan(ALIASES, start=start), shown)
    found = key_of(tx, req, "ListAliases")
    return page_of(req, "Aliases", lambda start: tx.find(ALIASES, "target", found.id, start=start), shown)


def _target(tx: Tx, name: str, action: str) -> Found:
    found = key_of(tx, {"KeyId": name}, action)
    check_state(found, disabled=True, importing=True)
    if found.key.manager == "AWS":
        raise Fault("NotAuthorizedException", "")
    if len(list(aliases_of(found))) >= ALIASES_MAX:
        raise Fault("LimitExceededException", f"The maximum number of aliases for the key {found.arn} is {ALIASES_MAX}.")
    return found


def _alias(tx: Tx, name: str) -> Alias:
    alias = tx.get(ALIASES, name)
    if alias is None:
        raise Fault("NotFoundException", f"Alias {alias_arn(tx, name)} is not found.")
    return alias


def _kind(spec: str) -> str:
    """Symmetric, HMAC or asymmetric: an alias stays with one of them."""
    return spec if spec == "SYMMETRIC_DEFAULT" else "HMAC" if spec.startswith("HMAC") else "pair"
