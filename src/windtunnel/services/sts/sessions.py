"""Temporary keys for oneself (GetSessionToken), and for somebody else under a name (GetFederationToken)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Fault, Principal, Tx
from windtunnel.fabric.access import TEMPORARY
from windtunnel.services.sts.factors import second_factor
from windtunnel.services.sts.issue import issue
from windtunnel.services.sts.rules import ROOT_SECONDS_MAX, SESSION_SECONDS_DEFAULT, packed_percent, session_policy, session_tags

if TYPE_CHECKING:
    from windtunnel.aws.types import sts as t


def get_session_token(tx: Tx, req: t.GetSessionTokenRequest) -> t.GetSessionTokenResponse:
    caller = _long_term(tx, "GetSessionToken")
    session = msgspec.structs.replace(caller, mfa_at=second_factor(tx, req))
    return issue(tx, session, _seconds(caller, req.get("DurationSeconds", SESSION_SECONDS_DEFAULT)), req)  # pyright: ignore[reportReturnType]


def get_federation_token(tx: Tx, req: t.GetFederationTokenRequest) -> t.GetFederationTokenResponse:
    """The session has what both the caller's policies and the policies given here allow; without any it has nothing."""
    caller = _long_term(tx, "GetFederationToken")
    tags, _ = session_tags(caller, req.get("Tags", []), [])  # pyright: ignore[reportArgumentType]
    policy = session_policy(req.get("Policy"))
    policy_arns = [each["arn"] for each in req.get("PolicyArns", []) if "arn" in each]
    arn = f"arn:aws:sts::{caller.account}:federated-user/{req['Name']}"
    principal = Principal(
        kind="FederatedUser",
        account=caller.account,
        arn=arn,
        id=f"{caller.account}:{req['Name']}",
        name=req["Name"],
        policy=policy,
        tags=tags,
        policy_arns=policy_arns,
        issuer=caller.arn,
    )
    return {
        **issue(tx, principal, _seconds(caller, req.get("DurationSeconds", SESSION_SECONDS_DEFAULT)), req),  # pyright: ignore[reportReturnType]
        "FederatedUser": {"FederatedUserId": principal.id, "Arn": arn},
        "PackedPolicySize": packed_percent(policy, policy_arns, tags) or 0,
    }


def _long_term(tx: Tx, operation: str) -> Principal:
    """The caller. Raises AccessDenied for who came with temporary keys."""
    caller = tx.scope.principal
    if caller.kind == "Anonymous":
        raise Fault("MissingAuthenticationToken", "Request is missing Authentication Token")
    if caller.kind not in ("Root", "IAMUser") or caller.access_key.startswith(TEMPORARY):
        raise Fault("AccessDenied", f"Cannot call {operation} with session credentials")
    return msgspec.structs.replace(caller, access_key="")


def _seconds(caller: Principal, wanted: int) -> int:
    """An account's root gets an hour at most: a longer wish is shortened."""
    return min(wanted, ROOT_SECONDS_MAX) if caller.kind == "Root" else wanted
