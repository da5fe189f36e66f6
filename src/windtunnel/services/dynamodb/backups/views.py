"""Backups found, and printed."""

from __future__ import annotations

import re
from typing import Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.backups.state import BACKUPS, Backup
from windtunnel.services.dynamodb.lookup import Found, find_named
from windtunnel.services.dynamodb.state import arn_of
from windtunnel.services.dynamodb.tables.views import described as described_table

_RESOURCE = re.compile(r"table/([a-zA-Z0-9_.-]+)/backup/([0-9a-f-]+)\Z")


def find_table(tx: Tx, text: str) -> Found:
    """The table of a request about backups, which have a fault of their own where there is none."""
    try:
        return find_named(tx, text)
    except Fault as fault:
        if fault.code != "ResourceNotFoundException":
            raise
        raise Fault("TableNotFoundException", f"Table not found: {text}") from None


def find_backup(tx: Tx, arn: str) -> tuple[Tx, Backup]:
    parsed = parse_or_none(arn)
    match = _RESOURCE.match(parsed.resource) if parsed is not None and parsed.service == "dynamodb" else None
    if parsed is None or match is None:
        raise invalid("Invalid Backup ARN")
    tx = tx.at(account=parsed.account, region=parsed.region)
    backup = tx.get(BACKUPS, match[2])
    if backup is None or backup.row.name != match[1]:
        raise Fault("BackupNotFoundException", f"Backup not found: {arn}")
    return tx, backup


def backup_arn(tx: Tx, backup: Backup) -> str:
    return f"{arn_of(tx.region, tx.account, backup.row.name)}/backup/{backup.id}"


def details(tx: Tx, backup: Backup, status: str = "") -> dict[str, Any]:
    return {
        "BackupArn": backup_arn(tx, backup),
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size,
        "BackupStatus": status or ("AVAILABLE" if backup.complete else "CREATING"),
        "BackupType": "USER",
        "BackupCreationDateTime": backup.created,
    }


def described(tx: Tx, backup: Backup, status: str = "") -> dict[str, Any]:
    row, whole = backup.row, described_table(tx, backup.row)
    source: dict[str, Any] = {
        "TableName": row.name,
        "TableId": row.id,
        "TableArn": whole["TableArn"],
        "TableSizeBytes": backup.size,
        "KeySchema": whole["KeySchema"],
        "TableCreationDateTime": row.created,
        "ProvisionedThroughput": {"ReadCapacityUnits": row.read, "WriteCapacityUnits": row.write},
        "ItemCount": backup.items,
        "BillingMode": "PAY_PER_REQUEST" if row.on_demand else "PROVISIONED",
    }
    features: dict[str, Any] = {}
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        kept = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
        if member in whole:
            features[member] = [{name: index[name] for name in kept if name in index} for index in whole[member]]
    if row.stream:
        features["StreamDescription"] = whole["StreamSpecification"]
    if row.ttl:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": row.ttl}
    if row.key:
        features["SSEDescription"] = whole["SSEDescription"]
    return {"BackupDetails": details(tx, backup, status), "SourceTableDetails": source, "SourceTableFeatureDetails": features}
