"""Global tables (version 2019.11.21): a table with replicas in other regions, each of which can be written.

A write reaches the replicas in its own transaction, which AWS takes about a second for; so two of them never meet in a conflict.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.backups import copying
from windtunnel.services.dynamodb.life import remove_table
from windtunnel.services.dynamodb.lookup import Found
from windtunnel.services.dynamodb.state import TABLES, TableRow
from windtunnel.services.dynamodb.streams import shards
from windtunnel.services.dynamodb.streams.journal import BOTH
from windtunnel.services.dynamodb.tables.encryption import key_of


def everywhere(tx: Tx, row: TableRow) -> Iterator[Found]:
    """A table and its replicas."""
    yield Found(tx, row)
    for region in row.replicas:
        other = tx.at(region=region)
        replica = other.get(TABLES, row.name)
        if replica is not None:
            yield Found(other, replica)


def updated(tx: Tx, row: TableRow, updates: Sequence[Mapping[str, Any]] | None) -> TableRow:
    """The table with the replicas that a request leaves it."""
    if not updates:
        return row
    if len(updates) > 1:
        raise invalid("Update table operation with more than one create or delete replica actions not allowed")
    given = {kind: action for kind, action in updates[0].items() if action is not None}
    if not given:
        raise invalid("There are no actions specified in the Replica Update Action of the request.")
    if len(given) > 1:
        raise invalid("Update table operation with more than one type of replica actions not allowed.")
    kind, action = next(iter(given.items()))
    region = action["RegionName"]
    if region == tx.region:
        raise invalid("Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable")
    if kind == "Create":
        return _created(tx, row, region, action)
    if region not in row.replicas:
        raise invalid(
            "Update global table operation failed because one or more replicas were not part of the global table. "
            f"Please retry the request without these replicas: [{region}]."
        )
    if kind == "Delete":
        remove_table(tx.at(region=region), _row(tx.at(region=region), row.name))
        return _row(tx, row.name)
    _override(tx.at(region=region), _row(tx.at(region=region), row.name), action)
    return row


def _created(tx: Tx, row: TableRow, region: str, action: Mapping[str, Any]) -> TableRow:
    other = tx.at(region=region)
    if other.get(TABLES, row.name) is not None:
        raise invalid(
            f"Failed to create a the new replica of table with name: \u2018{row.name}\u2019 "
            "because one or more replicas already existed as tables."
        )
    if row.stream and row.view != BOTH:
        raise invalid(f"Table needs a stream of the view type {BOTH} to get replicas: TableName: {row.name}")
    if not row.stream:
        row = shards.open_stream(tx, row, BOTH)
    members = [tx.region, *row.replicas]
    replica = msgspec.structs.replace(
        row,
        number=tx.serial(),
        created=tx.now,
        indexes=[msgspec.structs.replace(index, number=tx.serial(), filling=False) for index in row.indexes],
        stream=0,
        label="",
        protected=False,
        recovery=0.0,
        destinations={},
        replicas=members,
        filling=True,
        restored={},
        key=key_of(other, {"Enabled": True, "KMSMasterKeyId": action.get("KMSMasterKeyId")}) if row.key else "",
    )
    replica = shards.open_stream(other, replica, BOTH)
    other.put(TABLES, row.name, value=replica)
    for member in members[1:]:
        _join(tx.at(region=member), row.name, region)
    row = msgspec.structs.replace(row, replicas=[*row.replicas, region])
    tx.put(TABLES, row.name, value=row)
    copying.restore(other, replica, {"table": row.name, "number": row.number, "region": tx.region})
    _override(other, _row(other, row.name), action)
    return row


def _join(tx: Tx, name: str, region: str) -> None:
    row = _row(tx, name)
    tx.put(TABLES, name, value=msgspec.structs.replace(row, replicas=[*row.replicas, region]))


def _override(tx: Tx, row: TableRow, action: Mapping[str, Any]) -> None:
    """What a replica has of its own: how much it can be read, and its class."""
    throughput: Mapping[str, int] = action.get("ProvisionedThroughputOverride") or {}
    more: Mapping[str, int] = action.get("OnDemandThroughputOverride") or {}
    class_ = action.get("TableClassOverride") or row.class_
    tx.put(
        TABLES,
        row.name,
        value=msgspec.structs.replace(
            row, read=throughput.get("ReadCapacityUnits", row.read), limits={**row.limits, **more}, class_=class_
        ),
    )


def _row(tx: Tx, name: str) -> TableRow:
    row = tx.get(TABLES, name)
    assert row is not None, "a replica is there while others name it"
    return row
