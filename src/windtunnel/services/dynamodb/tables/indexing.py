"""Global indexes that come to a table, change, or go.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb import life
from windtunnel.services.dynamodb.state import Index, TableRow
from windtunnel.services.dynamodb.tables import schema

BLOCKED = (
    "This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: "
    "Action Blocked: IndexUpdate"
)
ONE_AT_A_TIME = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"


def check(req: Mapping[str, Any]) -> None:
    """Refuses updates that can't be, whatever the table is."""
    updates = req.get("GlobalSecondaryIndexUpdates")
    if updates is None:
        return
    if not updates:
        raise invalid(f"{WRONG}List of GlobalSecondaryIndexUpdates is empty")
    seen: set[str] = set()
    for update in updates:
        given = [action for action in (update.get("Update"), update.get("Create"), update.get("Delete")) if action is not None]
        if not given:
            raise invalid(
                f"{WRONG}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if len(given) > 1:
            raise invalid(f"{WRONG}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object")
        name = given[0]["IndexName"]
        if name in seen:
            raise invalid(f"{WRONG}Only one global secondary index update per index is allowed simultaneously. Index: {name}")
        seen.add(name)
    if sum(bool(update.get("Create") or update.get("Delete")) for update in updates) > 1:
        raise Fault("LimitExceededException", ONE_AT_A_TIME)


def updated(tx: Tx, row: TableRow, req: Mapping[str, Any]) -> TableRow:
    """The table with the indexes that a request leaves it."""
    for update in req.get("GlobalSecondaryIndexUpdates") or ():
        if update.get("Create") is not None:
            row = _created(tx, row, update["Create"], req)
        elif update.get("Delete") is not None:
            row = _deleted(tx, row, update["Delete"]["IndexName"])
        else:
            row = _changed(row, update["Update"])
    return row


def _created(tx: Tx, row: TableRow, given: Mapping[str, Any], req: Mapping[str, Any]) -> TableRow:
    defined = {**row.types, **{one["AttributeName"]: one["AttributeType"] for one in req.get("AttributeDefinitions") or ()}}
    if row.index(given["IndexName"]) is not None:
        raise invalid("Attempting to create an index which already exists")
    if any(index.filling for index in row.indexes):
        raise Fault("LimitExceededException", ONE_AT_A_TIME)
    if sum(not index.local for index in row.indexes) >= schema.GLOBAL_INDEXES_MAX:
        raise Fault(
            "LimitExceededException",
            f"Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of {schema.GLOBAL_INDEXES_MAX}",
        )
    index = msgspec.structs.replace(schema.global_index(tx, given, list(defined), row.indexes, on_demand=row.on_demand), filling=True)
    types = {**row.types, **{name: defined[name] for name in (index.hash, index.range) if name}}
    row = msgspec.structs.replace(row, indexes=[*row.indexes, index], types=types)
    life.fill(tx, row, index.name)
    return row


def _deleted(tx: Tx, row: TableRow, name: str) -> TableRow:
    index = _global(row, name, "delete")
    life.abandon_index(tx, row.number, index.number)
    left = [other for other in row.indexes if other.name != name]
    used = {*row.keys, *(key for other in left for key in (other.hash, other.range))}
    return msgspec.structs.replace(row, indexes=left, types={key: kind for key, kind in row.types.items() if key in used})


def _changed(row: TableRow, given: Mapping[str, Any]) -> TableRow:
    units: Mapping[str, int] = given.get("ProvisionedThroughput") or {}
    if any(amount > schema.UNITS_MAX for amount in units.values()):
        raise invalid(BLOCKED)
    index = _global(row, given["IndexName"], "update")
    throughput = given.get("ProvisionedThroughput")
    if throughput is not None:
        if row.on_demand:
            raise invalid(
                f"{WRONG}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {index.name} "
                "when BillingMode is PAY_PER_REQUEST"
            )
        if (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (index.read, index.write):
            raise invalid(schema.unchanged(f"index {index.name}", index.read, index.write))
        index = msgspec.structs.replace(index, read=throughput["ReadCapacityUnits"], write=throughput["WriteCapacityUnits"])
    limits: Mapping[str, int] = given.get("OnDemandThroughput") or {}
    warm: Mapping[str, int] = given.get("WarmThroughput") or {}
    index = msgspec.structs.replace(index, on_demand={**index.on_demand, **limits}, warm={**index.warm, **warm})
    return msgspec.structs.replace(row, indexes=[index if other.name == index.name else other for other in row.indexes])


def _global(row: TableRow, name: str, verb: str) -> Index:
    index = row.index(name)
    if index is None:
        raise Fault("ResourceNotFoundException", f"Requested resource not found: Index: {name} not found")
    if index.local:
        raise invalid(f"Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}")
    return index
