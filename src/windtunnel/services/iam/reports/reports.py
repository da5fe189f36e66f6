"""The credential report: every user of the account, and the state of its password, keys, devices and certificates.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.reports.life import HANDLER
from windtunnel.services.iam.rules import moment
from windtunnel.services.iam.state import REPORT, Report

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

FRESH_SECONDS = 4 * 3600


def generate_credential_report(tx: Tx, req: dict[str, Any]) -> t.GenerateCredentialReportResponse:
    """A report that is younger than four hours is good enough; else a new one is begun, and is there in a moment."""
    report = tx.get(REPORT)
    if report is not None and not report.text:
        return {"State": "INPROGRESS"}
    if report is not None and tx.now - report.generated < FRESH_SECONDS:
        return {"State": "COMPLETE"}
    tx.put(REPORT, value=Report(tx.now))
    tx.timer(tx.now, HANDLER, {})
    return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}


def get_credential_report(tx: Tx, req: dict[str, Any]) -> t.GetCredentialReportResponse:
    report = tx.get(REPORT)
    if report is None:
        raise Fault("ReportNotPresent", "No report is present. Use GenerateCredentialReport to generate one.")
    if not report.text:
        raise Fault("ReportInProgress", "The report is still being generated.")
    if tx.now - report.generated >= FRESH_SECONDS:
        raise Fault("ReportExpired", "The report has expired. Use GenerateCredentialReport to generate a new one.")
    return {"Content": report.text.encode(), "ReportFormat": "text/csv", "GeneratedTime": moment(report.generated)}
