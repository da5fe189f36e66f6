"""Provisioned concurrency: how many sandboxes of a version or an alias are to be kept ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.lambda_.concurrency.keepers import changed, keep
from windtunnel.services.lambda_.places import Found, find, latest, own, qualified
from windtunnel.services.lambda_.rules import (
    CONCURRENCY_MAX,
    LATEST,
    UNRESERVED_MIN,
    Name,
    arn_of,
    beyond_account,
    conflict,
    invalid,
    moment,
    not_found,
)
from windtunnel.services.lambda_.state import ALIASES, FUNCTIONS, PROVISIONED, Provisioned

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


def put_provisioned_concurrency_config(tx: Tx, req: t.PutProvisionedConcurrencyConfigRequest) -> dict[str, Any]:
    if req["Qualifier"] == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    found = _found(tx, own(tx, req))
    _check_other(tx, found)
    number = req["ProvisionedConcurrentExecutions"]
    others = sum(other.number for key, other in tx.scan(PROVISIONED, found.name) if key[1] != found.qualifier)
    reserved = found.function.reserved
    if reserved is not None and others + number > reserved:
        raise invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
    if number > CONCURRENCY_MAX:
        raise beyond_account(
            f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{CONCURRENCY_MAX}]."
        )
    if reserved is None and CONCURRENCY_MAX - number < UNRESERVED_MIN:
        raise beyond_account(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of "
            f"[{UNRESERVED_MIN}]."
        )
    provisioned = keep(tx, found.name, found.qualifier, number)
    if not found.function.provisioned:
        tx.put(FUNCTIONS, found.name, value=msgspec.structs.replace(found.function, provisioned=True))
    return _printed(provisioned, found.number)


def get_provisioned_concurrency_config(tx: Tx, req: t.GetProvisionedConcurrencyConfigRequest) -> dict[str, Any]:
    found = _published(tx, own(tx, req))
    provisioned = tx.get(PROVISIONED, found.name, found.qualifier)
    if provisioned is None:
        message = "No Provisioned Concurrency Config found for this function"
        raise Fault("ProvisionedConcurrencyConfigNotFoundException", message, Type="User")
    return _printed(provisioned, found.number)


def delete_provisioned_concurrency_config(tx: Tx, req: t.DeleteProvisionedConcurrencyConfigRequest) -> None:
    found = _published(tx, own(tx, req))
    tx.delete(PROVISIONED, found.name, found.qualifier)
    changed(tx, found.name)


def list_provisioned_concurrency_configs(tx: Tx, req: t.ListProvisionedConcurrencyConfigsRequest) -> dict[str, Any]:
    name = own(tx, req)
    latest(tx, name.name)
    rows, marker = qualified(tx, PROVISIONED, req, name.name)
    each = ((find(tx, name._replace(qualifier=key)), row) for key, row in rows)
    return {"ProvisionedConcurrencyConfigs": [{"FunctionArn": one.arn, **_printed(row, one.number)} for one, row in each], **marker}


def _published(tx: Tx, name: Name) -> Found:
    if name.qualifier == LATEST:
        raise invalid("The function resource provided must be an alias or a published version.")
    return _found(tx, name)


def _found(tx: Tx, name: Name) -> Found:
    if not name.qualifier.isdigit() and tx.get(ALIASES, name.name, name.qualifier) is None:
        raise not_found(f"Cannot find alias arn: {arn_of(tx.region, tx.account, name.name, name.qualifier)}")
    return find(tx, name)


def _check_other(tx: Tx, found: Found) -> None:
    """A version is provisioned itself or by an alias, not both."""
    if found.alias is not None:
        if tx.get(PROVISIONED, found.name, str(found.number)) is not None:
            raise conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
        return
    for key, _ in tx.find(ALIASES, "version", found.name, found.number):
        if tx.get(PROVISIONED, found.name, str(key[1])) is not None:
            raise conflict("Version is pointed by a Provisioned Concurrency alias")


def _printed(provisioned: Provisioned, number: int) -> dict[str, Any]:
    there = provisioned.available == provisioned.number and provisioned.version == number
    status = "READY" if there else "FAILED" if provisioned.reason else "IN_PROGRESS"
    shown: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": provisioned.number,
        "AvailableProvisionedConcurrentExecutions": provisioned.available,
        "AllocatedProvisionedConcurrentExecutions": provisioned.available,
        "Status": status,
        "LastModified": moment(provisioned.modified),
    }
    return shown | ({"StatusReason": provisioned.reason} if status == "FAILED" else {})
