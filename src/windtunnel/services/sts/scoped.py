"""Temporary keys of less power than those one has: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.access import ACCESS_KEYS
from windtunnel.services.sts.issue import issue
from windtunnel.services.sts.rules import packed_percent, session_policy

if TYPE_CHECKING:
    from windtunnel.aws.types import sts as t

LAYERS_MAX = 3


def get_scoped_credentials(tx: Tx, req: t.GetScopedCredentialsRequest) -> t.GetScopedCredentialsResponse:
    """The caller stays who it is; each policy that is given narrows its session down once more."""
    caller = tx.scope.principal
    key = tx.get(ACCESS_KEYS, caller.access_key)
    if key is None or key.expires is None:
        raise Fault("InvalidSubjectCredentials", "GetScopedCredentials can only be called with temporary security credentials.")
    if "Policy" not in req and "DurationSeconds" not in req:
        raise Fault("ValidationError", "At least one of Policy or DurationSeconds must be specified.")
    left = int(key.expires) - int(tx.now)
    seconds = req.get("DurationSeconds", left)
    if seconds > left:
        raise Fault(
            "InsufficientSessionLifetime", "The requested DurationSeconds is greater than the remaining lifetime of the calling session."
        )
    policy = session_policy(req.get("Policy"))
    scoped = [*caller.scoped, policy] if policy else caller.scoped
    packed_percent(caller.policy, (*caller.policy_arns, *scoped), caller.tags)
    if len(scoped) > LAYERS_MAX:
        raise Fault("AccessDenied", f"A session can have at most {LAYERS_MAX} scope-down policies.")
    result = issue(tx, msgspec.structs.replace(caller, scoped=scoped), seconds, req)
    result["SessionInfo"] = {"ScopedSessionId": caller.id, "Arn": caller.arn}
    result["ScopedPoliciesCount"] = len(scoped)
    if caller.source_identity:
        result["SourceIdentity"] = caller.source_identity
    return result  # pyright: ignore[reportReturnType]
