"""What DynamoDB refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.dynamo import item, make, schema, table_arn
from tests.stories.dynamo_refused import INVALID, KEY, OF_A_TABLE, PARAMETERS, READS, TOGETHER, VALUES, WRONG, T
from tests.stories.here import Here
from tests.stories.refusals import Case, filled, one_region, refusal, untold

NOT_FOUND = ("ResourceNotFoundException", "Requested resource not found")
NO_TABLE = ("ResourceNotFoundException", "Requested resource not found: Table: none not found")
NO_TABLE_NAMED = ("TableNotFoundException", "Table not found: none")
OF_A_NAME: dict[str, dict[str, Any]] = {
    "describe_table": {},
    "delete_table": {},
    "update_table": {"TableClass": "STANDARD"},
    "describe_time_to_live": {},
    "update_time_to_live": {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "x"}},
    "describe_contributor_insights": {},
    "update_contributor_insights": {"ContributorInsightsAction": "ENABLE"},
    "list_contributor_insights": {},
    "describe_kinesis_streaming_destination": {},
    "enable_kinesis_streaming_destination": {"StreamArn": f"{table_arn('none')}/stream/2026-01-01T00:00:00.000"},
    "disable_kinesis_streaming_destination": {"StreamArn": f"{table_arn('none')}/stream/2026-01-01T00:00:00.000"},
    "update_kinesis_streaming_destination": {"StreamArn": f"{table_arn('none')}/stream/2026-01-01T00:00:00.000"},
}
BACKED_UP: dict[str, dict[str, Any]] = {
    "create_backup": {"BackupName": "one"},
    "describe_continuous_backups": {},
    "update_continuous_backups": {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
}
BACKUP = f"{table_arn('books')}/backup/01767225600000-00000000"
ABSENT: list[Case] = [
    *((operation, {"TableName": "none", **request}, *NOT_FOUND) for operation, request in OF_A_TABLE.items()),
    *((operation, {"TableName": "none", **request}, *NO_TABLE) for operation, request in OF_A_NAME.items()),
    *((operation, {"TableName": "none", **request}, *NO_TABLE_NAMED) for operation, request in BACKED_UP.items()),
    ("batch_get_item", {"RequestItems": {"none": {"Keys": [KEY]}}}, *NOT_FOUND),
    ("batch_write_item", {"RequestItems": {"none": [{"DeleteRequest": {"Key": KEY}}]}}, *NOT_FOUND),
    ("transact_get_items", {"TransactItems": [{"Get": {"TableName": "none", "Key": KEY}}]}, *NOT_FOUND),
    ("transact_write_items", {"TransactItems": [{"Delete": {"TableName": "none", "Key": KEY}}]}, *NOT_FOUND),
    ("execute_statement", {"Statement": "SELECT * FROM none"}, *NOT_FOUND),
    ("execute_transaction", {"TransactStatements": [{"Statement": "SELECT * FROM none"}]}, *NOT_FOUND),
    ("describe_backup", {"BackupArn": BACKUP}, "BackupNotFoundException", f"Backup not found: {BACKUP}"),
    ("delete_backup", {"BackupArn": BACKUP}, "BackupNotFoundException", f"Backup not found: {BACKUP}"),
    (
        "restore_table_from_backup",
        {"TargetTableName": "new", "BackupArn": BACKUP},
        "BackupNotFoundException",
        f"Backup not found: {BACKUP}",
    ),
    (
        "restore_table_from_backup",
        {"TargetTableName": "books", "BackupArn": "$backup"},
        "TableAlreadyExistsException",
        "Table already exists: books",
    ),
    (
        "restore_table_to_point_in_time",
        {"TargetTableName": "new", "SourceTableName": "none", "UseLatestRestorableTime": True},
        *NO_TABLE_NAMED,
    ),
    (
        "restore_table_to_point_in_time",
        {"TargetTableName": "new", "SourceTableName": "books", "UseLatestRestorableTime": True},
        "PointInTimeRecoveryUnavailableException",
        "Point in time recovery is not enabled for table 'books'",
    ),
    (
        "restore_table_to_point_in_time",
        {"TargetTableName": "new", "SourceTableName": "kept", "RestoreDateTime": 0.0},
        "InvalidRestoreTimeException",
        ("An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime."),
    ),
    (
        "restore_table_to_point_in_time",
        {"TargetTableName": "books", "SourceTableName": "kept", "UseLatestRestorableTime": True},
        "TableAlreadyExistsException",
        "Table already exists: books",
    ),
    (
        "export_table_to_point_in_time",
        {"TableArn": table_arn("none"), "S3Bucket": "box"},
        "TableNotFoundException",
        f"Table not found: {table_arn('none')}",
    ),
    (
        "export_table_to_point_in_time",
        {"TableArn": table_arn("books"), "S3Bucket": "box"},
        "PointInTimeRecoveryUnavailableException",
        "Point in time recovery is not enabled for table 'books'",
    ),
    (
        "export_table_to_point_in_time",
        {"TableArn": table_arn("kept"), "S3Bucket": "box", "ExportTime": 0.0},
        "InvalidExportTimeException",
        "Export Time is invalid",
    ),
    (
        "export_table_to_point_in_time",
        {"TableArn": table_arn("kept"), "S3Bucket": "other", "ClientToken": "t"},
        "ExportConflictException",
        "ClientToken was used with other parameters before.",
    ),
    (
        "describe_export",
        {"ExportArn": f"{table_arn('books')}/export/01767225600000-00000000"},
        "ExportNotFoundException",
        f"Export not found: {table_arn('books')}/export/01767225600000-00000000",
    ),
    (
        "describe_import",
        {"ImportArn": f"{table_arn('books')}/import/01767225600000-00000000"},
        "ImportNotFoundException",
        f"Import not found: {table_arn('books')}/import/01767225600000-00000000",
    ),
    (
        "get_resource_policy",
        {"ResourceArn": table_arn("none")},
        "ResourceNotFoundException",
        f"Requested resource not found: Table: {table_arn('none')} not found",
    ),
    (
        "get_resource_policy",
        {"ResourceArn": table_arn("books")},
        "PolicyNotFoundException",
        f"Resource-based policy not found for the provided ResourceArn: {table_arn('books')}",
    ),
    *(
        (
            operation,
            {"ResourceArn": table_arn("books"), "ExpectedRevisionId": "7", **more},
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {table_arn('books')}",
        )
        for operation, more in (("put_resource_policy", {"Policy": "{}"}), ("delete_resource_policy", {}))
    ),
    *(
        (
            operation,
            {"ResourceArn": table_arn("none"), **more},
            "ResourceNotFoundException",
            f"Requested resource not found: Table: {table_arn('none')} not found",
        )
        for operation, more in (("put_resource_policy", {"Policy": "{}"}), ("delete_resource_policy", {}))
    ),
    *(
        (
            operation,
            {"ResourceArn": table_arn("none"), **more},
            "ResourceNotFoundException",
            f"Requested resource not found: ResourcArn: {table_arn('none')} not found",
        )
        for operation, more in (
            ("tag_resource", {"Tags": [{"Key": "a", "Value": "b"}]}),
            ("untag_resource", {"TagKeys": ["a"]}),
            ("list_tags_of_resource", {}),
        )
    ),
]


def _table(said: str, **given: Any) -> Case:
    """A table that can't be created."""
    whole = {**_plain("new"), **given}
    return "create_table", {name: one for name, one in whole.items() if one is not None}, INVALID, said


