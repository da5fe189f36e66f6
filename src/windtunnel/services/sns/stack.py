"""How templates deploy topics, subscriptions and topics' policies.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SNS.html
"""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.aws.arn import parse
from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import changed, deletes, picked
from windtunnel.services.sns.state import TOPICS
from windtunnel.services.sns.topics.policies import default_policy

ATTRIBUTES = (
    "ArchivePolicy ContentBasedDeduplication DisplayName FifoThroughputScope FifoTopic KmsMasterKeyId SignatureVersion TracingConfig"
)
NAMES_OF_PROTOCOLS = {"http/s": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}
FEEDBACK = ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate")
NAME_CHARACTERS_MAX = 256
SUBSCRIBED = "DeliveryPolicy FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy ReplayPolicy SubscriptionRoleArn"
RESET = {"SignatureVersion": "1", "TracingConfig": "PassThrough", "ContentBasedDeduplication": "false"}


def _attributes(properties: Properties) -> dict[str, str]:
    found = {name: plain_text(value) for name, value in picked(properties, ATTRIBUTES).items()}
    for each in properties.get("DeliveryStatusLogging", []):
        protocol = NAMES_OF_PROTOCOLS.get(each["Protocol"].lower(), each["Protocol"])
        found |= {f"{protocol}{name}": plain_text(each[name]) for name in FEEDBACK if name in each}
    if found.get("FifoTopic", "true").lower() != "true":
        del found["FifoTopic"]
    return found


async def _create(at: At, properties: Properties) -> str:
    attributes = _attributes(properties)
    name = properties.get("TopicName") or at.name(NAME_CHARACTERS_MAX, suffix=".fifo" if "FifoTopic" in attributes else "")
    request = {"Name": name, "Attributes": attributes, "Tags": at.tag_list(properties.get("Tags"))}
    arn = str((await at.aws.sns.create_topic({**request, "DataProtectionPolicy": properties.get("DataProtectionPolicy")}))["TopicArn"])
    await at.made(arn)
    await _subscribe(at, arn, properties.get("Subscription", []))
    return arn


async def _subscribe(at: At, arn: str, subscriptions: list[dict[str, Any]]) -> None:
    for each in subscriptions:
        await at.aws.sns.subscribe({"TopicArn": arn, "Protocol": each["Protocol"], "Endpoint": each["Endpoint"]})


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    after, before = _attributes(new), _attributes(old)
    for name in {**before, **after}:
        if after.get(name) != before.get(name) and name != "FifoTopic":
            value = after.get(name, RESET.get(name, ""))
            await at.aws.sns.set_topic_attributes({"TopicArn": id, "AttributeName": name, "AttributeValue": value})
    if changed(new, old, "DataProtectionPolicy"):
        await at.aws.sns.put_data_protection_policy({"ResourceArn": id, "DataProtectionPolicy": new.get("DataProtectionPolicy", "")})
    await _subscribe(at, id, [each for each in new.get("Subscription", []) if each not in old.get("Subscription", [])])
    await at.retag(new, old, {"ResourceArn": id}, at.aws.sns.tag_resource, at.aws.sns.untag_resource)


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    await at.aws.sns.get_topic_attributes({"TopicArn": id})
    return {"TopicArn": id, "TopicName": id.rpartition(":")[2]}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    known = (await at.aws.sns.get_topic_attributes({"TopicArn": id}))["Attributes"]
    return {**properties, **{name: known.get(name, "") for name in picked(properties, ATTRIBUTES)}}


def _place(at: At, properties: Properties) -> Any:
    """A topic of another region is asked there."""
    region = properties.get("Region") or parse(str(properties["TopicArn"])).region
    return at.elsewhere(region).aws.sns


async def _create_subscription(at: At, properties: Properties) -> str:
    attributes = {name: plain_text(value) for name, value in picked(properties, SUBSCRIBED).items()}
    request = {"TopicArn": properties["TopicArn"], "Protocol": properties["Protocol"], "Endpoint": properties.get("Endpoint")}
    made = await _place(at, properties).subscribe({**request, "Attributes": attributes, "ReturnSubscriptionArn": True})
    return str(made["SubscriptionArn"])


