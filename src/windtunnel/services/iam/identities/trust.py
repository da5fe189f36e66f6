"""Whom a trust policy names: users and roles must be there, services must be services.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

from typing import Any, cast

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.state import ROLES, USERS, arn_of

ACCOUNT_DIGITS = 12
_SERVICE_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal")
_ID_PREFIXES = ("AIDA", "AROA")


def check_principals(tx: Tx, document: dict[str, Any]) -> None:
    """Raises MalformedPolicyDocument for principals that nobody can be."""
    for statement in document["Statement"]:
        principal = statement.get("Principal", statement.get("NotPrincipal"))
        if not isinstance(principal, dict):
            continue
        named = cast("dict[str, Any]", principal)
        for text in _texts(named, "AWS"):
            if not _is_there(tx, text):
                raise Fault("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{text}"')
        for text in _texts(named, "Service"):
            if not text.endswith(_SERVICE_SUFFIXES):
                raise Fault("MalformedPolicyDocument", f'Invalid principal in policy: "SERVICE":"{text}"')


def _texts(principal: dict[str, Any], kind: str) -> list[str]:
    value = principal.get(kind, [])
    texts = cast("list[str | None]", value if isinstance(value, list) else [value])
    return [text for text in texts if text is not None]


def _is_there(tx: Tx, text: str) -> bool:
    if text == "*" or (len(text) == ACCOUNT_DIGITS and text.isdigit()) or text.startswith(_ID_PREFIXES):
        return True
    arn = parse_or_none(text)
    if arn is None or arn.region or not (len(arn.account) == ACCOUNT_DIGITS and arn.account.isdigit()):
        return False
    if arn.service == "sts":
        return arn.type in ("assumed-role", "federated-user")
    if arn.service != "iam":
        return False
    if arn.resource == "root":
        return True
    tables: dict[str, Any] = {"user": USERS, "role": ROLES}
    if arn.type not in tables:
        return False
    there = tx.at(account=arn.account)
    found = there.get(tables[arn.type], arn.name.lower())
    return found is not None and arn_of(there, found) == text
