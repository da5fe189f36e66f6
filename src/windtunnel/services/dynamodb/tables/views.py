"""Tables as AWS prints them.

A table is there as soon as it is created, but who creates it is told CREATING, and who asks next ACTIVE: so the waiters of SDKs end at
their first question, also where the clock stands.
"""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.state import NUMBERS, Index, TableRow, arn_of, stream_arn

GLOBAL_TABLE_VERSION = "2019.11.21"
ON_DEMAND_WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}


def described(tx: Tx, row: TableRow, status: str = "ACTIVE") -> dict[str, Any]:
    """A TableDescription; `status` is another where something is under way for who asks."""
    status = "CREATING" if row.filling else status
    shown: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in sorted(row.types.items())],
        "TableName": row.name,
        "KeySchema": _schema(row.hash, row.range),
        "TableStatus": status,
        "CreationDateTime": row.created,
        "ProvisionedThroughput": _throughput(row),
        "TableSizeBytes": tx.amount(NUMBERS, row.number, 0, "bytes"),
        "ItemCount": tx.amount(NUMBERS, row.number, 0, "items"),
        "TableArn": arn_of(tx.region, tx.account, row.name),
        "TableId": row.id,
        "DeletionProtectionEnabled": row.protected,
    }
    if row.on_demand or row.billing_changed:
        mode = {"BillingMode": "PAY_PER_REQUEST" if row.on_demand else "PROVISIONED"}
        changed = {"LastUpdateToPayPerRequestDateTime": row.billing_changed} if status == "ACTIVE" and row.billing_changed else {}
        shown["BillingModeSummary"] = {**mode, **changed}
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        indexes = [_index(tx, row, index, status) for index in row.indexes if index.local == local]
        if indexes:
            shown[member] = indexes
    if row.stream:
        shown["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": row.view}
    if row.label:
        shown["LatestStreamLabel"] = row.label
        shown["LatestStreamArn"] = stream_arn(tx.region, tx.account, row.name, row.label)
    if row.key:
        shown["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": row.key}
    if row.replicas:
        shown["GlobalTableVersion"] = GLOBAL_TABLE_VERSION
        shown["Replicas"] = [{"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in row.replicas]
    if row.class_:
        shown["TableClassSummary"] = {"TableClass": row.class_}
    if row.limits:
        shown["OnDemandThroughput"] = row.limits
    if row.restored:
        shown["RestoreSummary"] = row.restored
    warm = _warm(status, row.warm, row.read, row.write, on_demand=row.on_demand)
    return {**shown, "WarmThroughput": warm} if warm else shown


def deleting(tx: Tx, row: TableRow) -> dict[str, Any]:
    """What is left to say of a table that is being deleted."""
    members = ("TableName", "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId", "BillingModeSummary")
    whole = described(tx, row, "DELETING")
    kept = {name: whole[name] for name in members if name in whole}
    return {**kept, "TableStatus": "DELETING", "DeletionProtectionEnabled": row.protected}


def _index(tx: Tx, row: TableRow, index: Index, status: str) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.attributes:
        projection["NonKeyAttributes"] = index.attributes
    shown: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": _schema(index.hash, index.range),
        "Projection": projection,
        "IndexSizeBytes": tx.amount(NUMBERS, row.number, index.number, "bytes"),
        "ItemCount": tx.amount(NUMBERS, row.number, index.number, "items"),
        "IndexArn": f"{arn_of(tx.region, tx.account, row.name)}/index/{index.name}",
    }
    if index.local:
        return shown
    throughput = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": index.read, "WriteCapacityUnits": index.write}
    shown |= {"IndexStatus": "CREATING" if index.filling or status == "CREATING" else "ACTIVE", "ProvisionedThroughput": throughput}
    if index.filling:
        shown["Backfilling"] = True
    if index.on_demand:
        shown["OnDemandThroughput"] = index.on_demand
    warm = _warm(status, index.warm, index.read, index.write, on_demand=row.on_demand)
    return {**shown, "WarmThroughput": warm} if warm else shown


def _schema(hash: str, range: str) -> list[dict[str, str]]:
    schema = [{"AttributeName": hash, "KeyType": "HASH"}]
    return [*schema, {"AttributeName": range, "KeyType": "RANGE"}] if range else schema


def _throughput(row: TableRow) -> dict[str, Any]:
    shown: dict[str, Any] = {"NumberOfDecreasesToday": row.decreases, "ReadCapacityUnits": row.read, "WriteCapacityUnits": row.write}
    if row.increased:
        shown["LastIncreaseDateTime"] = row.increased
    if row.decreased:
        shown["LastDecreaseDateTime"] = row.decreased
    return shown


def _warm(status: str, asked: dict[str, int], read: int, write: int, *, on_demand: bool) -> dict[str, Any]:
    """The warm throughput: what was asked for, else what the mode has; not told of a new table that asked for none."""
    if status == "CREATING":
        return {**asked, "Status": "UPDATING"} if asked else {}
    usual = ON_DEMAND_WARM if on_demand else {"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write}
    return {**usual, **asked, "Status": "ACTIVE"}
