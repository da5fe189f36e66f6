"""Policies decide who may do what: documents compiled once, requests judged by AWS's evaluation logic.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit deny anywhere ends it; then
organisation controls, the resource's policy, the identity's policies, its boundary and its session's policies are asked, and what
nobody allows is denied. `check_policy` (in policy_check) says whether IAM would take a document at all.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct, field

from windtunnel.aws.policy_check import Kind, check_policy
from windtunnel.aws.policy_conditions import Condition, compile_conditions, texts
from windtunnel.aws.policy_text import Compare, Keys, arn_like, like

__all__ = ["Context", "Decision", "Kind", "Policies", "Policy", "Principal", "check_policy", "compile_policy", "evaluate"]

Decision = Literal["allow", "explicit-deny", "implicit-deny"]
PrincipalKind = Literal["root", "user", "assumed-role", "federated-user", "service", "anonymous"]

# What a policy says to a request. A resource's policy allows in three ways that reach differently far: it names the caller, or the
# role behind the caller's session, or the caller's account, which then decides with its own policies.
NOTHING, DENY, ALLOW, ALLOW_ROLE, ALLOW_ACCOUNT = 0, 1, 2, 4, 8
_ALLOWS = ALLOW | ALLOW_ROLE | ALLOW_ACCOUNT


class Principal(Struct, frozen=True):
    """Who asks. `arn` is the user's, the session's (`arn:aws:sts::…:assumed-role/role/session`) or the account root's."""

    kind: PrincipalKind
    account: str = ""
    arn: str = ""
    role: str = ""  # the ARN of the role behind a session
    id: str = ""  # the unique id: AIDA…, AROA…:session
    service: str = ""  # lambda.amazonaws.com, when a service acts as itself
    provider: str = ""  # the identity provider behind a web identity or SAML request
    canonical: str = ""  # S3's canonical user id of the account


class Context(Struct, frozen=True):
    """One request: action and resource as policies name them, and the condition keys, their names in lower case."""

    principal: Principal
    action: str
    resource: str = "*"
    resource_account: str = ""  # empty where it is the caller's own
    keys: Keys = field(default_factory=dict[str, str])


class Policy(Struct, frozen=True):
    """A compiled document: what it says to a request, as a sum of the words above."""

    says: Callable[[Context], int]


class Policies(Struct, frozen=True):
    """All policies that bear on a request. None means that there is no such limit, an empty tuple that nothing is allowed by it."""

    identity: tuple[Policy, ...] = ()
    resource: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    # One tuple for each level from the organisation's root to the account: every level must allow.
    service_controls: tuple[tuple[Policy, ...], ...] = ()
    resource_controls: tuple[tuple[Policy, ...], ...] = ()
    # Keys of KMS and trust policies of roles must allow even a caller of the same account.
    resource_must_allow: bool = False


class _Statement(Struct, frozen=True):
    deny: bool
    action: Callable[[str], bool]
    resource: Compare | None
    principal: Callable[[Principal], int] | None
    conditions: tuple[Condition, ...]


@lru_cache(maxsize=4096)
def compile_policy(document: str, kind: Kind = "resource") -> Policy:
    """The document as a function of a request; ValueError when it has not even a policy's form."""
    checked = check_policy(document, kind)
    variables = checked.get("Version") == "2012-10-17"
    statements = tuple(_compile_statement(statement, variables) for statement in checked["Statement"])

    @lru_cache(maxsize=512)
    def for_action(action: str) -> tuple[_Statement, ...]:
        return tuple(statement for statement in statements if statement.action(action))

    def says(context: Context) -> int:
        said = NOTHING
        keys = context.keys
        for statement in for_action(context.action.lower()):
            grant = ALLOW if statement.principal is None else statement.principal(context.principal)
            if not grant or (statement.resource is not None and not statement.resource(context.resource, keys)):
                continue
            if all(condition(keys) for condition in statement.conditions):
                if statement.deny:
                    return DENY
                said |= grant
        return said

    return Policy(says)


