"""Who may do what with a key: its policy is asked, then its grants.

A key belongs to nobody by itself: what neither its policy nor a grant allows is denied, to its account's root as well. Where the policy
leaves it to the account, the account's own policies would decide; those are not asked anywhere in the region yet, so they are taken to
allow. https://docs.aws.amazon.com/kms/latest/developerguide/control-access.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.aws.policy import Context, Policies, compile_policy, evaluate
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric import Principal as Caller
from windtunnel.fabric.asking import WILLING, asker, known_of
from windtunnel.fabric.scope import root
from windtunnel.fabric.tags import tags_of
from windtunnel.services.kms.grants.tokens import grant_of_token
from windtunnel.services.kms.state import ALIASES, GRANTS, Found, Grant

Keys = Mapping[str, str | list[str]]
BY_ROLE = frozenset(f"{service}.amazonaws.com" for service in ("cloudformation", "lambda", "pipes", "scheduler", "states"))
"""Services that AWS has ask KMS by the role they were given; here some of what they do is done in their own name."""
WITH_CONTEXT = frozenset(
    {
        "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
    }
)  # fmt: skip
"""The operations to which a grant's constraints on the encryption context apply."""


def default_policy(tx: Tx) -> str:
    """What a key has whose policy nobody gives: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition_of(tx.region)}:iam::{tx.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def check_access(
    found: Found, action: str, keys: Keys, tokens: Iterable[str] = (), *, context: Mapping[str, str] | None = None, abroad: bool = False
) -> None:
    """Raises AccessDeniedException where the caller may not do it; `abroad`: other accounts may be let."""
    tx, caller = found.tx, acting(found.tx.scope.principal)
    own = caller.account == tx.account
    # What the default policy says to its account is known without reading it.
    if own and not found.key.policy and caller.kind not in ("AWSService", "Anonymous"):
        for token in tokens:
            grant_of_token(tx, token)
        return
    said = _ask(found, action, keys, context) if own or abroad else "implicit-deny"
    if said == "allow":
        return
    if said == "implicit-deny" and (own or abroad) and _granted(found, action, tokens, context or {}):
        return
    why = "with an explicit deny in a resource-based policy"
    if said == "implicit-deny":
        why = f"because no resource-based policy allows the kms:{action} action"
    message = f"User: {caller.arn} is not authorized to perform: kms:{action} on resource: {found.arn} {why}"
    raise Fault("AccessDeniedException", message)


def allows(found: Found, policy: str, action: str) -> bool:
    """Whether a policy would let the caller do something."""
    return _ask(Found(found.tx, found.id, msgspec.structs.replace(found.key, policy=policy)), action, {}, None) == "allow"


def _ask(found: Found, action: str, keys: Keys, context: Mapping[str, str] | None) -> str:
    tx, caller = found.tx, acting(found.tx.scope.principal)
    policy = compile_policy(found.key.policy or default_policy(tx))
    known = _known(found, caller) | dict(keys)
    for key, value in (context or {}).items():
        known[f"kms:encryptioncontext:{key.lower()}"] = value
    if context:
        known["kms:encryptioncontextkeys"] = list(context)
    policies = Policies(identity=WILLING, resource=(policy,), resource_must_allow=True)
    return evaluate(policies, Context(asker(caller), f"kms:{action}", found.arn, tx.account, {k: v for k, v in known.items() if v}))


def acting(caller: Caller) -> Caller:
    """Who a service is that does by a role what somebody set it up to do (a function's role, a stack's): its account stands for it."""
    return root(caller.account) if caller.name in BY_ROLE and caller.kind == "AWSService" else caller


def _known(found: Found, caller: Caller) -> dict[str, str | list[str]]:
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
    tx, key = found.tx, found.key
    known = known_of(tx, asker(caller)) | {
        "kms:calleraccount": caller.account if caller.kind != "AWSService" else "",
        "kms:keyorigin": key.origin,
        "kms:keyspec": key.spec,
        "kms:keyusage": key.usage,
        "kms:multiregion": "true" if key.primary else "false",
        "kms:resourcealiases": [str(name) for (name,), _ in tx.find(ALIASES, "target", found.id)],
        "kms:viaservice": tx.scope.via,
    }
    return known | {f"aws:resourcetag/{tag.lower()}": value for tag, value in tags_of(tx, found.arn).items()}


def _granted(found: Found, action: str, tokens: Iterable[str], context: Mapping[str, str]) -> bool:
    """Whether a grant lets the caller do it. Tokens of new grants are looked at, but every grant holds at once here."""
    tx = found.tx
    for token in tokens:
        grant_of_token(tx, token)
    for name in names_of(acting(tx.scope.principal), tx.region):
        for _, grant in tx.find(GRANTS, "grantee", found.id, name):
            if action in grant.operations and _within(grant, action, context) and _for(grant, tx):
                return True
    return False


def names_of(caller: Caller, region: str) -> list[str]:
    """The names under which a grant may mean a caller."""
    account = f"arn:{partition_of(region)}:iam::{caller.account}:root"
    return list(dict.fromkeys(name for name in (caller.arn, caller.issuer, account, caller.account) if name))


def _within(grant: Grant, action: str, context: Mapping[str, str]) -> bool:
    """https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-constraints"""
    if action not in WITH_CONTEXT:
        return True
    if grant.equals is not None and dict(context) != grant.equals:
        return False
    return grant.subset is None or grant.subset.items() <= context.items()


def _for(grant: Grant, tx: Tx) -> bool:
    return not grant.source_arn or grant.source_arn == tx.scope.source_arn
