"""What KMS takes as a key's policy; what it must not do is lock its writer out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.policy_check import check_policy
from windtunnel.aws.policy_conditions import texts
from windtunnel.fabric import Fault
from windtunnel.services.kms.access import allows
from windtunnel.services.kms.rules import POLICY_BYTES_MAX
from windtunnel.services.kms.state import Found

_ACCOUNT_DIGITS = 12


def checked_policy(found: Found, req: Mapping[str, Any]) -> str:
    """The policy that a request gives a key, "" where it leaves it to KMS.

    Raises MalformedPolicyDocumentException, LimitExceededException.
    """
    policy = req.get("Policy")
    if policy is None:
        return ""
    if len(policy.encode()) > POLICY_BYTES_MAX:
        raise Fault("LimitExceededException", f"Policy size exceeds the limit of {POLICY_BYTES_MAX} bytes.")
    try:
        document = check_policy(policy, "resource")
    except ValueError as error:
        raise _malformed(str(error)) from error
    for statement in document["Statement"]:
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise _malformed("Policy contains a statement with no principal")
        if not all(_is_principal(name) for name in _principals(statement)):
            raise _malformed("Policy contains a statement with one or more invalid principals.")
    if not req.get("BypassPolicyLockoutSafetyCheck") and not allows(found, policy, "PutKeyPolicy"):
        raise _malformed("The new key policy will not allow you to update the key policy in the future.")
    return policy


def _malformed(message: str) -> Fault:
    return Fault("MalformedPolicyDocumentException", message)


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    named: Any = statement.get("Principal", statement.get("NotPrincipal"))
    yield from texts([named] if isinstance(named, str) else named.get("AWS", []))


def _is_principal(name: str) -> bool:
    """Whether a text may stand for somebody: everyone, an account, or who has an ARN of IAM or STS, or an id of theirs."""
    arn = parse_or_none(name)
    if arn is not None:
        return arn.service in ("iam", "sts") and len(arn.account) == _ACCOUNT_DIGITS
    return name == "*" or (len(name) == _ACCOUNT_DIGITS and name.isdigit()) or name.startswith(("AIDA", "AROA"))
