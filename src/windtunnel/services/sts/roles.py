"""Assuming a role: its trust policy is asked, then the caller's own policies, and keys of a session are issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from windtunnel.aws.policy import ALLOW, DENY, NOTHING, Context, Policies, Policy, compile_policy, evaluate
from windtunnel.fabric import Call, Fault, Scope
from windtunnel.fabric.access import TEMPORARY
from windtunnel.fabric.asking import asker
from windtunnel.services.sts.factors import second_factor
from windtunnel.services.sts.rules import (
    CHAINED_SECONDS_MAX,
    ROLE_SECONDS_DEFAULT,
    context_of,
    not_authorized,
    role_arn,
    session_policy,
    session_tags,
)
from windtunnel.services.sts.trust import opened, role_of, seconds_within, session_of, time_text, trust_of

if TYPE_CHECKING:
    from windtunnel.aws.arn import Arn
    from windtunnel.aws.types import sts as t


async def assume_role(call: Call, req: t.AssumeRoleRequest) -> t.AssumeRoleResponse:
    arn, caller = role_arn(req["RoleArn"]), call.scope.principal
    if caller.kind == "Anonymous":
        raise Fault("MissingAuthenticationToken", "Request is missing Authentication Token")
    if "ProvidedContexts" in req:
        raise Fault("NotImplemented", "windtunnel does not implement trusted contexts (ProvidedContexts).", status=501)
    tags, transitive = session_tags(caller, req.get("Tags", []), req.get("TransitiveTagKeys", []))  # pyright: ignore[reportArgumentType]
    policy = session_policy(req.get("Policy"))
    role = await role_of(call, arn)
    if role is None:
        raise not_authorized(caller, "sts:AssumeRole", req["RoleArn"])
    mfa_at = await call.transact(second_factor, req)
    if caller.kind != "Root" or caller.account != arn.account:
        await _ask(call, arn, role, req, tags, transitive, mfa_at or caller.mfa_at)
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    if caller.kind == "AssumedRole" and req.get("DurationSeconds", ROLE_SECONDS_DEFAULT) > CHAINED_SECONDS_MAX:
        raise Fault("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    identity = req.get("SourceIdentity", caller.source_identity)
    session = session_of(arn, role, req, policy=policy, tags=tags, transitive_tags=transitive, source_identity=identity, mfa_at=mfa_at)
    return opened(call, session, seconds_within(role, req), req)  # pyright: ignore[reportReturnType]


async def _ask(
    call: Call, arn: Arn, role: dict[str, Any], req: t.AssumeRoleRequest, tags: dict[str, str], transitive: list[str], mfa_at: float
) -> None:
    """Raises AccessDenied unless the role's trust policy, and the caller's own policies where they are needed, allow it."""
    caller = call.scope.principal
    trust = trust_of(role["AssumeRolePolicyDocument"])
    keys = context_of(caller, req, call.scope.source_ip, tags, transitive, time_text(call.now()))
    if mfa_at or caller.access_key.startswith(TEMPORARY):
        keys["aws:multifactorauthpresent"] = "true" if mfa_at else "false"
    if mfa_at:
        keys["aws:multifactorauthage"] = str(int(call.now() - mfa_at))
    if caller.kind == "AWSService":
        keys |= _on_behalf(call.scope)
    actions = ["sts:AssumeRole"]
    if tags:
        actions.append("sts:TagSession")
    if "SourceIdentity" in req:
        actions.append("sts:SetSourceIdentity")
    own = await _own_words(call, actions, str(arn), keys)
    limits = await _session_limits(call)
    for action in actions:
        policies = Policies(identity=own[action], resource=(trust,), session=limits, resource_must_allow=True)
        context = Context(asker(caller), action, str(arn), arn.account, keys)
        scoped = all(compile_policy(each).says(context) == ALLOW for each in caller.scoped)
        if caller.kind == "FederatedUser" or not scoped or evaluate(policies, context) != "allow":
            raise not_authorized(caller, action, str(arn))


def _on_behalf(scope: Scope) -> dict[str, str | list[str]]:
    """For whom a service calls: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""
    account: dict[str, str | list[str]] = {"aws:sourceaccount": scope.principal.account}
    return account | {"aws:sourcearn": scope.source_arn} if scope.source_arn else account


async def _own_words(call: Call, actions: list[str], resource: str, keys: dict[str, Any]) -> dict[str, tuple[Policy, ...]]:
    """What the caller's own policies say to each action; IAM knows them."""
    caller = call.scope.principal
    if caller.kind not in ("IAMUser", "AssumedRole"):
        return dict.fromkeys(actions, ())
    request: Any = {
        "PolicySourceArn": caller.issuer or caller.arn,
        "ActionNames": actions,
        "ResourceArns": [resource],
        "ContextEntries": [
            {"ContextKeyName": key, "ContextKeyValues": [value] if isinstance(value, str) else value, "ContextKeyType": "stringList"}
            for key, value in keys.items()
        ],
    }
    try:
        found: Any = await call.at(account=caller.account).aws.iam.simulate_principal_policy(request)
    except Fault as fault:
        if fault.code == "NoSuchEntity":  # the caller's user or role has gone, and its policies with it
            return dict.fromkeys(actions, ())
        raise
    words = {"allowed": ALLOW, "explicitDeny": DENY}
    said = {each["EvalActionName"]: words.get(each["EvalDecision"], NOTHING) for each in found.get("EvaluationResults", [])}
    return {action: (_constant(said[action]),) for action in actions}


async def _session_limits(call: Call) -> tuple[Policy, ...] | None:
    """The policies that limit the caller's session; None where it has none."""
    caller = call.scope.principal
    if not caller.policy and not caller.policy_arns:
        return None
    found = [compile_policy(caller.policy)] if caller.policy else []
    aws: Any = call.at(account=caller.account).aws.iam
    for arn in caller.policy_arns:
        policy = (await aws.get_policy({"PolicyArn": arn}))["Policy"]
        version = await aws.get_policy_version({"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]})
        found.append(compile_policy(unquote(version["PolicyVersion"]["Document"])))
    return tuple(found)


def _constant(word: int) -> Policy:
    return Policy(lambda context: word)
