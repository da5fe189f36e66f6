"""Exports of tables to buckets, of a moment or of the changes between two.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.backups import history
from windtunnel.services.dynamodb.exports.jobs import digest_of, find_job, keep, listed, made_before
from windtunnel.services.dynamodb.exports.state import EXPORTS, Job
from windtunnel.services.dynamodb.lookup import Found, find_arn
from windtunnel.services.dynamodb.state import arn_of

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

BOTH_IMAGES = "NEW_AND_OLD_IMAGES"
WINDOW_SECONDS = (15 * 60, 24 * 3_600)
"""How long the time of an incremental export may be."""


def export_table_to_point_in_time(tx: Tx, req: t.ExportTableToPointInTimeInput) -> dict[str, Any]:
    if parse_or_none(req["TableArn"]) is None:
        raise invalid("One or more parameter values were invalid: tableArn is not a valid ARN")
    found = find_arn(tx, req["TableArn"])
    if found is None:
        raise Fault("TableNotFoundException", f"Table not found: {req['TableArn']}")
    for member, only in (("ExportFormat", "DYNAMODB_JSON"), ("FilterSpecification", None)):
        if req.get(member, only) != only:
            raise Fault("NotImplemented", f"windtunnel does not implement {req.get(member)} as {member} of exports.", status=501)
    digest, token = digest_of(req), req.get("ClientToken") or found.tx.new_id()
    if (made := made_before(found.tx, EXPORTS, "Export", token, digest)) is not None:
        return {"ExportDescription": made.shown}
    job = _job(found, req, token, digest)
    keep(found.tx, EXPORTS, "Export", token, job)
    return {"ExportDescription": job.shown}


def describe_export(tx: Tx, req: t.DescribeExportInput) -> dict[str, Any]:
    return {"ExportDescription": find_job(tx, EXPORTS, "Export", req["ExportArn"]).shown}


def list_exports(tx: Tx, req: t.ListExportsInput) -> dict[str, Any]:
    table = ""
    if "TableArn" in req:
        found = find_arn(tx, req["TableArn"])
        if found is None:
            raise Fault("TableNotFoundException", f"Table not found: {req['TableArn']}")
        tx, table = found.tx, found.row.name
    summaries, following = listed(tx, EXPORTS, table, req, req.get("MaxResults"), ("ExportArn", "ExportStatus", "ExportType"))
    return {"ExportSummaries": summaries, **following}


def _job(found: Found, req: Mapping[str, Any], token: str, digest: str) -> Job:
    tx, row = found.tx, found.row
    incremental = req.get("ExportType") == "INCREMENTAL_EXPORT"
    specification: Mapping[str, Any] = req.get("IncrementalExportSpecification") or {}
    since = 0.0
    at = req.get("ExportTime", tx.now)
    if incremental:
        if specification.get("ExportFromTime") is None:
            raise invalid("Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification")
        since, at = specification["ExportFromTime"], specification.get("ExportToTime", tx.now)
        if since < row.created:
            raise Fault("InvalidExportTimeException", "Incremental export period from time cannot be less than the table creation time")
        if not WINDOW_SECONDS[0] <= at - since <= WINDOW_SECONDS[1]:
            raise Fault("InvalidExportTimeException", "Incremental export period must be between 15 minutes and 24 hours")
    if not row.recovery:
        raise Fault("PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{row.name}'")
    if not history.earliest(tx, row) <= (since or at) <= at <= tx.now:
        raise Fault("InvalidExportTimeException", "Export Time is invalid")
    job_id = f"{int(tx.now * 1000):014d}-{tx.new_id()[:8]}"
    table = arn_of(tx.region, tx.account, row.name)
    shown: dict[str, Any] = {
        "ExportArn": f"{table}/export/{job_id}",
        "ExportStatus": "IN_PROGRESS",
        "StartTime": tx.now,
        "TableArn": table,
        "TableId": row.id,
        "ExportTime": at,
        "ClientToken": token,
        "S3Bucket": req["S3Bucket"],
        "S3SseAlgorithm": req.get("S3SseAlgorithm", "AES256"),
        "ExportFormat": "DYNAMODB_JSON",
    }
    if incremental:
        del shown["ExportTime"]
        view = specification.get("ExportViewType", BOTH_IMAGES)
        shown["IncrementalExportSpecification"] = {"ExportFromTime": since, "ExportToTime": at, "ExportViewType": view}
    members = ("S3BucketOwner", "S3Prefix", "S3SseKmsKeyId", "ExportType")
    shown |= {name: req[name] for name in members if req.get(name)}
    return Job(job_id, row.name, row.number, digest, shown, at, since)
