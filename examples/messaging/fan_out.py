"""A shop's orders go to one topic, and from there to each queue that asks for them.

python fan_out.py up [PREFIX]      python fan_out.py down [PREFIX]
"""

import json
from dataclasses import dataclass
from typing import Any

import boto3
from queues import Client, create_queue, let_send, main, remove_queue

FILTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "stock": ("MessageAttributes", {"kind": ["order", "return"]}),
    "fraud": ("MessageBody", {"total": [{"numeric": [">=", 1000]}], "customer": {"since": [{"exists": False}]}}),
    "abroad": ("MessageAttributes", {"kind": ["order"], "country": [{"anything-but": ["DE"]}]}),
    "archive": ("MessageAttributes", {}),
}
"""queue -> (scope, filter policy) of what it wants to hear"""


@dataclass(frozen=True)
class Shop:
    """What is deployed, by its names."""

    topic_arn: str
    queues: dict[str, str]
    """queue -> its URL"""
    dead: str
    """The URL of the queue for what could not be delivered."""


def deploy(prefix: str, client: Client = boto3.client) -> Shop:
    """Builds the topic and its queues."""
    sqs, sns = client("sqs"), client("sns")
    topic_arn = sns.create_topic(Name=f"{prefix}-orders")["TopicArn"]
    dead, dead_arn = create_queue(sqs, f"{prefix}-undelivered")
    let_send(sqs, dead, dead_arn, topic_arn)
    urls: dict[str, str] = {}
    for name, (scope, policy) in FILTERS.items():
        urls[name], arn = create_queue(sqs, f"{prefix}-{name}")
        let_send(sqs, urls[name], arn, topic_arn)
        attributes = {"RawMessageDelivery": "true", "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn})}
        if policy:
            attributes |= {"FilterPolicyScope": scope, "FilterPolicy": json.dumps(policy)}
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return Shop(topic_arn, urls, dead)


def publish(sns: Any, shop: Shop, kind: str, country: str, body: dict[str, Any]) -> str:
    """Publishes an order or a return; the id of the request."""
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in (("kind", kind), ("country", country))}
    published = sns.publish(TopicArn=shop.topic_arn, Message=json.dumps(body), MessageAttributes=attributes)
    return str(published["ResponseMetadata"]["RequestId"])


def remove(prefix: str, client: Client = boto3.client) -> None:
    sns = client("sns")
    topic_arn = sns.create_topic(Name=f"{prefix}-orders")["TopicArn"]
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
        for subscription in page["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sns.delete_topic(TopicArn=topic_arn)
    for name in (*FILTERS, "undelivered"):
        remove_queue(client("sqs"), f"{prefix}-{name}")


def _up(prefix: str) -> list[str]:
    shop = deploy(prefix)
    attributes = '\'{"kind":{"DataType":"String","StringValue":"order"},"country":{"DataType":"String","StringValue":"FR"}}\''
    return [
        f'aws sns publish --topic-arn {shop.topic_arn} --message \'{{"total":1200,"customer":{{}}}}\' --message-attributes {attributes}',
        *(f"aws sqs receive-message --queue-url {url} --max-number-of-messages 10" for url in shop.queues.values()),
    ]


if __name__ == "__main__":
    main(_up, remove, __doc__ or "")
