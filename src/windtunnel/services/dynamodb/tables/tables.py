"""Tables: created, described, listed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import set_tags
from windtunnel.services.dynamodb.life import remove_table
from windtunnel.services.dynamodb.lookup import find_named, name_of
from windtunnel.services.dynamodb.state import TABLES, arn_of
from windtunnel.services.dynamodb.streams import shards
from windtunnel.services.dynamodb.tables.granting import keep_policy
from windtunnel.services.dynamodb.tables.making import made
from windtunnel.services.dynamodb.tables.views import deleting, described

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

LISTED_MAX = 100


def create_table(tx: Tx, req: t.CreateTableInput) -> dict[str, Any]:
    row = made(tx, name_of(tx, req["TableName"]), req)
    if tx.get(TABLES, row.name) is not None:
        raise Fault("ResourceInUseException", f"Table already exists: {row.name}")
    stream = req.get("StreamSpecification")
    if stream is not None and stream["StreamEnabled"]:
        row = shards.open_stream(tx, row, stream.get("StreamViewType", ""))
    tx.put(TABLES, row.name, value=row)
    arn = arn_of(tx.region, tx.account, row.name)
    if tags := req.get("Tags"):
        set_tags(tx, arn, {tag["Key"]: tag["Value"] for tag in tags})
    if policy := req.get("ResourcePolicy"):
        keep_policy(tx, arn, policy)
    return {"TableDescription": described(tx, row, "CREATING")}


def describe_table(tx: Tx, req: t.DescribeTableInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    return {"Table": described(found.tx, found.row)}


def list_tables(tx: Tx, req: t.ListTablesInput) -> dict[str, Any]:
    limit, after = req.get("Limit", LISTED_MAX), req.get("ExclusiveStartTableName")
    names = [row.name for row in tx.records(TABLES, start=None if after is None else (after, True), limit=limit + 1)]
    shown: dict[str, Any] = {"TableNames": names[:limit]}
    return shown if len(names) <= limit else {**shown, "LastEvaluatedTableName": names[limit - 1]}


def delete_table(tx: Tx, req: t.DeleteTableInput) -> dict[str, Any]:
    found = find_named(tx, req["TableName"])
    tx, row = found.tx, found.row
    if row.filling:
        raise Fault("ResourceInUseException", f"Attempt to change a resource which is still in use: Table is being created: {row.name}")
    if row.protected:
        raise invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
    shown = deleting(tx, row)
    remove_table(tx, row)
    return {"TableDescription": shown}
