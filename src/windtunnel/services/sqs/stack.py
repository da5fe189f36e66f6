"""How templates deploy queues and their policies.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SQS.html
"""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import deletes, picked
from windtunnel.services.sqs.state import QUEUES

ATTRIBUTES = (
    "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit KmsDataKeyReusePeriodSeconds KmsMasterKeyId"
    " MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled"
    " VisibilityTimeout"
)
NAME_CHARACTERS_MAX = 80
RESET = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}
"""What an attribute is again when a template leaves it out; of all others it is the empty text."""


def _attributes(properties: Properties) -> dict[str, str]:
    """A standard queue takes no FifoQueue at all."""
    given = picked(properties, ATTRIBUTES)
    return {name: plain_text(value) for name, value in given.items() if name != "FifoQueue" or plain_text(value).lower() == "true"}


async def _create(at: At, properties: Properties) -> str:
    fifo = plain_text(properties.get("FifoQueue", "")).lower() == "true"
    name = properties.get("QueueName") or at.name(NAME_CHARACTERS_MAX, suffix=".fifo" if fifo else "")
    request = {"QueueName": name, "Attributes": _attributes(properties), "tags": at.tags(properties.get("Tags"))}
    return str((await at.aws.sqs.create_queue(request))["QueueUrl"])


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    after, before = _attributes(new), _attributes(old)
    attributes = {**{name: RESET.get(name, "") for name in before if name not in after}, **after}
    attributes.pop("FifoQueue", None)
    if attributes:
        await at.aws.sqs.set_queue_attributes({"QueueUrl": id, "Attributes": attributes})
    await at.retag(new, old, {"QueueUrl": id}, at.aws.sqs.tag_queue, at.aws.sqs.untag_queue, as_map=True)


async def _known(at: At, id: str) -> dict[str, str]:
    return (await at.aws.sqs.get_queue_attributes({"QueueUrl": id, "AttributeNames": ["All"]}))["Attributes"]


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    arn = (await _known(at, id))["QueueArn"]
    return {"Arn": arn, "QueueName": arn.rpartition(":")[2], "QueueUrl": id}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    known = await _known(at, id)
    found: Properties = dict(properties)
    for name in picked(properties, ATTRIBUTES):
        value = known.get(name, "")
        found[name] = orjson.loads(value) if isinstance(properties[name], dict) and value else value
    return found


async def _set_policy(at: At, properties: Properties, policy: Any) -> None:
    for queue in properties.get("Queues") or [properties["Queue"]]:
        await at.aws.sqs.set_queue_attributes({"QueueUrl": queue, "Attributes": {"Policy": policy}})


async def _create_policy(at: At, properties: Properties) -> str:
    await _set_policy(at, properties, properties["PolicyDocument"])
    return str(properties["Queue"]) if "Queue" in properties else at.name()


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    gone = [queue for queue in old.get("Queues", []) if queue not in new.get("Queues", [])]
    if gone:
        await _set_policy(at, {"Queues": gone}, "")
    await _set_policy(at, new, new["PolicyDocument"])


async def _delete_policy(at: At, id: str, properties: Properties) -> None:
    await _set_policy(at, properties, "")


async def _told_policy(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Id": id}


RESOURCES = (
    Resource(
        "AWS::SQS::Queue",
        QUEUES,
        "arn:aws:sqs:{region}:{account}:{0}",
        Deploy(
            properties=f"{ATTRIBUTES} QueueName Tags",
            create=_create,
            update=_update,
            delete=deletes("sqs", "delete_queue", "QueueUrl"),
            attributes=_told,
            read=_read,
            replaced="QueueName FifoQueue",
            resumes=True,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::SQS::QueuePolicy",
        deploy=Deploy(
            properties="PolicyDocument Queues",
            required="PolicyDocument Queues",
            create=_create_policy,
            update=_update_policy,
            delete=_delete_policy,
            attributes=_told_policy,
        ),
    ),
    Resource(
        "AWS::SQS::QueueInlinePolicy",
        deploy=Deploy(
            properties="PolicyDocument Queue",
            required="PolicyDocument Queue",
            replaced="Queue",
            create=_create_policy,
            update=_update_policy,
            delete=_delete_policy,
        ),
    ),
)
