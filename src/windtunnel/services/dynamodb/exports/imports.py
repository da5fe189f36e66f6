"""Tables made of files in a bucket.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.exports.state import IMPORTS, JOB_TOKENS, Job
from windtunnel.services.dynamodb.state import TABLES, arn_of
from windtunnel.services.dynamodb.tables.making import made

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

LISTED_MAX = 25
FORMATS = ("DYNAMODB_JSON", "CSV")
COMPRESSIONS = ("NONE", "GZIP")


def import_table(tx: Tx, req: t.ImportTableInput) -> dict[str, Any]:
    for member, allowed in (("InputFormat", FORMATS), ("InputCompressionType", COMPRESSIONS)):
        if req.get(member, allowed[0]) not in allowed:
            raise Fault("NotImplemented", f"windtunnel does not implement {req.get(member)} as {member} of imports.", status=501)
    if req["InputFormat"] == "DYNAMODB_JSON" and req.get("InputFormatOptions"):
        raise invalid("Invalid Request: Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON.")
    digest = sha256(msgspec.msgpack.encode({name: value for name, value in req.items() if name != "ClientToken"})).hexdigest()
    token = req.get("ClientToken") or tx.new_id()
    known = tx.get(JOB_TOKENS, "import", token)
    if known is not None and (earlier := tx.get(IMPORTS, known)) is not None:
        if earlier.digest != digest:
            raise Fault("ImportConflictException", "ClientToken was used with other parameters before.")
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
    tx.put(IMPORTS, job_id, value=Job(job_id, row.name, row.number, digest, shown))
    tx.put(JOB_TOKENS, "import", token, value=job_id)
    tx.timer(tx.now, "run_import", {"id": job_id})
    return {"ImportTableDescription": shown}


def describe_import(tx: Tx, req: t.DescribeImportInput) -> dict[str, Any]:
    arn = parse_or_none(req["ImportArn"])
    if arn is None or arn.service != "dynamodb" or "/import/" not in arn.resource:
        raise invalid("Invalid Import ARN")
    job = tx.at(account=arn.account, region=arn.region).get(IMPORTS, arn.resource.rpartition("/")[2])
    if job is None or job.shown["ImportArn"] != req["ImportArn"]:
        raise Fault("ImportNotFoundException", f"Import not found: {req['ImportArn']}")
    return {"ImportTableDescription": job.shown}


def list_imports(tx: Tx, req: t.ListImportsInput) -> dict[str, Any]:
    """The newest first, as in AWS."""
    try:
        end = pages.decode(req["NextToken"]) if req.get("NextToken") else None  # pyright: ignore[reportTypedDictNotRequiredAccess]
    except ValueError as error:
        raise invalid("Invalid Request: Provided nextToken is invalid") from error
    arn = parse_or_none(req["TableArn"]) if "TableArn" in req else None
    rows = tx.scan(IMPORTS, end=end, reverse=True) if arn is None else tx.find(IMPORTS, "table", arn.name, end=end, reverse=True)
    page, token = pages.page(rows, req.get("PageSize", LISTED_MAX), reverse=True)
    kept = ("ImportArn", "ImportStatus", "TableArn", "S3BucketSource", "InputFormat", "StartTime", "EndTime")
    summaries = [{name: job.shown[name] for name in kept if name in job.shown} for _, job in page]
    return {"ImportSummaryList": summaries, **({"NextToken": token} if token else {})}
