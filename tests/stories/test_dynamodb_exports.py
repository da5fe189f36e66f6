"""Tables go to buckets as files, and come from there."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.stories.dynamo import item, make, schema, table_arn, value
from tests.stories.here import Here

ON = {"PointInTimeRecoveryEnabled": True}


@pytest.fixture
def books(here: Here) -> Here:
    """A table that can be exported, with two items, and a bucket."""
    here.s3.create_bucket(Bucket="box")
    make(here)
    here.dynamodb.update_continuous_backups(TableName="books", PointInTimeRecoverySpecification=ON)
    here.dynamodb.put_item(TableName="books", Item={**item(id="a", n=1), "data": {"B": b"\x90"}})
    here.dynamodb.put_item(TableName="books", Item=item(id="b", tags=["x", {"y": None}]))
    return here


def body(here: Here, key: str) -> bytes:
    async def read() -> bytes:
        answer = await here.cloud.run("s3", "get_object", {"Bucket": "box", "Key": key}, here.scope)
        found: Any = answer["Body"]
        return found if isinstance(found, bytes) else b"".join([chunk async for chunk in found])

    return here.run(read())


def lines(here: Here, key: str) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(body(here, key)).splitlines()]


def exported(here: Here, **given: Any) -> Any:
    started = here.dynamodb.export_table_to_point_in_time(TableArn=table_arn("books"), S3Bucket="box", **given)
    arn = started["ExportDescription"]["ExportArn"]
    here.rest()
    return here.dynamodb.describe_export(ExportArn=arn)["ExportDescription"]


def data_files(here: Here, export: Any) -> list[str]:
    manifest = body(here, export["ExportManifest"].replace("summary", "files"))
    return [json.loads(line)["dataFileS3Key"] for line in manifest.splitlines()]


def test_an_export_writes_files_and_manifests(books: Here) -> None:
    here = books
    export = exported(here, S3Prefix="out")
    assert (export["ExportStatus"], export["ItemCount"]) == ("COMPLETED", 2)
    (file,) = data_files(here, export)
    assert file.startswith(f"out/AWSDynamoDB/{export['ExportArn'].rpartition('/')[2]}/data/")
    found = sorted(lines(here, file), key=lambda line: line["Item"]["id"]["S"])
    assert found == [{"Item": {**item(id="a", n=1), "data": {"B": "kA=="}}}, {"Item": item(id="b", tags=["x", {"y": None}])}]
    summary = json.loads(body(here, export["ExportManifest"]))
    assert (summary["itemCount"], summary["outputFormat"], summary["exportType"]) == (2, "DYNAMODB_JSON", "FULL_EXPORT")
    assert here.dynamodb.list_exports()["ExportSummaries"] == [{"ExportArn": export["ExportArn"], "ExportStatus": "COMPLETED"}]


def test_an_export_shows_the_table_as_it_was(books: Here) -> None:
    here = books
    here.jump(3_600)
    then = here.now
    here.jump(3_600)
    here.dynamodb.delete_item(TableName="books", Key=item(id="a"))
    here.dynamodb.put_item(TableName="books", Item=item(id="c"))
    (file,) = data_files(here, exported(here, ExportTime=then))
    assert sorted(line["Item"]["id"]["S"] for line in lines(here, file)) == ["a", "b"]
    between = {"ExportFromTime": then, "ExportToTime": here.now, "ExportViewType": "NEW_AND_OLD_IMAGES"}
    (file,) = data_files(here, exported(here, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=between))
    changes = {line["Keys"]["id"]["S"]: ("OldImage" in line, "NewImage" in line) for line in lines(here, file)}
    assert changes == {"a": (True, False), "c": (False, True)}


def test_an_export_to_no_bucket_fails(books: Here) -> None:
    arn = books.dynamodb.export_table_to_point_in_time(TableArn=table_arn("books"), S3Bucket="none")["ExportDescription"]["ExportArn"]
    books.rest()
    export = books.dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
    assert (export["ExportStatus"], export["FailureCode"]) == ("FAILED", "S3NoSuchBucket")


def imported(here: Here, **given: Any) -> Any:
    table = {
        "TableName": "again",
        "KeySchema": schema("id"),
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    made = here.dynamodb.import_table(TableCreationParameters=table, **given)["ImportTableDescription"]
    assert made["ImportStatus"] == "IN_PROGRESS"
    here.rest()
    return here.dynamodb.describe_import(ImportArn=made["ImportArn"])["ImportTableDescription"]


def test_what_was_exported_can_be_imported(books: Here) -> None:
    here = books
    export = exported(here)
    (file,) = data_files(here, export)
    source = {"S3Bucket": "box", "S3KeyPrefix": file.rpartition("/")[0]}
    done = imported(here, S3BucketSource=source, InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP")
    assert (done["ImportStatus"], done["ImportedItemCount"], done["ErrorCount"]) == ("COMPLETED", 2, 0)
    again = here.dynamodb.get_item(TableName="again", Key=item(id="a"))
    assert again == here.dynamodb.get_item(TableName="books", Key=item(id="a"))
    assert here.dynamodb.list_imports()["ImportSummaryList"][0]["ImportArn"] == done["ImportArn"]


def test_lines_of_a_csv_file_become_items(here: Here) -> None:
    here.s3.create_bucket(Bucket="box")
    here.s3.put_object(Bucket="box", Key="in/one.csv", Body=b'id;title\na;"one; two"\n;nobody\nb;\n')
    options = {"Csv": {"Delimiter": ";"}}
    source = {"S3Bucket": "box", "S3KeyPrefix": "in/"}
    done = imported(here, S3BucketSource=source, InputFormat="CSV", InputFormatOptions=options)
    assert (done["ProcessedItemCount"], done["ImportedItemCount"], done["ErrorCount"]) == (3, 2, 1)
    found = here.dynamodb.scan(TableName="again")["Items"]
    assert sorted(found, key=lambda one: one["id"]["S"]) == [{"id": value("a"), "title": value("one; two")}, {"id": value("b")}]
