"""A table can be had as it was: from a backup, or from any moment since point-in-time recovery is on."""

from __future__ import annotations

from typing import Any

from tests.stories.dynamo import item, make, schema, table_arn
from tests.stories.here import Here

ON = {"PointInTimeRecoveryEnabled": True}


def contents(here: Here, table: str) -> list[Any]:
    return sorted(here.dynamodb.scan(TableName=table)["Items"], key=lambda found: found["id"]["S"])


def put(here: Here, *items: dict[str, Any]) -> None:
    for one in items:
        here.dynamodb.put_item(TableName="books", Item=one)


def test_a_backup_keeps_a_table_as_it_was(here: Here) -> None:
    by_shelf = {"IndexName": "by-shelf", "KeySchema": schema("shelf"), "Projection": {"ProjectionType": "ALL"}}
    make(here, more="shelf:S", GlobalSecondaryIndexes=[by_shelf])
    before = [item(id="a", shelf="s"), item(id="b", n=1)]
    put(here, *before)
    made = here.dynamodb.create_backup(TableName="books", BackupName="first")["BackupDetails"]
    arn = made["BackupArn"]
    assert made == {
        "BackupArn": arn,
        "BackupName": "first",
        "BackupSizeBytes": 15,
        "BackupStatus": "CREATING",
        "BackupType": "USER",
        "BackupCreationDateTime": here.now,
    }
    assert here.dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    here.dynamodb.delete_table(TableName="books")
    here.rest()
    restored = here.dynamodb.restore_table_from_backup(TargetTableName="again", BackupArn=arn)["TableDescription"]
    assert (restored["TableStatus"], restored["RestoreSummary"]["RestoreInProgress"]) == ("CREATING", True)
    assert contents(here, "again") == before
    table = here.dynamodb.describe_table(TableName="again")["Table"]
    assert (table["TableStatus"], table["ItemCount"], table["GlobalSecondaryIndexes"][0]["ItemCount"]) == ("ACTIVE", 2, 1)


def test_large_tables_are_copied_a_slice_at_a_time(here: Here) -> None:
    make(here)
    items = [item(id=f"{number:03d}") for number in range(600)]
    for at in range(0, 600, 25):
        here.dynamodb.batch_write_item(RequestItems={"books": [{"PutRequest": {"Item": one}} for one in items[at : at + 25]]})
    arn = here.dynamodb.create_backup(TableName="books", BackupName="first")["BackupDetails"]["BackupArn"]
    here.rest()
    here.dynamodb.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    here.rest()
    assert contents(here, "again") == items


def test_backups_are_listed_by_table_and_time(here: Here) -> None:
    make(here)
    make(here, "films")
    names: list[str] = []
    for table in ("books", "films", "books"):
        names.append(here.dynamodb.create_backup(TableName=table, BackupName="copy")["BackupDetails"]["BackupArn"])
        here.jump(60)
    page = here.dynamodb.list_backups(TableName="books", Limit=1)
    assert [one["BackupArn"] for one in page["BackupSummaries"]] == names[:1]
    rest = here.dynamodb.list_backups(TableName="books", ExclusiveStartBackupArn=page["LastEvaluatedBackupArn"])
    assert [one["BackupArn"] for one in rest["BackupSummaries"]] == names[2:]
    here.dynamodb.delete_backup(BackupArn=names[0])
    late = here.dynamodb.list_backups(TimeRangeLowerBound=here.now - 130)
    assert [one["BackupArn"] for one in late["BackupSummaries"]] == names[1:]


def test_a_table_is_restored_to_a_moment(here: Here) -> None:
    make(here)
    put(here, item(id="a", n=0), item(id="b", n=0))
    here.dynamodb.update_continuous_backups(TableName="books", PointInTimeRecoverySpecification=ON)
    here.jump(100)
    put(here, item(id="a", n=1), item(id="c", n=1))
    here.jump(100)
    moment = here.now
    here.jump(100)
    here.dynamodb.delete_item(TableName="books", Key=item(id="b"))
    put(here, item(id="a", n=2))
    put(here, item(id="d", n=2))
    restored = here.dynamodb.restore_table_to_point_in_time(SourceTableName="books", TargetTableName="then", RestoreDateTime=moment)[
        "TableDescription"
    ]
    assert restored["RestoreSummary"] == {"SourceTableArn": table_arn("books"), "RestoreDateTime": moment, "RestoreInProgress": True}
    assert contents(here, "then") == [item(id="a", n=1), item(id="b", n=0), item(id="c", n=1)]
    here.dynamodb.restore_table_to_point_in_time(SourceTableName="books", TargetTableName="now", UseLatestRestorableTime=True)
    assert contents(here, "now") == contents(here, "books")


def test_what_is_older_than_the_recovery_period_can_not_be_restored(here: Here) -> None:
    make(here)
    asked = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 2}
    here.dynamodb.update_continuous_backups(TableName="books", PointInTimeRecoverySpecification=asked)
    here.jump(5 * 86_400)
    shown = here.dynamodb.describe_continuous_backups(TableName="books")["ContinuousBackupsDescription"]
    assert shown == {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": 2,
            "EarliestRestorableDateTime": here.now - 2 * 86_400,
            "LatestRestorableDateTime": here.now,
        },
    }