def evaluate(policies: Policies, context: Context) -> Decision:
    """Whether the request is allowed, or denied by somebody's word, or by nobody's."""
    by_identity = _said(policies.identity, context)
    by_resource = _said(policies.resource, context)
    by_boundary = ALLOW if policies.boundary is None else _said(policies.boundary, context)
    by_session = ALLOW if policies.session is None else _said(policies.session, context)
    principal = context.principal
    own_limits = () if principal.kind in ("service", "anonymous") else policies.service_controls
    controls = [_said(level, context) for level in (*own_limits, *policies.resource_controls)]
    if (by_identity | by_resource | by_boundary | by_session) & DENY or any(said & DENY for said in controls):
        return "explicit-deny"
    if not all(said & _ALLOWS for said in controls):
        return "implicit-deny"
    if principal.kind in ("service", "anonymous"):
        return "allow" if by_resource & _ALLOWS else "implicit-deny"

    within_limits = bool(by_boundary & _ALLOWS and by_session & _ALLOWS)
    allowed_by_own = principal.kind == "root" or bool(by_identity & _ALLOWS)
    if context.resource_account in ("", principal.account):
        if by_resource & ALLOW:
            return "allow"
        if by_resource & ALLOW_ROLE and within_limits:
            return "allow"
        consents = not policies.resource_must_allow or by_resource & ALLOW_ACCOUNT
    else:
        consents = by_resource & _ALLOWS
    return "allow" if allowed_by_own and within_limits and consents else "implicit-deny"


def _said(policies: Iterable[Policy], context: Context) -> int:
    said = NOTHING
    for policy in policies:
        said |= policy.says(context)
    return said


def _compile_statement(statement: Mapping[str, Any], variables: bool) -> _Statement:
    return _Statement(
        deny=statement["Effect"].lower() == "deny",
        action=_compile_actions(statement),
        resource=_compile_resources(statement, variables),
        principal=_compile_principals(statement),
        conditions=compile_conditions(statement.get("Condition", {}), variables),
    )


def _compile_actions(statement: Mapping[str, Any]) -> Callable[[str], bool]:
    inverted = "NotAction" in statement
    named = [text.lower() for text in texts(statement.get("NotAction" if inverted else "Action", []))]
    exact = frozenset(text for text in named if "*" not in text and "?" not in text)
    patterns = tuple(like(text, variables=False) for text in named if text not in exact)
    return lambda action: (action in exact or any(pattern(action, {}) for pattern in patterns)) is not inverted


def _compile_resources(statement: Mapping[str, Any], variables: bool) -> Compare | None:
    """None where every resource is meant: `*`, and policies that name none because they are their resource's own."""
    inverted = "NotResource" in statement
    named = texts(statement.get("NotResource" if inverted else "Resource", ["*"]))
    if "*" in named and not inverted:
        return None
    compares = tuple(arn_like(text, variables) for text in named)
    if len(compares) == 1 and not inverted:
        return compares[0]
    return lambda resource, keys: any(compare(resource, keys) for compare in compares) is not inverted


def _compile_principals(statement: Mapping[str, Any]) -> Callable[[Principal], int] | None:
    """What the statement grants to a caller; None in policies that are attached to the caller and name nobody."""
    inverted = "NotPrincipal" in statement
    if not inverted and "Principal" not in statement:
        return None
    element = statement["NotPrincipal" if inverted else "Principal"]
    named: Mapping[str, Any] = {"AWS": "*"} if element == "*" else element
    aws = frozenset(_account_or_arn(text) for text in texts(named.get("AWS", [])))
    services = frozenset(texts(named.get("Service", [])))
    providers = frozenset(texts(named.get("Federated", [])))
    canonical = frozenset(texts(named.get("CanonicalUser", [])))

    def grant(principal: Principal) -> int:
        if principal.kind == "service":
            return ALLOW if principal.service in services or "*" in services or "*" in aws else NOTHING
        if principal.arn in aws or (principal.id and principal.id in aws):
            return ALLOW
        if principal.role and (principal.role in aws or principal.id.partition(":")[0] in aws):
            return ALLOW_ROLE
        if "*" in aws:
            return ALLOW_ROLE if principal.role else ALLOW
        if principal.provider and principal.provider in providers:
            return ALLOW
        if principal.account and (principal.account in aws or (principal.canonical and principal.canonical in canonical)):
            return ALLOW if principal.kind == "root" else ALLOW_ACCOUNT
        return NOTHING

    if inverted:
        return lambda principal: NOTHING if grant(principal) else ALLOW
    return grant


def _account_or_arn(text: str) -> str:
    """`arn:aws:iam::123456789012:root` and `123456789012` are two spellings of one account."""
    fields = text.split(":")
    return fields[4] if text.endswith(":root") and fields[2:3] == ["iam"] else text
