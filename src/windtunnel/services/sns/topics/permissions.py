"""AddPermission and RemovePermission, which write statements of a topic's policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from windtunnel.fabric import Tx
from windtunnel.services.sns.rules import invalid
from windtunnel.services.sns.state import TOPICS, Found, find_topic, replace
from windtunnel.services.sns.topics.policies import checked_policy, default_policy, list_of

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

_PRINCIPAL = re.compile(r"\d{12}|arn:[^:]+:(iam|sts)::\d{12}:.+")


def add_permission(tx: Tx, req: t.AddPermissionInput) -> None:
    found = find_topic(tx, req["TopicArn"])
    policy = _policy(found)
    if any(statement.get("Sid") == req["Label"] for statement in policy["Statement"]):
        raise invalid("Statement already exists")
    if not all(_PRINCIPAL.fullmatch(account) for account in req["AWSAccountId"]):
        raise invalid("Policy Error: PrincipalNotFound")
    principals = [account if account.startswith("arn:") else f"arn:aws:iam::{account}:root" for account in req["AWSAccountId"]]
    named = [f"SNS:{action.removeprefix('SNS:')}" for action in req["ActionName"]]
    statement = {
        "Sid": req["Label"],
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": named[0] if len(named) == 1 else named,
        "Resource": found.arn,
    }
    policy["Statement"].append(statement)
    _put_policy(found, checked_policy(orjson.dumps(policy).decode(), found.arn))


def remove_permission(tx: Tx, req: t.RemovePermissionInput) -> None:
    found = find_topic(tx, req["TopicArn"])
    policy = _policy(found)
    policy["Statement"] = [statement for statement in policy["Statement"] if statement.get("Sid") != req["Label"]]
    _put_policy(found, orjson.dumps(policy).decode())


def _policy(found: Found) -> dict[str, Any]:
    policy = orjson.loads(found.topic.policy or default_policy(found.arn, found.tx.account))
    policy["Statement"] = list_of(policy["Statement"])
    return policy


def _put_policy(found: Found, text: str) -> None:
    found.tx.put(TOPICS, found.name, value=replace(found.topic, policy=text))
