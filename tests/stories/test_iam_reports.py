"""What IAM reports of an account: who has which credentials, and who used what last."""

from __future__ import annotations

import csv

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault, user
from tests.stories.pki import issue
from tests.stories.test_iam_devices import carried_by
from windtunnel.fabric import Call
from windtunnel.fabric.access import remember_use
from windtunnel.services.iam.state import REPORT, Report

KEY_NONE = {"active": "false", "last_rotated": "N/A", "last_used_date": "N/A", "last_used_region": "N/A", "last_used_service": "N/A"}
CERT_NONE = {"active": "false", "last_rotated": "N/A"}


def report(here: Here) -> dict[str, dict[str, str]]:
    """The rows of a new report, by user."""
    assert here.iam.generate_credential_report()["State"] == "STARTED"
    here.rest()
    text = here.iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(text.splitlines())}


def columns(prefix: str, values: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}_{name}": value for name, value in values.items()}


NO_KEYS = {**columns("access_key_1", KEY_NONE), **columns("access_key_2", KEY_NONE)}
NO_CERTIFICATES = {**columns("cert_1", CERT_NONE), **columns("cert_2", CERT_NONE)}


def test_a_report_has_the_root_first_and_a_row_for_each_user(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    rows = report(here)
    assert list(rows) == ["<root_account>", "ada"]
    assert rows["<root_account>"] == {
        "user": "<root_account>",
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "user_creation_time": "no_information",
        "password_enabled": "not_supported",
        "password_last_used": "no_information",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "mfa_active": "false",
        **NO_KEYS,
        **NO_CERTIFICATES,
    }
    assert rows["ada"] == {
        "user": "ada",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/ada",
        "user_creation_time": "2026-01-01T00:00:00+00:00",
        "password_enabled": "false",
        "password_last_used": "N/A",
        "password_last_changed": "N/A",
        "password_next_rotation": "N/A",
        "mfa_active": "false",
        **NO_KEYS,
        **NO_CERTIFICATES,
    }


def test_a_report_tells_what_a_user_has_and_when_it_was_used(here: Here) -> None:
    ada = user(here, "ada")
    here.iam.update_account_password_policy(MaxPasswordAge=90)
    here.iam.create_login_profile(UserName="ada", Password="Correct-Horse-9")
    carried_by(here, "ada")
    here.iam.upload_signing_certificate(UserName="ada", CertificateBody=issue("ada").body)
    here.jump(60)
    here.iam.update_login_profile(UserName="ada", Password="Battery-Staple-9")
    second = here.iam.create_access_key(UserName="ada")["AccessKey"]["AccessKeyId"]
    here.iam.update_access_key(UserName="ada", AccessKeyId=second, Status="Inactive")
    here.run(Call(here.cloud, ada.scope, "sqs").transact(remember_use, ada.scope.principal.access_key))
    row = report(here)["ada"]
    assert row == {
        **row,
        "password_enabled": "true",
        "password_last_used": "no_information",
        "password_last_changed": "2026-01-01T00:01:30+00:00",
        "password_next_rotation": "2026-04-01T00:01:30+00:00",
        "mfa_active": "true",
        "access_key_1_active": "true",
        "access_key_1_last_rotated": "2026-01-01T00:00:00+00:00",
        "access_key_1_last_used_date": "2026-01-01T00:01:30+00:00",
        "access_key_1_last_used_region": "us-east-1",
        "access_key_1_last_used_service": "sqs",
        "access_key_2_active": "false",
        "access_key_2_last_rotated": "2026-01-01T00:01:30+00:00",
        "access_key_2_last_used_date": "N/A",
        "cert_1_active": "true",
        "cert_1_last_rotated": "2026-01-01T00:00:30+00:00",
        "cert_2_active": "false",
    }


def test_a_report_is_written_in_a_moment_and_good_for_four_hours(here: Here) -> None:
    assert fault(here.iam.get_credential_report)[0] == "ReportNotPresent"
    assert here.iam.generate_credential_report() == {
        "State": "STARTED",
        "Description": "No report exists. Starting a new report generation task",
    }
    here.rest()
    assert here.iam.generate_credential_report() == {"State": "COMPLETE"}
    shown = here.iam.get_credential_report()
    assert shown == {"Content": shown["Content"], "ReportFormat": "text/csv", "GeneratedTime": BEGIN}
    here.jump(4 * 3600)
    assert fault(here.iam.get_credential_report)[0] == "ReportExpired"
    assert here.iam.generate_credential_report()["State"] == "STARTED"


def test_a_report_that_is_being_written_is_waited_for(here: Here) -> None:
    call = Call(here.cloud, here.scope, "iam")
    here.run(call.transact(lambda tx: tx.put(REPORT, value=Report(tx.now))))
    assert here.iam.generate_credential_report() == {"State": "INPROGRESS"}
    assert fault(here.iam.get_credential_report)[0] == "ReportInProgress"


def test_the_summary_tells_which_tokens_the_global_endpoint_issues(here: Here) -> None:
    def version() -> int:
        return here.iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"]

    assert version() == 2
    here.iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v1Token")
    assert version() == 1
    here.iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    assert version() == 2
    assert fault(here.iam.set_security_token_service_preferences, GlobalEndpointTokenVersion="v3Token")[0] == "ValidationError"
