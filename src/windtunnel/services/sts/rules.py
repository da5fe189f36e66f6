"""STS's limits, and how temporary keys look.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.aws.documents import parse_json
from windtunnel.aws.policy import check_policy
from windtunnel.fabric import Fault
from windtunnel.fabric.scope import Principal

ROLE_SECONDS_DEFAULT = 3600
CHAINED_SECONDS_MAX = 3600
SESSION_SECONDS_DEFAULT = 43_200
ROOT_SECONDS_MAX = 3600
TAGS_MAX = 50
POLICY_CHARACTERS_MAX = 2048
PERCENT_MAX = 100
PACKED_BYTES_MAX = 4096
"""What a hundred percent of PackedPolicySize stands for here; AWS packs in a way it doesn't publish."""


def role_arn(text: str) -> Arn:
    """The ARN of a role. Raises ValidationError."""
    arn = parse_or_none(text)
    if arn is None:
        raise Fault("ValidationError", f"{text} is invalid")
    if arn.service != "iam" or arn.type != "role":
        raise Fault("ValidationError", "Request ARN is invalid")
    return arn


def not_authorized(caller: Principal, action: str, resource: str) -> Fault:
    """The answer to who may not."""
    return Fault("AccessDenied", f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}")


def session_tags(caller: Principal, tags: Sequence[Mapping[str, str]], transitive: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The tags of a new session, those included that the caller's session hands on, and the keys it hands on itself.

    Raises InvalidParameterValue. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    folded = [tag["Key"].lower() for tag in tags]
    if len(set(folded)) != len(folded):
        raise Fault("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if not {key.lower() for key in transitive} <= set(folded):
        raise Fault("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
    if {key.lower() for key in caller.transitive_tags} & set(folded):
        raise Fault(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling "
            "session.",
        )
    handed = {key: caller.tags[key] for key in caller.transitive_tags if key in caller.tags}
    return handed | {tag["Key"]: tag["Value"] for tag in tags}, [*handed, *transitive]


def session_policy(text: str | None) -> str:
    """A session's policy, "" for none. Raises MalformedPolicyDocument and PackedPolicyTooLarge."""
    if text is None:
        return ""
    try:
        parse_json(text)
    except json.JSONDecodeError as error:
        raise Fault("MalformedPolicyDocument", "This policy contains invalid Json") from error
    try:
        check_policy(text, "identity")
    except ValueError as error:
        raise Fault("MalformedPolicyDocument", str(error)) from error
    return text


def packed_percent(policy: str, arns: Iterable[str], tags: Mapping[str, str]) -> int | None:
    """How much of the room for policies and tags a session takes; None where it has neither. Raises PackedPolicyTooLarge."""
    texts = ["".join(policy.split()), *arns, *(key + value for key, value in tags.items())]
    size = sum(len(text.encode()) for text in texts)
    if not size:
        return None
    percent = -(-size * 100 // PACKED_BYTES_MAX)
    if percent > PERCENT_MAX:
        raise Fault("PackedPolicyTooLarge", f"Packed policy consumes {percent}% of allotted space, please use smaller policy.")
    return percent


def context_of(
    caller: Principal, req: Mapping[str, Any], source_ip: str, tags: Mapping[str, str], transitive: Iterable[str], now_text: str
) -> dict[str, str | list[str]]:
    """The condition keys of an AssumeRole request, in lower case.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-sts
    """
    keys: dict[str, str | list[str]] = {
        "sts:rolesessionname": req["RoleSessionName"],
        "aws:principalarn": caller.arn,
        "aws:principalaccount": caller.account,
        "aws:principaltype": {"Root": "Account", "IAMUser": "User"}.get(caller.kind, caller.kind),
        "aws:userid": caller.id,
        "aws:sourceip": source_ip,
        "aws:currenttime": now_text,
        "aws:principalisawsservice": "true" if caller.kind == "AWSService" else "false",
    }
    if caller.kind == "IAMUser":
        keys["aws:username"] = caller.name
    if "ExternalId" in req:
        keys["sts:externalid"] = req["ExternalId"]
    if "SourceIdentity" in req:
        keys["sts:sourceidentity"] = req["SourceIdentity"]
    if caller.source_identity:
        keys["aws:sourceidentity"] = caller.source_identity
    for key, value in tags.items():
        keys[f"aws:requesttag/{key.lower()}"] = value
    for key, value in caller.tags.items():
        keys[f"aws:principaltag/{key.lower()}"] = value
    if tags:
        keys["aws:tagkeys"] = list(tags)
    if transitive:
        keys["sts:transitivetagkeys"] = list(transitive)
    return keys
