"""Stack policies: which resources an update may touch.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import orjson

from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.state import POLICIES, Stack
from windtunnel.services.cloudformation.template.parsing import a_list, a_map

ACTIONS = ("Update:Modify", "Update:Replace", "Update:Delete", "Update:*")


def check_policy(text: str) -> None:
    """Raises ValidationError for what is no stack policy."""
    try:
        policy: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _invalid("Invalid stack policy") from None
    statements = policy.get("Statement") if a_map(policy) else None
    if not a_list(statements):
        raise _invalid("Invalid stack policy")
    for statement in statements:
        if not a_map(statement) or statement.get("Principal") != "*" or statement.get("Effect") not in ("Allow", "Deny"):
            raise _invalid("Invalid stack policy")
        if not _many(statement, "Action") and not _many(statement, "NotAction"):
            raise _invalid("Invalid stack policy")
        if not all(action in ACTIONS for action in [*_many(statement, "Action"), *_many(statement, "NotAction")]):
            raise _invalid("Invalid stack policy")
        if not _many(statement, "Resource") and not _many(statement, "NotResource"):
            raise _invalid("Invalid stack policy")


def _invalid(why: str) -> Fault:
    return Fault("ValidationError", f"Error validating stack policy: {why}")


def _many(statement: dict[str, Any], name: str) -> list[str]:
    value = statement.get(name, [])
    return [str(each) for each in value] if a_list(value) else [str(value)]


def policy_of(tx: Tx, stack: Stack) -> str:
    """The stack policy that holds now."""
    return tx.get(POLICIES, stack.uuid, "update") or tx.get(POLICIES, stack.uuid, "") or ""


def protected_from(tx: Tx, stack: Stack, logical: str, type: str, action: str) -> bool:
    """Whether the stack policy keeps an update ("Modify", "Replace" or "Delete") from a resource. What no statement allows is denied."""
    text = policy_of(tx, stack)
    if not text:
        return False
    effects = [
        statement["Effect"]
        for statement in orjson.loads(text).get("Statement", [])
        if _covers(statement, f"Update:{action}", f"LogicalResourceId/{logical}", type)
    ]
    return "Deny" in effects or "Allow" not in effects


def _covers(statement: dict[str, Any], action: str, resource: str, type: str) -> bool:
    acts = _fits(statement, "Action", action)
    there = _fits(statement, "Resource", resource)
    return acts and there and _holds(statement.get("Condition", {}), type)


def _fits(statement: dict[str, Any], name: str, text: str) -> bool:
    if name in statement:
        return _matches(text, _many(statement, name))
    return not _matches(text, _many(statement, f"Not{name}"))


def _holds(condition: dict[str, dict[str, Any]], type: str) -> bool:
    for operator, keys in condition.items():
        if not _matches(type, _many(keys, "ResourceType")) and operator in ("StringEquals", "StringLike"):
            return False
        if _matches(type, _many(keys, "ResourceType")) and operator in ("StringNotEquals", "StringNotLike"):
            return False
    return True


def _matches(text: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
