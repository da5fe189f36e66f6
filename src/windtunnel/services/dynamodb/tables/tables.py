"""Tables: created, described, listed and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tag_map
from windtunnel.services.dynamodb.items import expiry
from windtunnel.services.dynamodb.life import abandon
from windtunnel.services.dynamodb.lookup import check_name, find_named, name_of
from windtunnel.services.dynamodb.state import POLICIES, TABLES, TableRow, arn_of, stream_arn
from windtunnel.services.dynamodb.streams import shards
from windtunnel.services.dynamodb.tables import schema
from windtunnel.services.dynamodb.tables.encryption import key_of
from windtunnel.services.dynamodb.tables.granting import keep_policy
from windtunnel.services.dynamodb.tables.views import deleting, described

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

LISTED_MAX = 100


async def create_table(call: Call, req: t.CreateTableInput) -> dict[str, Any]:
    name = call.read(name_of, req["TableName"])
    call.read(_made, name, req, "")  # what is wrong with the request is said before a key is asked for
    key = await key_of(call, req.get("SSESpecification"))
    return {"TableDescription": call.act(_create, name, req, key)}


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
    if row.replicas:
        raise invalid("Table cannot be deleted because it has replicas in other regions. Delete the replicas first.")
    shown = deleting(tx, row)
    if row.stream:
        shards.close_stream(tx, row)
    arn = arn_of(tx.region, tx.account, row.name)
    remove_all_tags(tx, arn)
    tx.delete(POLICIES, arn)
    if row.label:
        tx.delete(POLICIES, stream_arn(tx.region, tx.account, row.name, row.label))
    expiry.forget(tx, row)
    tx.delete(TABLES, row.name)
    abandon(tx, row.number)
    return {"TableDescription": shown}


def _create(tx: Tx, name: str, req: Mapping[str, Any], key: str) -> dict[str, Any]:
    row = _made(tx, name, req, key)
    if tx.get(TABLES, name) is not None:
        raise Fault("ResourceInUseException", f"Table already exists: {name}")
    stream = req.get("StreamSpecification")
    if stream is not None and stream["StreamEnabled"]:
        row = shards.open_stream(tx, row, stream["StreamViewType"])
    tx.put(TABLES, name, value=row)
    arn = arn_of(tx.region, tx.account, name)
    if req.get("Tags"):
        set_tags(tx, arn, tag_map(req["Tags"]))
    if req.get("ResourcePolicy"):
        keep_policy(tx, arn, req["ResourcePolicy"])
    return described(tx, row, "CREATING")


def _made(tx: Tx, name: str, req: Mapping[str, Any], key: str) -> TableRow:
    """The table that is asked for; refuses what can't be."""
    check_name(name)
    for member in ("VectorIndexes", "GlobalTableSourceArn"):
        if req.get(member):
            raise Fault("NotImplemented", f"windtunnel does not implement {member} of CreateTable.", status=501)
    on_demand = req.get("BillingMode") == "PAY_PER_REQUEST"
    schema.check_throughput(req, on_demand=on_demand)
    for member in ("attributeDefinitions", "keySchema"):
        if req.get(member[0].upper() + member[1:]) is None:
            raise invalid(f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null")
    definitions, keys = req["AttributeDefinitions"], req["KeySchema"]
    names = schema.key_names(definitions)
    if not names:
        raise invalid(f"{WRONG}AttributeDefinitions is empty")
    schema.check_keys(keys, names)
    indexes = schema.indexes_of(tx, req, on_demand=on_demand)
    shards.check_stream(req.get("StreamSpecification"))
    throughput: Mapping[str, int] = req.get("ProvisionedThroughput") or {}
    return TableRow(
        name=name,
        number=tx.serial(),
        id=tx.new_id(),
        created=tx.now,
        types={one["AttributeName"]: one["AttributeType"] for one in definitions},
        hash=keys[0]["AttributeName"],
        range=keys[1]["AttributeName"] if len(keys) > 1 else "",
        indexes=indexes,
        on_demand=on_demand,
        billing_changed=tx.now if on_demand else 0.0,
        read=throughput.get("ReadCapacityUnits", 0),
        write=throughput.get("WriteCapacityUnits", 0),
        limits=dict(req.get("OnDemandThroughput") or {}),
        warm=dict(req.get("WarmThroughput") or {}),
        protected=bool(req.get("DeletionProtectionEnabled")),
        class_=req.get("TableClass", ""),
        key=key,
    )
