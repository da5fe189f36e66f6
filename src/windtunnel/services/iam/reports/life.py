"""What IAM does by itself: it writes credential reports, and forgets others after a while.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from itertools import chain, islice, repeat
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.fabric.access import ACCESS_KEYS
from windtunnel.fabric.mfa import DEVICES
from windtunnel.services.iam.rules import ACCESS_KEYS_PER_USER_MAX, SIGNING_CERTIFICATES_PER_USER_MAX
from windtunnel.services.iam.state import JOBS, KEYS, LOGINS, PASSWORDS, REPORT, SIGNING, USERS, Report, arn_of

HANDLER = "write_report"
FORGET_JOB = "forget_job"
DAY_SECONDS = 86_400
JOB_SECONDS = 7 * DAY_SECONDS
"""How long a report of last accesses can be read; AWS doesn't say how long."""
NOTHING, NO, YES, NOT_SUPPORTED, NO_INFORMATION = "N/A", "false", "true", "not_supported", "no_information"
_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{number}_{name}" for number in (1, 2) for name in _KEY_COLUMNS),
    *(f"cert_{number}_{name}" for number in (1, 2) for name in ("active", "last_rotated")),
)


def forget_job(tx: Tx, payload: Mapping[str, Any]) -> None:
    tx.delete(JOBS, payload["id"])


def write_report(tx: Tx, payload: Mapping[str, Any]) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_root(tx))
    rotation = DAY_SECONDS * int((tx.get(PASSWORDS) or {}).get("MaxPasswordAge", 0))
    for _, user in tx.scan(USERS):
        login = tx.get(LOGINS, user.id)
        password = [NO, NOTHING, NOTHING, NOTHING]
        if login is not None:
            # Nobody logs in here, so that no password is ever used.
            password = [YES, NO_INFORMATION, _time(login.changed), _time(login.changed + rotation) if rotation else NOTHING]
        devices = YES if tx.count(DEVICES, "carried", user.id) else NO
        writer.writerow(
            [user.name, arn_of(tx, user), _time(user.created), *password, devices, *_keys(tx, user.id), *_certificates(tx, user.id)]
        )
    tx.put(REPORT, value=Report(tx.now, text.getvalue().rstrip("\n")))


def _root(tx: Tx) -> list[str]:
    """An account's root. When the account was made isn't known."""
    known = ["<root_account>", f"arn:aws:iam::{tx.account}:root", NO_INFORMATION]
    return [*known, NOT_SUPPORTED, NO_INFORMATION, NOT_SUPPORTED, NOT_SUPPORTED, NO, *_keys(tx, tx.account), *_certificates(tx, tx.account)]


def _keys(tx: Tx, owner: str) -> Iterator[str]:
    """The columns of both access keys, the older first."""
    rows = sorted(tx.scan(KEYS, owner), key=lambda row: row[1])
    return _columns((_key(tx, str(key[1]), created) for key, created in rows), ACCESS_KEYS_PER_USER_MAX, len(_KEY_COLUMNS))


def _key(tx: Tx, key_id: str, created: float) -> list[str]:
    key = tx.get(ACCESS_KEYS, key_id)
    assert key is not None, f"{key_id} is a user's key without a key"
    used = [NOTHING] * 3 if key.used is None else [_time(key.used.at), key.used.region, key.used.service]
    return [YES if key.status == "Active" else NO, _time(created), *used]


def _certificates(tx: Tx, owner: str) -> Iterator[str]:
    rows = sorted((certificate.created, certificate.status) for _, certificate in tx.scan(SIGNING, owner))
    shown = ([YES if status == "Active" else NO, _time(created)] for created, status in rows)
    return _columns(shown, SIGNING_CERTIFICATES_PER_USER_MAX, 2)


def _columns(groups: Iterator[list[str]], count: int, width: int) -> Iterator[str]:
    """So many groups of columns; those that are missing say that nothing is active."""
    return chain.from_iterable(islice(chain(groups, repeat([NO, *[NOTHING] * (width - 1)])), count))


def _time(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).isoformat()
