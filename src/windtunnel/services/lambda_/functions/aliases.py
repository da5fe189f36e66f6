"""Aliases: names for versions, for two of them by weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.pages import page
from windtunnel.fabric import Fault, Tx
from windtunnel.services.lambda_.access.sharing import shared
from windtunnel.services.lambda_.concurrency import keepers
from windtunnel.services.lambda_.places import latest, own, start_of
from windtunnel.services.lambda_.rules import LATEST, PAGE_MAX, arn_of, check_revision, conflict, invalid, not_found, shown_number
from windtunnel.services.lambda_.state import ALIASES, QUALIFIED, VERSIONS, Alias

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


@shared
def create_alias(tx: Tx, req: t.CreateAliasRequest) -> dict[str, Any]:
    name = own(tx, req).name
    number = _number(tx, name, req["FunctionVersion"])
    if tx.get(ALIASES, name, req["Name"]) is not None:
        raise conflict(f"Alias already exists: {arn_of(tx.region, tx.account, name, req['Name'])}")
    weights = _weights(tx, name, number, req.get("RoutingConfig"))
    return _write(tx, name, req["Name"], Alias(number, req.get("Description", ""), tx.new_id(), weights))


@shared
def update_alias(tx: Tx, req: t.UpdateAliasRequest) -> dict[str, Any]:
    name = own(tx, req).name
    alias = tx.get(ALIASES, name, req["Name"])
    if alias is None:
        raise not_found(f"Alias not found: {arn_of(tx.region, tx.account, name, req['Name'])}")
    check_revision(req, alias.revision, "GetFunction/GetAlias")
    number = _number(tx, name, req["FunctionVersion"]) if "FunctionVersion" in req else alias.version
    weights = _weights(tx, name, number, req["RoutingConfig"]) if "RoutingConfig" in req else alias.weights
    changed = Alias(number, req.get("Description", alias.description), tx.new_id(), weights)
    return _write(tx, name, req["Name"], changed)


@shared
def get_alias(tx: Tx, req: t.GetAliasRequest) -> dict[str, Any]:
    name = own(tx, req).name
    alias = tx.get(ALIASES, name, req["Name"])
    if alias is None:
        raise not_found(f"Cannot find alias arn: {arn_of(tx.region, tx.account, name, req['Name'])}")
    return _printed(tx, name, req["Name"], alias)


@shared
def delete_alias(tx: Tx, req: t.DeleteAliasRequest) -> None:
    name = own(tx, req).name
    latest(tx, name)
    for table in QUALIFIED:
        tx.delete(table, name, req["Name"])
    keepers.changed(tx, name)


@shared
def list_aliases(tx: Tx, req: t.ListAliasesRequest) -> dict[str, Any]:
    name = own(tx, req).name
    latest(tx, name)
    limit = min(req.get("MaxItems", PAGE_MAX), PAGE_MAX)
    if version := req.get("FunctionVersion"):
        number = 0 if version == LATEST else int(version)
        start = start_of(req, name)
        found = tx.find(ALIASES, "version", name, number, start=start)
    else:
        found = tx.scan(ALIASES, name, start=start_of(req, name))
    rows, marker = page(found, limit)
    return {"Aliases": [_printed(tx, name, str(key[1]), alias) for key, alias in rows], **({"NextMarker": marker} if marker else {})}


def _number(tx: Tx, name: str, version: str) -> int:
    number = 0 if version == LATEST else int(version)
    if tx.get(VERSIONS, name, number) is None:
        raise not_found(f"Function not found: {arn_of(tx.region, tx.account, name, version)}")
    return number


def _weights(tx: Tx, name: str, number: int, routing: Mapping[str, Any] | None) -> dict[str, float]:
    weights: dict[str, float] = dict((routing or {}).get("AdditionalVersionWeights") or {})
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other in weights:
        if number == 0:
            # AWS gives this one no `Type`.
            raise Fault("InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version")
        if int(other) == number:
            raise invalid(f"Invalid function version {other}. Function version {other} is already included in routing configuration.")
        _number(tx, name, other)
    return weights


def _write(tx: Tx, name: str, alias_name: str, alias: Alias) -> dict[str, Any]:
    tx.put(ALIASES, name, alias_name, value=alias)
    keepers.changed(tx, name)
    return _printed(tx, name, alias_name, alias)


def _printed(tx: Tx, name: str, alias_name: str, alias: Alias) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "AliasArn": arn_of(tx.region, tx.account, name, alias_name),
        "Name": alias_name,
        "FunctionVersion": shown_number(alias.version),
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    if alias.weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return shown
