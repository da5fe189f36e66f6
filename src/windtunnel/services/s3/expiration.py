"""When a lifecycle rule will expire an object, as answers tell it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#AmazonS3-PutObject-response-header-Expiration
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from windtunnel.fabric import Tx
from windtunnel.services.s3.rules import nested, several
from windtunnel.services.s3.state import DOCUMENTS, Version

DAY_SECONDS = 86_400


def expiration_shown(tx: Tx, name: str, key: str, version: Version) -> dict[str, str]:
    """The Expiration member of an answer: the earliest date, and the rule that sets it."""
    kept = tx.get(DOCUMENTS, name, "lifecycle")
    if kept is None:
        return {}
    due = [(when, rule["ID"]) for rule in several(kept, "Rules") if (when := _due(rule, key, version)) is not None]
    if not due:
        return {}
    when, rule_id = min(due, key=lambda item: item[0])
    date = format_datetime(datetime.fromtimestamp(when, UTC), usegmt=True)
    return {"Expiration": f'expiry-date="{date}", rule-id="{quote(rule_id, safe="")}"'}


def _due(rule: Mapping[str, Any], key: str, version: Version) -> float | None:
    """When a rule expires a version; days end at the midnight after."""
    expiration = nested(rule, "Expiration")
    if rule["Status"] != "Enabled" or not _applies(rule, key, version):
        return None
    if expiration.get("Date") is not None:
        return expiration["Date"]
    if expiration.get("Days") is None:
        return None
    return (version.modified // DAY_SECONDS + expiration["Days"] + 1) * DAY_SECONDS


def _applies(rule: Mapping[str, Any], key: str, version: Version) -> bool:
    found = nested(rule, "Filter")
    wanted = found.get("And") or found
    prefix = wanted.get("Prefix") or rule.get("Prefix") or ""
    tags = [*several(wanted, "Tags"), *([wanted["Tag"]] if wanted.get("Tag") else [])]
    larger, smaller = wanted.get("ObjectSizeGreaterThan"), wanted.get("ObjectSizeLessThan")
    return (
        key.startswith(prefix)
        and all(version.tags.get(tag["Key"]) == tag["Value"] for tag in tags)
        and (larger is None or version.size > larger)
        and (smaller is None or version.size < smaller)
    )