async def _update_subscription(at: At, id: str, new: Properties, old: Properties) -> None:
    for name in SUBSCRIBED.split():
        if changed(new, old, name):
            value = plain_text(new.get(name, {"FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "false"}.get(name, "")))
            request = {"SubscriptionArn": id, "AttributeName": name, "AttributeValue": value or ("{}" if name == "FilterPolicy" else "")}
            await _place(at, new).set_subscription_attributes(request)


async def _delete_subscription(at: At, id: str, properties: Properties) -> None:
    known = (await _place(at, properties).get_subscription_attributes({"SubscriptionArn": id}))["Attributes"]
    if known.get("PendingConfirmation") != "true":  # what nobody has confirmed can't be ended, and is forgotten by itself
        await _place(at, properties).unsubscribe({"SubscriptionArn": id})


async def _told_subscription(at: At, id: str, properties: Properties) -> dict[str, Any]:
    await _place(at, properties).get_subscription_attributes({"SubscriptionArn": id})
    return {"Arn": id}


async def _read_subscription(at: At, id: str, properties: Properties) -> Properties:
    known = (await _place(at, properties).get_subscription_attributes({"SubscriptionArn": id}))["Attributes"]
    found = dict(properties)
    for name, value in picked(properties, SUBSCRIBED).items():
        now = known.get(name, "")
        found[name] = orjson.loads(now) if isinstance(value, dict) and now else now
    return found


async def _set_policy(at: At, topics: list[str], policy: Any) -> None:
    for arn in topics:
        text = default_policy(arn, at.account) if policy is None else policy
        await at.aws.sns.set_topic_attributes({"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": text})


def _topics(properties: Properties) -> list[str]:
    return list(properties.get("Topics") or [properties["TopicArn"]])


async def _create_policy(at: At, properties: Properties) -> str:
    await _set_policy(at, _topics(properties), properties["PolicyDocument"])
    return str(properties["TopicArn"]) if "TopicArn" in properties else at.name()


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    await _set_policy(at, [topic for topic in _topics(old) if topic not in _topics(new)], None)
    await _set_policy(at, _topics(new), new["PolicyDocument"])


async def _delete_policy(at: At, id: str, properties: Properties) -> None:
    await _set_policy(at, _topics(properties), None)


async def _told_policy(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Id": id}


RESOURCES = (
    Resource(
        "AWS::SNS::Topic",
        TOPICS,
        "arn:aws:sns:{region}:{account}:{0}",
        Deploy(
            properties=f"{ATTRIBUTES} DataProtectionPolicy DeliveryStatusLogging Subscription Tags TopicName",
            create=_create,
            update=_update,
            delete=deletes("sns", "delete_topic", "TopicArn"),
            attributes=_told,
            read=_read,
            replaced="FifoTopic TopicName",
            resumes=True,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::SNS::Subscription",
        deploy=Deploy(
            properties=f"{SUBSCRIBED} Endpoint Protocol Region TopicArn",
            required="Protocol TopicArn",
            create=_create_subscription,
            update=_update_subscription,
            delete=_delete_subscription,
            attributes=_told_subscription,
            read=_read_subscription,
            replaced="Endpoint Protocol TopicArn",
        ),
    ),
    Resource(
        "AWS::SNS::TopicPolicy",
        deploy=Deploy(
            properties="PolicyDocument Topics",
            required="PolicyDocument Topics",
            create=_create_policy,
            update=_update_policy,
            delete=_delete_policy,
            attributes=_told_policy,
        ),
    ),
    Resource(
        "AWS::SNS::TopicInlinePolicy",
        deploy=Deploy(
            properties="PolicyDocument TopicArn",
            required="PolicyDocument TopicArn",
            replaced="TopicArn",
            create=_create_policy,
            update=_update_policy,
            delete=_delete_policy,
        ),
    ),
)
