"""A table made of a request: what it asks for, checked, before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.lookup import check_name
from windtunnel.services.dynamodb.state import TableRow
from windtunnel.services.dynamodb.streams import shards
from windtunnel.services.dynamodb.tables import schema
from windtunnel.services.dynamodb.tables.encryption import key_of


def made(tx: Tx, name: str, req: Mapping[str, Any]) -> TableRow:
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
    if len(keys) > len(names):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")
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
        key=key_of(tx, req.get("SSESpecification")),
    )
