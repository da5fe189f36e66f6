"""Policies of event buses: who else may put events on them. They are asked where an event comes from another account.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from windtunnel.aws.arn import partition_of
from windtunnel.aws.policy import compile_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.buses.access import PUT_EVENTS, document
from windtunnel.services.events.state import arn_within, bus_of, change_bus, find_bus, invalid, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

POLICY_BYTES_MAX = 10_240


def put_permission(tx: Tx, req: t.PutPermissionRequest) -> None:
    name = bus_of(tx, req)
    bus = find_bus(tx, name)
    if "Policy" in req:
        statements = _statements_of(req["Policy"])
    else:
        statement = _statement(tx, name, req)
        statements = [one for one in bus.statements if one.get("Sid") != statement["Sid"]] + [statement]
    if len(document(statements)) > POLICY_BYTES_MAX:
        raise Fault("PolicyLengthExceededException", f"The event bus policy is larger than {POLICY_BYTES_MAX} bytes.")
    change_bus(tx, name, bus, statements=statements)


def remove_permission(tx: Tx, req: t.RemovePermissionRequest) -> None:
    name = bus_of(tx, req)
    bus = find_bus(tx, name)
    if req.get("RemoveAllPermissions"):
        change_bus(tx, name, bus, statements=[])
        return
    kept = [one for one in bus.statements if one.get("Sid") != req.get("StatementId")]
    if len(kept) == len(bus.statements):
        raise not_found("Statement with the provided id does not exist.")
    change_bus(tx, name, bus, statements=kept)


def _statement(tx: Tx, name: str, req: t.PutPermissionRequest) -> dict[str, Any]:
    for member in ("Action", "Principal", "StatementId"):
        if member not in req:
            raise invalid(f"Parameter {member} must not be null.")
    if req["Action"] != PUT_EVENTS:  # pyright: ignore[reportTypedDictNotRequiredAccess]
        raise invalid("Provided value in parameter 'action' is not supported.")
    account = req["Principal"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    statement: dict[str, Any] = {
        "Sid": req["StatementId"],  # pyright: ignore[reportTypedDictNotRequiredAccess]
        "Effect": "Allow",
        "Principal": "*" if account == "*" else {"AWS": f"arn:{partition_of(tx.region)}:iam::{account}:root"},
        "Action": PUT_EVENTS,
        "Resource": arn_within(tx, "event-bus", name),
    }
    if "Condition" in req:
        condition = req["Condition"]
        if condition["Type"] != "StringEquals" or condition["Key"] != "aws:PrincipalOrgID":
            raise invalid("Parameter Condition is not valid. Reason: only StringEquals of aws:PrincipalOrgID is supported.")
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return statement


def _statements_of(policy: str) -> list[dict[str, Any]]:
    try:
        compile_policy(policy)
        statements = orjson.loads(policy)["Statement"]
    except ValueError as error:
        raise invalid("Parameter Policy is not valid.") from error
    return cast("list[dict[str, Any]]", statements if isinstance(statements, list) else [statements])
