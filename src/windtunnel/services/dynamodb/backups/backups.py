"""Backups on demand, and point-in-time recovery switched on and off.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BackupRestore.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.backups import copying, history
from windtunnel.services.dynamodb.backups.state import BACKUPS, Backup
from windtunnel.services.dynamodb.backups.views import described, details, find_backup, find_table
from windtunnel.services.dynamodb.lookup import Found, name_of
from windtunnel.services.dynamodb.state import NUMBERS, TABLES, arn_of

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

LISTED_MAX = 100
RECOVERY_DAYS = 35


def create_backup(tx: Tx, req: t.CreateBackupInput) -> dict[str, Any]:
    found = find_table(tx, req["TableName"])
    tx, row = found.tx, found.row
    backup = Backup(
        id=f"{int(tx.now * 1000):014d}-{tx.new_id()[:8]}",
        number=tx.serial(),
        name=req["BackupName"],
        created=tx.now,
        row=row,
        size=int(tx.amount(NUMBERS, row.number, 0, "bytes")),
        items=int(tx.amount(NUMBERS, row.number, 0, "items")),
    )
    tx.put(BACKUPS, backup.id, value=backup)
    copying.back_up(tx, backup)
    return {"BackupDetails": details(tx, backup)}


def describe_backup(tx: Tx, req: t.DescribeBackupInput) -> dict[str, Any]:
    tx, backup = find_backup(tx, req["BackupArn"])
    return {"BackupDescription": described(tx, backup)}


def delete_backup(tx: Tx, req: t.DeleteBackupInput) -> dict[str, Any]:
    tx, backup = find_backup(tx, req["BackupArn"])
    tx.delete(BACKUPS, backup.id)
    copying.abandon(tx, backup)
    return {"BackupDescription": described(tx, backup, "DELETED")}


def list_backups(tx: Tx, req: t.ListBackupsInput) -> dict[str, Any]:
    low, high = req.get("TimeRangeLowerBound", 0.0), req.get("TimeRangeUpperBound", float("inf"))
    if low > high:
        raise invalid("One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound")
    limit, kind = req.get("Limit", LISTED_MAX), req.get("BackupType", "ALL")
    after = find_backup(tx, req["ExclusiveStartBackupArn"])[1] if "ExclusiveStartBackupArn" in req else None
    if "TableName" in req:
        start = (low,) if after is None else (after.created, after.id, True)
        rows = tx.find(BACKUPS, "table", name_of(tx, req["TableName"]), start=start)
    else:
        rows = tx.scan(BACKUPS, start=(f"{int(low * 1000):014d}",) if after is None else (after.id, True))
    summaries: list[dict[str, Any]] = []
    last = ""
    for _, backup in rows if kind in ("ALL", "USER") else ():
        if backup.created >= high:
            break
        if len(summaries) == limit:
            last = summaries[-1]["BackupArn"]
            break
        table = {"TableName": backup.row.name, "TableId": backup.row.id, "TableArn": arn_of(tx.region, tx.account, backup.row.name)}
        summaries.append({**table, **details(tx, backup)})
    return {"BackupSummaries": summaries, **({"LastEvaluatedBackupArn": last} if last else {})}


def update_continuous_backups(tx: Tx, req: t.UpdateContinuousBackupsInput) -> dict[str, Any]:
    found = find_table(tx, req["TableName"])
    tx, row, given = found.tx, found.row, req["PointInTimeRecoverySpecification"]
    enabled, days = given["PointInTimeRecoveryEnabled"], given.get("RecoveryPeriodInDays")
    if not enabled and days is not None:
        raise invalid("Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.")
    since = (row.recovery or tx.now) if enabled else 0.0
    changed = msgspec.structs.replace(row, recovery=since, recovery_days=days or (row.recovery_days if row.recovery else RECOVERY_DAYS))
    tx.put(TABLES, row.name, value=changed)
    if bool(row.recovery) != enabled:
        history.watch(tx, changed)
    return {"ContinuousBackupsDescription": _continuous(Found(tx, changed))}


def describe_continuous_backups(tx: Tx, req: t.DescribeContinuousBackupsInput) -> dict[str, Any]:
    return {"ContinuousBackupsDescription": _continuous(find_table(tx, req["TableName"]))}


def _continuous(found: Found) -> dict[str, Any]:
    row = found.row
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "ENABLED" if row.recovery else "DISABLED"}
    if row.recovery:
        recovery |= {
            "RecoveryPeriodInDays": row.recovery_days,
            "EarliestRestorableDateTime": history.earliest(found.tx, row),
            "LatestRestorableDateTime": found.tx.now,
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
