"""Tables changed: throughput and billing, indexes, the stream, the key, and what protects them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.lookup import find_named, name_of
from windtunnel.services.dynamodb.state import TABLES, TableRow
from windtunnel.services.dynamodb.streams import shards
from windtunnel.services.dynamodb.tables import indexing, replicas, schema
from windtunnel.services.dynamodb.tables.encryption import key_of
from windtunnel.services.dynamodb.tables.views import described

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

ALONE: Final = {
    "SSESpecification": "Server-Side Encryption modification",
    "TableClass": "TableClass modification",
    "DeletionProtectionEnabled": "DeletionProtection modification",
    "ReplicaUpdates": "Replica modification",
}
"""What has to be the only thing that a request changes."""
CHANGED: Final = (
    *("ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "OnDemandThroughput"),
    *("WarmThroughput", *ALONE),
)
NOT_IMPLEMENTED: Final = (
    *("MultiRegionConsistency", "GlobalTableWitnessUpdates", "GlobalTableSettingsReplicationMode"),
    *("DisassociationProtectionEnabled", "VectorIndexUpdates"),
)
NOTHING: Final = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, "
    "ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
    "OnDemandThroughput, WarmThroughput or TableClass is required"
)


def update_table(tx: Tx, req: t.UpdateTableInput) -> dict[str, Any]:
    name_of(tx, req["TableName"])  # what is wrong with the name is said first
    _check(req)
    found = find_named(tx, req["TableName"])
    tx, row = found.tx, found.row
    before = row
    for found in list(replicas.everywhere(tx, row)):
        changed = indexing.updated(found.tx, _throughput(found.tx, found.row, req), req)
        found.tx.put(TABLES, row.name, value=changed)
        row = changed if found.tx.region == tx.region else row
    row = _stream(tx, row, req.get("StreamSpecification"))
    row = replicas.updated(tx, row, req.get("ReplicaUpdates"))
    given = req.get("SSESpecification")
    if given is not None:
        row = _encrypted(row, key_of(tx, given))
    protected = req.get("DeletionProtectionEnabled")
    row = msgspec.structs.replace(
        row,
        protected=row.protected if protected is None else protected,
        class_=req.get("TableClass") or row.class_,
        warm={**row.warm, **(req.get("WarmThroughput") or {})},
    )
    tx.put(TABLES, row.name, value=row)
    shown = described(tx, row, "UPDATING" if protected is None else "ACTIVE")
    if row.on_demand == before.on_demand:  # what is asked for is not there yet
        shown["ProvisionedThroughput"] |= {"ReadCapacityUnits": before.read, "WriteCapacityUnits": before.write}
    if given is not None:
        shown["SSEDescription"] = {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": row.key or before.key}
    return {"TableDescription": shown}


def _check(req: Mapping[str, Any]) -> None:
    """Refuses what can't be changed at once."""
    for member in NOT_IMPLEMENTED:
        if req.get(member):
            raise Fault("NotImplemented", f"windtunnel does not implement {member} of UpdateTable.", status=501)
    throughput = req.get("ProvisionedThroughput")
    if throughput is not None:
        schema.check_units(throughput)
    indexing.check(req)
    changes = [member for member in CHANGED if req.get(member) is not None]
    if not changes:
        raise invalid(NOTHING)
    for member, words in ALONE.items():
        if member in changes and len(changes) > 1:
            raise invalid(f"{WRONG}{words} must be the only operation in the request")
    if req.get("StreamSpecification") is not None:
        if throughput is not None:
            raise invalid(f"{WRONG}You cannot modify stream status while updating table IOPS")
        if any(update.get("Create") or update.get("Delete") for update in req.get("GlobalSecondaryIndexUpdates") or ()):
            raise invalid(f"{WRONG}You cannot create or delete index while changing stream status")


def _throughput(tx: Tx, row: TableRow, req: Mapping[str, Any]) -> TableRow:
    """The table with another way of paying, or other units."""
    mode, given = req.get("BillingMode"), req.get("ProvisionedThroughput")
    on_demand = row.on_demand if mode is None else mode == "PAY_PER_REQUEST"
    if on_demand and given is not None:
        raise invalid(schema.BOTH_MODES)
    limits = req.get("OnDemandThroughput")
    if limits is not None:
        if not on_demand:
            member = next(iter(limits), "MaxReadRequestUnits")
            raise invalid(f"{WRONG}{member} for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED")
        row = msgspec.structs.replace(row, limits={name: value for name, value in {**row.limits, **limits}.items() if value != -1})
    if mode is not None and on_demand != row.on_demand:
        return _other_mode(tx, row, given, on_demand=on_demand)
    if given is None:
        return row
    read, write = given["ReadCapacityUnits"], given["WriteCapacityUnits"]
    if (read, write) == (row.read, row.write):
        raise invalid(schema.unchanged("table", row.read, row.write))
    raised = read > row.read or write > row.write
    lowered = read < row.read or write < row.write
    return msgspec.structs.replace(
        row,
        read=read,
        write=write,
        increased=tx.now if raised else row.increased,
        decreased=tx.now if lowered else row.decreased,
        decreases=row.decreases + lowered,
    )


def _other_mode(tx: Tx, row: TableRow, given: Mapping[str, int] | None, *, on_demand: bool) -> TableRow:
    if on_demand:
        indexes = [msgspec.structs.replace(index, read=0, write=0) for index in row.indexes]
        return msgspec.structs.replace(row, on_demand=True, billing_changed=tx.now, read=0, write=0, indexes=indexes)
    if given is None:
        raise invalid(f"{WRONG}ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    return msgspec.structs.replace(row, on_demand=False, read=given["ReadCapacityUnits"], write=given["WriteCapacityUnits"], limits={})


def _stream(tx: Tx, row: TableRow, given: Mapping[str, Any] | None) -> TableRow:
    if given is None:
        return row
    view = given.get("StreamViewType")
    if not given["StreamEnabled"]:
        if view:
            raise invalid(f"{WRONG}If stream is being disabled, then UpdateViewType must not be specified")
        if not row.stream:
            raise invalid(f"Table has no stream to disable: TableName: {row.name}")
        if row.replicas:
            raise invalid(f"{WRONG}Disabling Stream is not allowed for a Global Table replica.")
        return shards.close_stream(tx, row)
    if not view:
        raise invalid(f"{WRONG}If stream is being enabled then UpdateViewType is required")
    if row.stream:
        raise invalid(f"Table already has an enabled stream: TableName: {row.name}")
    return shards.open_stream(tx, row, view)


def _encrypted(row: TableRow, key: str) -> TableRow:
    if not key and not row.key:
        raise invalid(f"{WRONG}Table is already encrypted by default")
    if key == row.key:
        raise invalid(
            f"{WRONG}Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key"
        )
    return msgspec.structs.replace(row, key=key)
