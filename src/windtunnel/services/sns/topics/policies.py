"""What a topic's policy may say.

https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, cast

import orjson

from windtunnel.aws.policy_check import check_policy
from windtunnel.services.sns.rules import invalid

BYTES_MAX = 30 * 1024
STATEMENTS_MAX = 100
PRINCIPALS_MAX = 200
DEFAULT_ACTIONS = (
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
)
OUT_OF_SCOPE = "Policy statement action out of service scope!"
MALFORMED = "Policy Error: null"
_ACTIONS = frozenset(action.removeprefix("SNS:").lower() for action in DEFAULT_ACTIONS) | {
    "getdataprotectionpolicy",
    "listtagsforresource",
    "putdataprotectionpolicy",
    "receive",
    "tagresource",
    "untagresource",
}


def checked_policy(text: str, arn: str, prefix: str = "") -> str:
    """A policy's text, which has to speak of the topic `arn` alone. Raises InvalidParameter."""
    try:
        statements: list[dict[str, Any]] = check_policy(text, "resource")["Statement"]
    except ValueError as error:
        raise invalid(f"{prefix}{MALFORMED}") from error
    if len(text.encode()) > BYTES_MAX or not 1 <= len(statements) <= STATEMENTS_MAX:
        raise invalid(f"{prefix}{MALFORMED}")
    for statement in statements:
        _check(statement, arn, prefix)
    return text


def _check(statement: Mapping[str, Any], arn: str, prefix: str) -> None:
    actions = list_of(statement.get("Action", statement.get("NotAction")))
    if not all(_in_scope(action) for action in actions):
        raise invalid(f"{prefix}{OUT_OF_SCOPE}")
    principal: Any = statement.get("Principal", statement.get("NotPrincipal"))
    principals = [one for each in principal.values() for one in list_of(each)] if isinstance(principal, dict) else list_of(principal)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    resources = list_of(statement.get("Resource"))
    if not actions or not 1 <= len(principals) <= PRINCIPALS_MAX or len(resources) != 1 or not fnmatchcase(arn, str(resources[0])):
        raise invalid(f"{prefix}{MALFORMED}")


def _in_scope(action: str) -> bool:
    service, _, name = action.lower().partition(":")
    return action == "*" or (service == "sns" and ("*" in name or name in _ACTIONS))


def list_of(value: Any) -> list[Any]:
    """What a policy writes as a list or, where it is one, as a value."""
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]


@lru_cache(maxsize=1024)
def default_policy(arn: str, owner: str) -> str:
    """The policy of a new topic: who is of the owner's account may."""
    statement: dict[str, Any] = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": list(DEFAULT_ACTIONS),
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
    }
    return orjson.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}).decode()
