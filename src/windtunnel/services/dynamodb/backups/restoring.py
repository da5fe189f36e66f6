"""New tables made of backups, or of a table as it was.

What is set beside the schema (time to live, stream, tags, policies, recovery) is not restored, as in AWS.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CreateBackup.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.backups import copying, history
from windtunnel.services.dynamodb.backups.views import backup_arn, find_backup, find_table
from windtunnel.services.dynamodb.lookup import check_name
from windtunnel.services.dynamodb.state import TABLES, TableRow, arn_of
from windtunnel.services.dynamodb.tables import schema
from windtunnel.services.dynamodb.tables.encryption import key_of
from windtunnel.services.dynamodb.tables.views import described

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t


def restore_table_from_backup(tx: Tx, req: t.RestoreTableFromBackupInput) -> dict[str, Any]:
    tx, backup = find_backup(tx, req["BackupArn"])
    if not backup.complete:
        raise Fault("BackupInUseException", f"Backup is being created: {req['BackupArn']}")
    summary = {
        "SourceBackupArn": backup_arn(tx, backup),
        "SourceTableArn": arn_of(tx.region, tx.account, backup.row.name),
        "RestoreDateTime": backup.created,
        "RestoreInProgress": True,
    }
    row = _made(tx, req, backup.row, summary)
    copying.restore(tx, row, {"backup": backup.number})
    return {"TableDescription": described(tx, row, "CREATING")}


def restore_table_to_point_in_time(tx: Tx, req: t.RestoreTableToPointInTimeInput) -> dict[str, Any]:
    name, arn = req.get("SourceTableName"), req.get("SourceTableArn")
    if (name is None) == (arn is None):
        raise invalid("Must provide exactly one of: sourceTableArn, sourceTableName")
    latest, given = bool(req.get("UseLatestRestorableTime")), req.get("RestoreDateTime")
    if latest == (given is not None):
        raise invalid("Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both")
    found = find_table(tx, name or arn or "")
    tx, source = found.tx, found.row
    if not source.recovery:
        raise Fault("PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{source.name}'")
    at = tx.now if given is None else float(given)
    if not history.earliest(tx, source) <= at <= tx.now:
        raise Fault(
            "InvalidRestoreTimeException",
            "An invalid restore time was specified. "
            "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime.",
        )
    summary = {"SourceTableArn": arn_of(tx.region, tx.account, source.name), "RestoreDateTime": at, "RestoreInProgress": True}
    row = _made(tx, req, source, summary)
    copying.restore(tx, row, {"table": source.name, "number": source.number, "at": at})
    return {"TableDescription": described(tx, row, "CREATING")}


def _made(tx: Tx, req: Mapping[str, Any], source: TableRow, summary: Mapping[str, Any]) -> TableRow:
    """The new table, still empty."""
    name = req["TargetTableName"]
    check_name(name, "TargetTableName")
    if tx.get(TABLES, name) is not None:
        raise Fault("TableAlreadyExistsException", f"Table already exists: {name}")
    override = req.get("SSESpecificationOverride")
    row = TableRow(
        name=name,
        number=tx.serial(),
        id=tx.new_id(),
        created=tx.now,
        types=source.types,
        hash=source.hash,
        range=source.range,
        indexes=[msgspec.structs.replace(index, number=tx.serial(), filling=False) for index in _indexes(req, source)],
        on_demand=source.on_demand,
        billing_changed=tx.now if source.on_demand else 0.0,
        read=source.read,
        write=source.write,
        limits=dict(req.get("OnDemandThroughputOverride") or source.limits),
        class_=source.class_,
        key=source.key if override is None else key_of(tx, override),
        restored=dict(summary),
        filling=True,
    )
    row = _billed(tx, req, row)
    tx.put(TABLES, name, value=row)
    return row


def _indexes(req: Mapping[str, Any], source: TableRow) -> list[Any]:
    """The indexes that are wanted of those that were there."""
    kept = list(source.indexes)
    for member, local in (("LocalSecondaryIndexOverride", True), ("GlobalSecondaryIndexOverride", False)):
        given = req.get(member)
        if given is None:
            continue
        names = {index["IndexName"] for index in given}
        for name in sorted(names - {index.name for index in source.indexes if index.local == local}):
            raise invalid(
                f"Invalid Request: Index {name} does not match a secondary index that existed in the source table "
                "and cannot be created during the restore operation"
            )
        kept = [index for index in kept if index.local != local or index.name in names]
    return kept


def _billed(tx: Tx, req: Mapping[str, Any], row: TableRow) -> TableRow:
    mode, given = req.get("BillingModeOverride"), req.get("ProvisionedThroughputOverride")
    on_demand = row.on_demand if mode is None else mode == "PAY_PER_REQUEST"
    if on_demand:
        if given is not None:
            raise invalid("Invalid Request: Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST")
        indexes = [msgspec.structs.replace(index, read=0, write=0) for index in row.indexes]
        return msgspec.structs.replace(row, on_demand=True, billing_changed=tx.now, read=0, write=0, indexes=indexes)
    if given is None:
        if row.on_demand:
            raise invalid("Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED")
        return row
    schema.check_units(given)
    return msgspec.structs.replace(
        row, on_demand=False, billing_changed=0.0, read=given["ReadCapacityUnits"], write=given["WriteCapacityUnits"]
    )
