"""The policy simulator: what policies would say to requests, without making them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.policy import ALLOW, DENY, Context, Policies, Policy, Principal, compile_policy, evaluate
from windtunnel.fabric import Fault, Tx
from windtunnel.services.iam.policies.grants import Grant, boundary_of, entity_of, grants_of
from windtunnel.services.iam.rules import checked_identity, paged, start_of
from windtunnel.services.iam.state import Entity

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t

_DECISIONS = {"allow": "allowed", "explicit-deny": "explicitDeny", "implicit-deny": "implicitDeny"}
_VARIABLE = re.compile(r"\$\{([^}*?$,]+)")


class Statement(msgspec.Struct, frozen=True):
    """One statement of a policy, with where it stands in the text: lines and columns from 1."""

    policy: Policy
    start: tuple[int, int]
    end: tuple[int, int]


class Trial(msgspec.Struct, frozen=True):
    """All policies of a simulation."""

    grants: list[Grant]
    boundary: tuple[Policy, ...] | None
    resource: tuple[Policy, ...]
    principal: Principal
    keys: dict[str, str | list[str]]
    missing: list[str]


def simulate_principal_policy(tx: Tx, req: t.SimulatePrincipalPolicyRequest) -> t.SimulatePolicyResponse:
    entity = _source(tx, req["PolicySourceArn"])
    boundary = boundary_of(tx, entity)
    boundaries = req.get("PermissionsBoundaryPolicyInputList") or ([] if boundary is None else [boundary])
    trial = _trial(tx, req, [*grants_of(tx, entity), *_given(req)], boundaries)
    return _simulated(req, trial, of_principal=True)


def simulate_custom_policy(tx: Tx, req: t.SimulateCustomPolicyRequest) -> t.SimulatePolicyResponse:
    return _simulated(req, _trial(tx, req, _given(req), req.get("PermissionsBoundaryPolicyInputList", [])), of_principal=False)


def get_context_keys_for_custom_policy(tx: Tx, req: t.GetContextKeysForCustomPolicyRequest) -> t.GetContextKeysForPolicyResponse:
    return {"ContextKeyNames": _keys_in(grant.document for grant in _given(req))}


def get_context_keys_for_principal_policy(tx: Tx, req: t.GetContextKeysForPrincipalPolicyRequest) -> t.GetContextKeysForPolicyResponse:
    grants = [*grants_of(tx, _source(tx, req["PolicySourceArn"])), *_given(req)]
    return {"ContextKeyNames": _keys_in(grant.document for grant in grants)}


def _source(tx: Tx, text: str) -> Entity:
    """The user, group or role whose policies are asked. Raises NoSuchEntity and InvalidInput."""
    arn = parse_or_none(text)
    if arn is not None and arn.account not in ("", tx.account):
        what = f"caller's account {tx.account} does not have access to policies in account {arn.account}"
        raise Fault("InvalidInput", f"Invalid Policy Source Arn: {what}")
    return entity_of(tx, text)


def _given(req: Mapping[str, Any]) -> list[Grant]:
    documents = req.get("PolicyInputList", [])
    for document in documents:
        _check(document, "Policy")
    return [Grant(f"PolicyInputList.{number}", document) for number, document in enumerate(documents, 1)]


def _trial(tx: Tx, req: Mapping[str, Any], grants: list[Grant], boundaries: list[str]) -> Trial:
    keys: dict[str, str | list[str]] = {}
    for entry in req.get("ContextEntries", []):
        values = entry.get("ContextKeyValues", [])
        several = entry.get("ContextKeyType", "").endswith("List") and len(values) != 1
        if values:
            keys[entry["ContextKeyName"].lower()] = values if several else values[0]
    resource = (_compiled(req["ResourcePolicy"]),) if "ResourcePolicy" in req else ()
    for document in boundaries:
        _check(document, "Permissions Boundary Policy")
    wanted = _keys_in((*(grant.document for grant in grants), *boundaries))
    return Trial(
        grants=grants,
        boundary=tuple(compile_policy(document) for document in boundaries) if boundaries else None,
        resource=resource,
        principal=_principal(tx, req.get("CallerArn") or req.get("PolicySourceArn", "")),
        keys=keys,
        missing=[key for key in wanted if key.lower() not in keys],
    )


def _check(document: str, what: str) -> None:
    """Raises InvalidInput for what can't be a user's, group's or role's policy."""
    try:
        checked_identity(document)
    except Fault as fault:
        raise Fault("InvalidInput", f"Invalid {what}: {fault.message}") from fault


def _compiled(document: str) -> Policy:
    try:
        return compile_policy(document)
    except ValueError as error:
        raise Fault("InvalidInput", f"Invalid Resource Policy: {error}") from error


def _principal(tx: Tx, text: str) -> Principal:
    """Who would ask. Identity policies are asked about whoever it is; resource policies compare the ARN."""
    arn = parse_or_none(text)
    if arn is None:
        return Principal("user", tx.account)
    return Principal("assumed-role" if arn.type == "role" else "user", arn.account, text, text if arn.type == "role" else "")


def _simulated(req: Mapping[str, Any], trial: Trial, *, of_principal: bool) -> t.SimulatePolicyResponse:
    start = start_of(req)
    resources = req.get("ResourceArns", ["*"])
    pairs = [(action, resource) for action in req["ActionNames"] for resource in resources]
    rows = (((number,), pair) for number, pair in enumerate(pairs) if start is None or (number,) >= start)

    def shown(_: Any, pair: tuple[str, str]) -> dict[str, Any]:
        return _result(trial, *pair, owner=req.get("ResourceOwner", ""), named="ResourceArns" in req, of_principal=of_principal)

    return paged(req, "EvaluationResults", rows, shown)


def _result(trial: Trial, action: str, resource: str, *, owner: str, named: bool, of_principal: bool) -> dict[str, Any]:
    account = parse_or_none(owner)
    context = Context(trial.principal, action, resource, "" if account is None else account.account, trial.keys)
    identity = tuple(compile_policy(grant.document) for grant in trial.grants)
    decision = evaluate(Policies(identity, trial.resource, trial.boundary), context)
    matched = [match for grant in trial.grants for match in _matched(grant, context, denies=decision == "explicit-deny")]
    if decision == "implicit-deny":
        matched = []
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": _DECISIONS[decision],
        "MatchedStatements": matched,
        "MissingContextValues": trial.missing,
    }
    if of_principal:
        result["EvalDecisionDetails"] = {}
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": True}
    if trial.boundary is not None:
        allowed = any(policy.says(context) == ALLOW for policy in trial.boundary)
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    if named:
        result["ResourceSpecificResults"] = [
            {
                "EvalResourceName": resource,
                "EvalResourceDecision": _DECISIONS[decision],
                "MatchedStatements": matched,
                "MissingContextValues": trial.missing,
            }
        ]
    return result


def _matched(grant: Grant, context: Context, *, denies: bool) -> Iterator[dict[str, Any]]:
    """The statements that decided."""
    for statement in _statements(grant.document):
        if statement.policy.says(context) == (DENY if denies else ALLOW):
            yield {
                "SourcePolicyId": grant.id,
                "SourcePolicyType": "IAM Policy",
                "StartPosition": {"Line": statement.start[0], "Column": statement.start[1]},
                "EndPosition": {"Line": statement.end[0], "Column": statement.end[1]},
            }


@lru_cache(maxsize=512)
def _statements(document: str) -> tuple[Statement, ...]:
    """The statements of a document, each compiled on its own."""
    whole = json.loads(document)
    version = whole.get("Version", "2008-10-17")
    statements = whole["Statement"] if isinstance(whole["Statement"], list) else [whole["Statement"]]
    decoder = json.JSONDecoder()
    at = document.index('"Statement"') + len('"Statement"')
    found: list[Statement] = []
    for statement in statements:
        at = document.index("{", at)
        _, end = decoder.raw_decode(document, at)
        policy = compile_policy(json.dumps({"Version": version, "Statement": [statement]}))
        found.append(Statement(policy, _position(document, at + 1), _position(document, end)))
        at = end
    return tuple(found)


def _position(document: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of the character that follows a brace: that is how AWS counts."""
    before = document[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def _keys_in(documents: Any) -> list[str]:
    """The condition keys that documents ask for, in conditions and as variables."""
    found: dict[str, str] = {}
    for document in documents:
        parsed = json.loads(document)
        statements = parsed["Statement"] if isinstance(parsed["Statement"], list) else [parsed["Statement"]]
        for statement in cast("list[dict[str, Any]]", statements):
            for block in statement.get("Condition", {}).values():
                for key in block:
                    found.setdefault(key.lower(), key)
        for key in _VARIABLE.findall(document):
            found.setdefault(key.strip().lower(), key.strip())
    return list(found.values())
