"""What the stories of IAM and STS share: documents, faults as values, and calls in somebody's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.stories.here import ACCOUNT, Here
from windtunnel.fabric import Fault, Principal
from windtunnel.fabric.access import ACCESS_KEYS


def policy(*statements: dict[str, Any]) -> str:
    """A document of statements; what is left out of one is as in most of them."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]})


def trust(principal: Any, **more: Any) -> str:
    """A role's trust policy."""
    return policy({"Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"], **more})


def fault(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message of the fault that a call must end in."""
    with pytest.raises(Fault) as caught:
        call(**request)
    return caught.value.code, caught.value.message


def acting(here: Here, principal: Principal) -> Here:
    """The region as somebody sees it."""
    other = here.at(account=principal.account)
    other.scope = msgspec.structs.replace(other.scope, principal=principal)
    return other


def with_key(here: Here, key_id: str) -> Here:
    """The region as the owner of a key sees it."""
    key = here.cloud.apply(lambda tx: tx.get(ACCESS_KEYS, key_id))
    assert key is not None
    return acting(here, key.principal)


def user(here: Here, name: str, account: str = ACCOUNT, **policies: str) -> Here:
    """A new user with inline policies; the region as they see it."""
    there = here.at(account=account)
    there.iam.create_user(UserName=name)
    for policy_name, document in policies.items():
        there.iam.put_user_policy(UserName=name, PolicyName=policy_name, PolicyDocument=document)
    return with_key(here, there.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])
