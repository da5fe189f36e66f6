"""Permissions by label: statements of the queue's policy, edited one at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Tx
from windtunnel.services.sqs.rules import ACTIONS_MAX, check_statements, invalid_value, missing
from windtunnel.services.sqs.state import QUEUES, Found, arn_of, find_queue

if TYPE_CHECKING:
    from windtunnel.aws.types import sqs as t

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"\d{12}")
ACTIONS = frozenset(
    {
        "*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl",
        "ListDeadLetterSourceQueues", "PurgeQueue",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html"""


def add_permission(tx: Tx, req: t.AddPermissionRequest) -> None:
    found = find_queue(tx, req["QueueUrl"])
    label, actions = req["Label"], req["Actions"]
    if not _LABEL.fullmatch(label):
        raise invalid_value(label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
    for parameter in ("AWSAccountIds", "Actions"):
        if not req[parameter]:
            raise missing(parameter)
    for account in req["AWSAccountIds"]:
        if not _ACCOUNT.fullmatch(account):
            raise invalid_value(f"[{account}]", "PrincipalId", "Unable to verify.")
    for action in actions:
        if action not in ACTIONS:
            raise invalid_value(f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action.")
    if len(actions) > ACTIONS_MAX:
        raise Fault("OverLimit", f"{len(actions)} Actions were found, maximum allowed is {ACTIONS_MAX}.", status=403)
    arn = arn_of(found.tx.region, found.tx.account, found.name)
    policy = _policy(found) or {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise invalid_value(label, "Label", "Already exists.")
    partition = partition_of(found.tx.region)
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_many([f"arn:{partition}:iam::{account}:root" for account in req["AWSAccountIds"]])},
        "Action": _one_or_many([f"SQS:{action}" for action in actions]),
        "Resource": arn,
    }
    _write(found, {**policy, "Statement": [*policy["Statement"], statement]})


def remove_permission(tx: Tx, req: t.RemovePermissionRequest) -> None:
    found = find_queue(tx, req["QueueUrl"])
    policy = _policy(found) or {"Statement": []}
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") != req["Label"]]
    if len(kept) == len(policy["Statement"]):
        raise invalid_value(req["Label"], "Label", "can't find label.")
    _write(found, {**policy, "Statement": kept})


def _policy(found: Found) -> dict[str, Any] | None:
    text = found.queue.texts.get("Policy")
    policy: dict[str, Any] | None = msgspec.json.decode(text) if text else None
    if policy is not None and not isinstance(policy["Statement"], list):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _write(found: Found, policy: dict[str, Any]) -> None:
    check_statements(policy["Statement"])
    texts = {name: text for name, text in found.queue.texts.items() if name != "Policy"}
    if policy["Statement"]:
        texts["Policy"] = msgspec.json.encode(policy).decode()
    queue = msgspec.structs.replace(found.queue, texts=texts, modified=found.tx.now)
    found.tx.put(QUEUES, found.name, value=queue)


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
