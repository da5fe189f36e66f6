"""Roles as those see them who would assume them: IAM keeps them and is asked by its API."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from windtunnel.aws.policy import Context, Policies, Policy, compile_policy, evaluate
from windtunnel.aws.policy import Principal as Asker
from windtunnel.fabric import Call, Fault, Principal
from windtunnel.services.sts.issue import issue
from windtunnel.services.sts.rules import ROLE_SECONDS_DEFAULT, packed_percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from windtunnel.aws.arn import Arn
    from windtunnel.aws.policy_text import Keys


class Claimed(msgspec.Struct, frozen=True):
    """What an identity provider's word asks for the session."""

    tags: dict[str, str] = {}
    transitive: list[str] = []
    source_identity: str = ""


async def role_of(call: Call, arn: Arn) -> dict[str, Any] | None:
    """The role of an ARN, as IAM shows it; None where there is none."""
    try:
        found: Any = await call.at(account=arn.account).aws.iam.get_role({"RoleName": arn.name})
    except Fault as fault:
        if fault.code in ("NoSuchEntity", "ValidationError"):
            return None
        raise
    return found["Role"] if found["Role"]["Arn"] == str(arn) else None


@lru_cache(maxsize=1024)
def trust_of(encoded: str) -> Policy:
    """A role's trust policy, from what IAM shows."""
    return compile_policy(unquote(encoded), "trust")


def time_text(now: float) -> str:
    """A moment as the condition key aws:CurrentTime has it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ends(call: Call, issued: float, expires: float) -> float:
    """When a provider's word is over, by the region's clock: it ages with the region, whichever of the two clocks the provider goes by."""
    clock = call.cloud.clock
    by_machine = abs(issued - clock.machine()) < abs(issued - clock.now())
    return expires + clock.region_at(issued) - issued if by_machine else expires


def seconds_within(role: dict[str, Any], req: Mapping[str, Any]) -> int:
    """How long the session lasts. Raises ValidationError where that is longer than the role allows."""
    wanted: int = req.get("DurationSeconds", ROLE_SECONDS_DEFAULT)
    if wanted > role.get("MaxSessionDuration", ROLE_SECONDS_DEFAULT):
        raise Fault("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return wanted


def ask_for_federated(call: Call, role: dict[str, Any], action: str, provider: str, keys: Keys, session: Claimed) -> None:
    """Raises AccessDenied unless the role's trust policy allows it whoever a provider vouches for."""
    actions = [action]
    all_keys = dict(keys) | {"aws:sourceip": call.scope.source_ip, "aws:currenttime": time_text(call.now())}
    if session.tags:
        actions.append("sts:TagSession")
        all_keys |= {f"aws:requesttag/{key.lower()}": value for key, value in session.tags.items()}
        all_keys["aws:tagkeys"] = list(session.tags)
    if session.transitive:
        all_keys["sts:transitivetagkeys"] = session.transitive
    if session.source_identity:
        actions.append("sts:SetSourceIdentity")
        all_keys["sts:sourceidentity"] = session.source_identity
    policies = Policies(resource=(trust_of(role["AssumeRolePolicyDocument"]),), resource_must_allow=True)
    for each in actions:
        if evaluate(policies, Context(Asker("anonymous", provider=provider), each, role["Arn"], keys=all_keys)) != "allow":
            raise Fault("AccessDenied", f"Not authorized to perform {each}")


def session_of(arn: Arn, role: dict[str, Any], req: Mapping[str, Any], **more: Any) -> Principal:
    """Who a role's session is."""
    name = req["RoleSessionName"]
    return Principal(
        kind="AssumedRole",
        account=arn.account,
        arn=f"arn:aws:sts::{arn.account}:assumed-role/{arn.name}/{name}",
        id=f"{role['RoleId']}:{name}",
        name=arn.name,
        policy_arns=[each["arn"] for each in req.get("PolicyArns", []) if "arn" in each],
        issuer=str(arn),
        **more,
    )


def opened(call: Call, session: Principal, seconds: int, req: Mapping[str, Any]) -> dict[str, Any]:
    """What all operations that assume a role answer. Raises PackedPolicyTooLarge."""
    packed = packed_percent(session.policy, session.policy_arns, session.tags)
    result = call.act(issue, session, seconds, req)
    result["AssumedRoleUser"] = {"AssumedRoleId": session.id, "Arn": session.arn}
    if packed is not None:
        result["PackedPolicySize"] = packed
    if session.source_identity:
        result["SourceIdentity"] = session.source_identity
    return result