def _plain(name: str) -> dict[str, Any]:
    """What a table of one key is created with."""
    defined = [{"AttributeName": "id", "AttributeType": "S"}]
    return {"TableName": name, "KeySchema": schema("id"), "AttributeDefinitions": defined, "BillingMode": "PAY_PER_REQUEST"}


THROUGHPUT = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
INDEX: dict[str, Any] = {"IndexName": "wide", "KeySchema": schema("id"), "Projection": {"ProjectionType": "ALL"}}
LOCAL: dict[str, Any] = {**INDEX, "KeySchema": schema("id", "at")}
STARTS = f"{WRONG}Some index key attributes are not defined in AttributeDefinitions. "
TABLES = [
    _table("TableName must be at least 3 characters long and at most 255 characters long", TableName="ab"),
    _table(
        (
            "1 validation error detected: Value 'a b c' at 'tableName' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: [a-zA-Z0-9_.-]+"
        ),
        TableName="a b c",
    ),
    _table(
        f"{WRONG}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ProvisionedThroughput=THROUGHPUT,
    ),
    _table(f"{WRONG}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED", BillingMode=None),
    _table(f"{STARTS}Keys: [x], AttributeDefinitions: [id]", KeySchema=schema("x")),
    _table("Invalid KeySchema: Some index key attribute have no definition", KeySchema=schema("id", "id")),
    _table(
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        KeySchema=schema("id", "id"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "x")],
    ),
    _table("Invalid KeySchema: The first KeySchemaElement is not a HASH key type", KeySchema=[{"AttributeName": "id", "KeyType": "RANGE"}]),
    _table(
        f"{WRONG}Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "x")],
    ),
    _table(f"{WRONG}List of GlobalSecondaryIndexes is empty", GlobalSecondaryIndexes=[]),
    _table(
        f"{WRONG}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        LocalSecondaryIndexes=[INDEX],
    ),
    _table(f"{WRONG}Duplicate index name: wide", GlobalSecondaryIndexes=[INDEX, INDEX]),
    _table(f"{WRONG}Unknown ProjectionType: null", GlobalSecondaryIndexes=[{**INDEX, "Projection": {}}]),
    _table(
        f"{WRONG}ProjectionType is ALL, but NonKeyAttributes is specified",
        GlobalSecondaryIndexes=[{**INDEX, "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["x"]}}],
    ),
    _table(
        f"{WRONG}ProvisionedThroughput should not be specified for index: wide when BillingMode is PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{**INDEX, "ProvisionedThroughput": THROUGHPUT}],
    ),
    _table(
        f"{WRONG}GlobalSecondaryIndex count exceeds the per-table limit of 20",
        GlobalSecondaryIndexes=[{**INDEX, "IndexName": f"wide{number}"} for number in range(21)],
    ),
    _table(f"{WRONG}Table is being created with a stream enabled, UpdateViewType is required", StreamSpecification={"StreamEnabled": True}),
    _table(f"{WRONG}KMSMasterKeyId can not be specified if Enabled is false", SSESpecification={"Enabled": False, "KMSMasterKeyId": "k"}),
    ("create_table", _plain("books"), "ResourceInUseException", "Table already exists: books"),
    (
        "import_table",
        {"S3BucketSource": {"S3Bucket": "box"}, "InputFormat": "CSV", "TableCreationParameters": _plain("books")},
        "ResourceInUseException",
        "Table already exists: books",
    ),
    (
        "import_table",
        {"S3BucketSource": {"S3Bucket": "other"}, "InputFormat": "CSV", "ClientToken": "t", "TableCreationParameters": _plain("taken")},
        "ImportConflictException",
        "ClientToken was used with other parameters before.",
    ),
    (
        "delete_table",
        {"TableName": "kept"},
        INVALID,
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    ),
    ("update_table", {**T, "StreamSpecification": {"StreamEnabled": False}}, INVALID, "Table has no stream to disable: TableName: books"),
    ("update_table", {**T, "SSESpecification": {"Enabled": False}}, INVALID, f"{WRONG}Table is already encrypted by default"),
    (
        "update_table",
        {**T, "TableClass": "STANDARD", "DeletionProtectionEnabled": True},
        INVALID,
        f"{WRONG}TableClass modification must be the only operation in the request",
    ),
    (
        "update_table",
        {**T, "ProvisionedThroughput": THROUGHPUT},
        INVALID,
        f"{WRONG}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    ),
    (
        "update_table",
        {**T, "GlobalSecondaryIndexUpdates": [{"Create": {**INDEX, "IndexName": "by-shelf"}}]},
        INVALID,
        "Attempting to create an index which already exists",
    ),
    (
        "update_table",
        {**T, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}} for name in ("one", "two")]},
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    ),
    (
        "update_table",
        {**T, "ReplicaUpdates": [{"Delete": {"RegionName": "eu-west-1"}}]},
        INVALID,
        (
            "Update global table operation failed because one or more replicas were not part of the global table. Please "
            "retry the request without these replicas: [eu-west-1]."
        ),
    ),
    (
        "update_table",
        T,
        INVALID,
        (
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
            "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
            "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
        ),
    ),
    (
        "update_time_to_live",
        {**T, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "x"}},
        INVALID,
        "TimeToLive is already disabled",
    ),
    (
        "update_time_to_live",
        {"TableName": "kept", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "x"}},
        INVALID,
        "TimeToLive is active on a different AttributeName: current AttributeName is ends",
    ),
    ("tag_resource", {"ResourceArn": table_arn("books"), "Tags": []}, INVALID, "Atleast one Tag needs to be provided as Input."),
    (
        "put_resource_policy",
        {"ResourceArn": table_arn("books"), "Policy": "x" * 20_481},
        INVALID,
        f"{WRONG}Maximum policy size of 20480 bytes exceeded",
    ),
]
LEGACY = (
    f"{WRONG}DynamoDB global tables version 2017.11.29 is not supported. "
    "We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy)."
)
NAMED = {"GlobalTableName": "books"}
NO_GLOBAL = ("GlobalTableNotFoundException", "Global table not found: Global table with name: 'books' does not exist.")
FORMER: list[Case] = [
    ("create_global_table", {**NAMED, "ReplicationGroup": [{"RegionName": "eu-west-1"}]}, INVALID, LEGACY),
    ("update_global_table", {**NAMED, "ReplicaUpdates": []}, INVALID, LEGACY),
    *((operation, NAMED, *NO_GLOBAL) for operation in ("describe_global_table", "describe_global_table_settings")),
    ("update_global_table_settings", NAMED, *NO_GLOBAL),
]
CASES: list[Case] = [*FORMER, *ABSENT, *VALUES, *PARAMETERS, *READS, *TOGETHER, *TABLES]
ELSEWHERE = {"delete_table ResourceInUseException": "test_dynamodb_refusals.py::test_a_table_that_is_being_filled_can_not_be_deleted"}
NEVER = (
    # Global tables of 2017 are made no more.
    *(f"create_global_table {fault}Exception" for fault in ("LimitExceeded", "GlobalTableAlreadyExists", "TableNotFound")),
    *(
        f"update_global_table {fault}Exception"
        for fault in ("GlobalTableNotFound", "ReplicaAlreadyExists", "ReplicaNotFound", "TableNotFound")
    ),
    *(f"update_global_table_settings {fault}" for fault in ("ReplicaNotFoundException", "IndexNotFoundException")),
    *(f"update_global_table_settings {fault}" for fault in ("LimitExceededException", "ResourceInUseException")),
    *("InternalServerError", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"),
    # Everything is done in its turn, and no table is between two states.
    *("TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException", "TableInUseException"),
    *("BackupInUseException", "ContinuousBackupsUnavailableException", "ItemCollectionSizeLimitExceededException"),
    *(f"{operation} ResourceInUseException" for operation in ("update_table", "update_time_to_live", "tag_resource", "untag_resource")),
    *(f"{operation} ResourceInUseException" for operation in ("put_resource_policy", "delete_resource_policy")),
    *(
        f"{action}_kinesis_streaming_destination {fault}"
        for action in ("enable", "disable", "update")
        for fault in ("ResourceInUseException", "LimitExceededException")
    ),
    *(
        f"{operation} LimitExceededException"
        for operation in (
            *("create_backup", "create_table", "delete_backup", "delete_table", "describe_export", "list_exports", "list_imports"),
            *("restore_table_from_backup", "restore_table_to_point_in_time", "export_table_to_point_in_time", "import_table"),
            *("tag_resource", "untag_resource", "update_time_to_live", "put_resource_policy", "delete_resource_policy"),
        )
    ),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    dynamodb = here.dynamodb
    by_shelf = {"IndexName": "by-shelf", "KeySchema": schema("shelf"), "Projection": {"ProjectionType": "ALL"}}
    make(here, keys="id:S at:N", more="shelf:S", GlobalSecondaryIndexes=[by_shelf])
    make(here, "kept", DeletionProtectionEnabled=True)
    dynamodb.put_item(TableName="books", Item=item(id="there", at=1))
    dynamodb.transact_write_items(TransactItems=[{"Put": {**T, "Item": item(id="b", at=1)}}], ClientRequestToken="t")
    dynamodb.update_continuous_backups(TableName="kept", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    dynamodb.update_time_to_live(TableName="kept", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    here.s3.create_bucket(Bucket="box")
    dynamodb.export_table_to_point_in_time(TableArn=table_arn("kept"), S3Bucket="box", ClientToken="t")
    dynamodb.import_table(S3BucketSource={"S3Bucket": "box"}, InputFormat="CSV", ClientToken="t", TableCreationParameters=_plain("taken"))
    here.rest()
    return {"$backup": dynamodb.create_backup(TableName="books", BackupName="one")["BackupDetails"]["BackupArn"]}


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda one: one[:40] if isinstance(one, str) else "")
def test_what_dynamodb_refuses_is_refused_in_its_words(
    here: Here, world: dict[str, str], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert refusal(getattr(here.dynamodb, operation), **filled(request_, world)) == (code, said)


def test_a_key_that_kms_does_not_know_is_refused(here: Here) -> None:
    code, said = refusal(make, here=here, name="new", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/none"})
    assert (code, said.partition(":")[0]) == (INVALID, "KMS validation error")


def test_a_table_that_is_being_filled_can_not_be_deleted(here: Here, world: dict[str, str]) -> None:
    task = here.begin.dynamodb.import_table(
        S3BucketSource={"S3Bucket": "box"}, InputFormat="CSV", TableCreationParameters=_plain("filling")
    )
    removal = here.begin.dynamodb.delete_table(TableName="filling")
    assert here.result(task)["ImportTableDescription"]["ImportStatus"] == "IN_PROGRESS"
    with pytest.raises(Exception, match="Attempt to change a resource which is still in use: Table is being created: filling"):
        here.result(removal)


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("dynamodb", CASES, ELSEWHERE, NEVER) == []
