"""What answers tell of lifecycle rules: when one will expire an object, or give up an upload.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#AmazonS3-PutObject-response-header-Expiration
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from windtunnel.fabric import Tx
from windtunnel.services.s3.lifecycle.ageing import applies, expiry_of, upload_end
from windtunnel.services.s3.rules import several
from windtunnel.services.s3.state import DOCUMENTS, Version


def expiration_shown(tx: Tx, name: str, key: str, version: Version) -> dict[str, str]:
    """The Expiration member of an answer: the earliest date, and the rule that sets it."""
    rules = several(tx.get(DOCUMENTS, name, "lifecycle") or {}, "Rules")
    due = [(when, rule["ID"]) for rule in rules if applies(rule, key, version) and (when := expiry_of(rule, version)) is not None]
    if not due:
        return {}
    when, rule_id = min(due, key=lambda item: item[0])
    date = format_datetime(datetime.fromtimestamp(when, UTC), usegmt=True)
    return {"Expiration": f'expiry-date="{date}", rule-id="{quote(rule_id, safe="")}"'}


def abortion_shown(tx: Tx, name: str, key: str, initiated: float) -> dict[str, Any]:
    """The AbortDate and AbortRuleId members of an answer about an upload."""
    rules = several(tx.get(DOCUMENTS, name, "lifecycle") or {}, "Rules")
    due = [(when, rule["ID"]) for rule in rules if (when := upload_end(rule, key, initiated)) is not None]
    if not due:
        return {}
    when, rule_id = min(due, key=lambda item: item[0])
    return {"AbortDate": when, "AbortRuleId": rule_id}
