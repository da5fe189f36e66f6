"""IAM's limits, texts of documents and pages of listings: pure functions, each with AWS's page.

Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.aws.documents import parse_json
from windtunnel.aws.pages import decode, page
from windtunnel.aws.policy import check_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import TAGS_MAX, tag_map
from windtunnel.kernel.store.keys import Key

USERS_MAX = 5000
GROUPS_MAX = 300
ROLES_MAX = 1000
PROFILES_MAX = 1000
POLICIES_MAX = 1500
VERSIONS_ALL_MAX = 10_000
OPENID_PROVIDERS_MAX = 100
SAML_PROVIDERS_MAX = 100
ACCESS_KEYS_PER_USER_MAX = 2
SIGNING_CERTIFICATES_PER_USER_MAX = 2
SSH_KEYS_PER_USER_MAX = 5
GROUPS_PER_USER_MAX = 10
POLICIES_ATTACHED_MAX = 10
VERSIONS_MAX = 5
CERTIFICATES_MAX = 20
POLICY_CHARACTERS_MAX = 6144
TRUST_CHARACTERS_MAX = 2048
INLINE_CHARACTERS_MAX = {"user": 2048, "role": 10240, "group": 5120}
ITEMS_DEFAULT = 100
KEY_CHARACTERS = 16
ID_CHARACTERS = 17
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Prefix = Literal["AIDA", "AROA", "AGPA", "AIPA", "ANPA", "AKIA", "ACCA", "ASCA", "APKA"]
_LAST_TEXT = "\U0010ffff"


def new_id(tx: Tx, prefix: Prefix) -> str:
    """A unique id. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids"""
    return prefix + tx.ids.text(KEY_CHARACTERS if prefix == "AKIA" else ID_CHARACTERS, BASE32)


def moment(now: float) -> float:
    """IAM counts in whole seconds."""
    return float(int(now))


@lru_cache(maxsize=1024)
def encoded(document: str) -> str:
    """A policy as IAM answers it: percent-encoded by RFC 3986."""
    return quote(document, safe="")


def size_of(document: str) -> int:
    """The size of a policy: white space doesn't count."""
    return len("".join(document.split()))


def checked_identity(document: str) -> None:
    """Raises MalformedPolicyDocument for what can't be a user's, group's or role's policy."""
    try:
        check_policy(document, "identity")
    except ValueError as error:
        raise Fault("MalformedPolicyDocument", str(error)) from error


def checked_trust(document: str) -> dict[str, Any]:
    """A role's trust policy. Raises MalformedPolicyDocument."""
    try:
        parse_json(document)
    except json.JSONDecodeError as error:
        raise Fault("MalformedPolicyDocument", "This policy contains invalid Json") from error
    try:
        checked = check_policy(document, "trust")
    except ValueError as error:
        raise Fault("MalformedPolicyDocument", str(error)) from error
    if size_of(document) > TRUST_CHARACTERS_MAX:
        raise Fault("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS_MAX}")
    return checked


def policy_arn(text: str) -> Arn:
    """The ARN of a managed policy. Raises ValidationError."""
    arn = parse_or_none(text)
    if arn is None:
        raise Fault("ValidationError", "Invalid ARN:  Could not be parsed!")
    if arn.service != "iam" or arn.type != "policy":
        raise Fault("ValidationError", f"ARN {text} is not valid.")
    return arn


def checked_tags(tags: list[Mapping[str, str]], there: Mapping[str, str] | None = None) -> dict[str, str]:
    """New tags, as a mapping; keys are one key whatever their case. Raises InvalidInput and LimitExceeded."""
    folded = [tag["Key"].lower() for tag in tags]
    if len(set(folded)) != len(folded):
        raise Fault("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise Fault("InvalidInput", "Cannot create, delete or modify system tags. Tag keys and values cannot start with aws:")
    kept = [key for key in there or {} if key.lower() not in folded]
    if len(kept) + len(folded) > TAGS_MAX:
        raise Fault("LimitExceeded", f"The number of tags has reached the maximum limit: {TAGS_MAX}")
    return tag_map(tags)


def start_of(req: Mapping[str, Any]) -> Key | None:
    """Where a listing goes on. Raises ValidationError."""
    marker = req.get("Marker")
    if marker is None:
        return None
    try:
        return decode(marker)
    except ValueError as error:
        raise Fault("ValidationError", "Invalid Marker.") from error


def paged(req: Mapping[str, Any], name: str, rows: Iterator[tuple[Key, Any]], show: Callable[[Key, Any], Any]) -> Any:
    """A page of a listing: `{name: [show(key, record), …], "IsTruncated": …, "Marker": …}`."""
    found, marker = page(rows, req.get("MaxItems", ITEMS_DEFAULT))
    result: dict[str, Any] = {name: [show(key, record) for key, record in found], "IsTruncated": marker is not None}
    if marker is not None:
        result["Marker"] = marker
    return result


def under_path(prefix: str, start: Key | None) -> tuple[Key, Key]:
    """The range of an index by path that holds the paths which begin so."""
    return start or (prefix,), (prefix + _LAST_TEXT,)
