"""Tables made of files in a bucket.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.exports.jobs import digest_of, find_job, keep, listed, made_before
from windtunnel.services.dynamodb.exports.state import IMPORTS, Job
from windtunnel.services.dynamodb.state import TABLES, arn_of
from windtunnel.services.dynamodb.tables.making import made

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

FORMATS = ("DYNAMODB_JSON", "CSV")
COMPRESSIONS = ("NONE", "GZIP")


def import_table(tx: Tx, req: t.ImportTableInput) -> dict[str, Any]:
    for member, allowed in (("InputFormat", FORMATS), ("InputCompressionType", COMPRESSIONS)):
        if req.get(member, allowed[0]) not in allowed:
            raise Fault("NotImplemented", f"windtunnel does not implement {req.get(member)} as {member} of imports.", status=501)
    if req["InputFormat"] == "DYNAMODB_JSON" and req.get("InputFormatOptions"):
        raise invalid("Invalid Request: Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON.")
    digest, token = digest_of(req), req.get("ClientToken") or tx.new_id()
    if (earlier := made_before(tx, IMPORTS, "Import", token, digest)) is not None:
        return {"ImportTableDescription": earlier.shown}
    parameters: Any = req["TableCreationParameters"]
    row = msgspec.structs.replace(made(tx, parameters["TableName"], parameters), filling=True)
    if tx.get(TABLES, row.name) is not None:
        raise Fault("ResourceInUseException", f"Table already exists: {row.name}")
    tx.put(TABLES, row.name, value=row)
    job_id = f"{int(tx.now * 1000):014d}-{tx.new_id()[:8]}"
    table = arn_of(tx.region, tx.account, row.name)
    shown: dict[str, Any] = {
        "ImportArn": f"{table}/import/{job_id}",
        "ImportStatus": "IN_PROGRESS",
        "TableArn": table,
        "TableId": row.id,
        "ClientToken": token,
        "S3BucketSource": req["S3BucketSource"],
        "ErrorCount": 0,
        "InputFormat": req["InputFormat"],
        "InputCompressionType": req.get("InputCompressionType", "NONE"),
        "TableCreationParameters": parameters,
        "StartTime": tx.now,
        "ProcessedSizeBytes": 0,
        "ProcessedItemCount": 0,
        "ImportedItemCount": 0,
    }
    if options := req.get("InputFormatOptions"):
        shown["InputFormatOptions"] = options
    keep(tx, IMPORTS, "Import", token, Job(job_id, row.name, row.number, digest, shown))
    return {"ImportTableDescription": shown}


def describe_import(tx: Tx, req: t.DescribeImportInput) -> dict[str, Any]:
    return {"ImportTableDescription": find_job(tx, IMPORTS, "Import", req["ImportArn"]).shown}


def list_imports(tx: Tx, req: t.ListImportsInput) -> dict[str, Any]:
    arn = parse_or_none(req["TableArn"]) if "TableArn" in req else None
    members = ("ImportArn", "ImportStatus", "TableArn", "S3BucketSource", "InputFormat", "StartTime", "EndTime")
    summaries, following = listed(tx, IMPORTS, "" if arn is None else arn.name, req, req.get("PageSize"), members)
    return {"ImportSummaryList": summaries, **following}
