"""Policies of streams and consumers: kept as they were written.

https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.policy_check import check_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.services.kinesis.queues.state import QUEUES, find_queue
from windtunnel.services.kinesis.rules import invalid
from windtunnel.services.kinesis.state import CONSUMERS, find_arn, find_consumer

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

NONE = "{}"
POLICY_BYTES_MAX = 20_480


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyInput) -> dict[str, Any]:
    _set(tx, req["ResourceARN"], _checked(req["Policy"]))
    return {}


def get_resource_policy(tx: Tx, req: t.GetResourcePolicyInput) -> dict[str, Any]:
    return {"Policy": _policy(tx, req["ResourceARN"]) or NONE}


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyInput) -> dict[str, Any]:
    arn = req["ResourceARN"]
    if not _policy(tx, arn):
        raise Fault("ResourceNotFoundException", f"No resource policy found for resource ARN {arn}")
    _set(tx, arn, "")
    return {}


def _policy(tx: Tx, arn: str) -> str:
    if "/consumer/" in arn:
        return find_consumer(tx, arn)[2].policy
    if ":queue/" in arn:
        return find_queue(tx, arn).queue.policy
    return find_arn(tx, arn).stream.policy


def _set(tx: Tx, arn: str, policy: str) -> None:
    if "/consumer/" in arn:
        found, name, consumer = find_consumer(tx, arn)
        found.tx.put(CONSUMERS, found.stream.id, name, value=msgspec.structs.replace(consumer, policy=policy))
    elif ":queue/" in arn:
        opened = find_queue(tx, arn)
        opened.tx.put(QUEUES, opened.id, value=msgspec.structs.replace(opened.queue, policy=policy))
    else:
        find_arn(tx, arn).keep(policy=policy)


def _checked(text: str) -> str:
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise Fault("LimitExceededException", f"Resource policy exceeds the limit of {POLICY_BYTES_MAX} bytes.")
    try:
        check_policy(text, "resource")
    except ValueError as error:
        raise invalid(f"Invalid resource policy: {error}") from error
    return text
