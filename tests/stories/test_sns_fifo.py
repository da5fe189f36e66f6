"""FIFO topics: groups, deduplication, sequence numbers and the order in which queues get what was published."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import count
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sns_publish import QUEUES, received
from tests.stories.test_sns_topics import ARN, refusal
from windtunnel.fabric import Fault
from windtunnel.fabric.door import Door
from windtunnel.fabric.service import Handled

FIFO = f"{ARN}.fifo"


def ordered(here: Here, queue: str = "q.fifo", *, content: bool = False, raw: bool = True, **topic: str) -> str:
    """A queue subscribed to a FIFO topic; the queue's URL."""
    here.sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": str(content).lower(), **topic})
    attributes = {"FifoQueue": "true"} if queue.endswith(".fifo") else {}
    url = here.sqs.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
    here.sns.subscribe(TopicArn=FIFO, Protocol="sqs", Endpoint=f"{QUEUES}:{queue}", Attributes={"RawMessageDelivery": str(raw).lower()})
    return url


def test_a_group_arrives_in_the_order_in_which_it_was_published(here: Here) -> None:
    url = ordered(here)
    numbers = [
        here.sns.publish(TopicArn=FIFO, Message=f"m{i}", MessageGroupId="g", MessageDeduplicationId=str(i))["SequenceNumber"]
        for i in range(5)
    ]
    assert [message["Body"] for message in received(here, url)] == [f"m{i}" for i in range(5)]
    assert numbers == sorted(set(numbers))
    assert {len(number) for number in numbers} == {20}


def test_sequence_numbers_rise_whichever_process_publishes(here: Here) -> None:
    url = ordered(here)
    first = here.sns.publish(TopicArn=FIFO, Message="m1", MessageGroupId="g", MessageDeduplicationId="1")
    here.cloud.serials = count(1)
    later = here.sns.publish(TopicArn=FIFO, Message="m2", MessageGroupId="g", MessageDeduplicationId="2")
    assert first["SequenceNumber"] < later["SequenceNumber"]
    assert [message["Body"] for message in received(here, url)] == ["m1", "m2"]


def test_a_queue_that_fails_for_a_while_gets_the_group_in_order_and_other_groups_meanwhile(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = ordered(here)
    act, refused = Door._act, {"a"}  # pyright: ignore[reportPrivateUsage]

    def failing(door: Door, handled: Handled, request: dict[str, Any], *args: Any) -> dict[str, Any]:
        if handled.name == "SendMessage" and request["MessageGroupId"] in refused:
            raise Fault("ServiceUnavailable", "The queue is away.", status=503)
        return act(door, handled, request, *args)

    def publish(text: str, group: str) -> None:
        here.sns.publish(TopicArn=FIFO, Message=text, MessageGroupId=group, MessageDeduplicationId=text)

    monkeypatch.setattr(Door, "_act", failing)
    for text in ("a1", "a2", "b1"):
        publish(text, text[0])
    here.rest()
    assert [message["Body"] for message in received(here, url)] == ["b1"]
    refused.clear()
    publish("a3", "a")
    assert received(here, url) == []
    here.jump(1)
    assert [message["Body"] for message in received(here, url)] == ["a1", "a2", "a3"]
    publish("a4", "a")
    assert [message["Body"] for message in received(here, url)] == ["a4"]


def test_what_is_refused_for_good_holds_nothing_back(here: Here) -> None:
    url = ordered(here)
    dead = here.sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    [arn] = (one["SubscriptionArn"] for one in here.sns.list_subscriptions()["Subscriptions"])
    policy = json.dumps({"deadLetterTargetArn": f"{QUEUES}:dead.fifo"})
    here.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=policy)
    here.sqs.delete_queue(QueueUrl=url)
    for text in ("m1", "m2"):
        here.sns.publish(TopicArn=FIFO, Message=text, MessageGroupId="g", MessageDeduplicationId=text)
    here.jump(61)
    url = here.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    here.sns.publish(TopicArn=FIFO, Message="m3", MessageGroupId="g", MessageDeduplicationId="m3")
    assert [[one["Body"] for one in received(here, queue)] for queue in (dead, url)] == [["m1", "m2"], ["m3"]]


def test_the_same_id_within_five_minutes_is_published_once(here: Here) -> None:
    url = ordered(here)
    message = {"TopicArn": FIFO, "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    first = here.sns.publish(Message="m1", **message)
    here.jump(299)
    assert here.sns.publish(Message="m2", **message) == first
    here.jump(2)
    assert here.sns.publish(Message="m3", **message) != first
    assert [one["Body"] for one in received(here, url)] == ["m1", "m3"]


def test_content_stands_for_the_id_where_the_topic_says_so(here: Here) -> None:
    url = ordered(here, content=True)
    for text in ("m", "m", "n"):
        here.sns.publish(TopicArn=FIFO, Message=text, MessageGroupId="g")
    messages = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [(one["Body"], one["Attributes"]["MessageDeduplicationId"]) for one in messages] == [
        (text, sha256(text.encode()).hexdigest()) for text in ("m", "n")
    ]


def test_an_id_may_hold_for_its_group_only(here: Here) -> None:
    url = ordered(here, FifoThroughputScope="MessageGroup")
    here.sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    )
    here.jump(60)
    for group in ("a", "b", "a"):
        here.sns.publish(TopicArn=FIFO, Message=group, MessageGroupId=group, MessageDeduplicationId="d")
    assert [one["Body"] for one in received(here, url)] == ["a", "b"]


def test_the_envelope_of_a_fifo_topic_has_a_sequence_number_and_no_signature(here: Here) -> None:
    url = ordered(here, raw=False)
    sent = here.sns.publish(TopicArn=FIFO, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    [message] = received(here, url)
    subscription = here.sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
    assert list(json.loads(message["Body"]).items()) == [
        ("Type", "Notification"),
        ("MessageId", sent["MessageId"]),
        ("SequenceNumber", sent["SequenceNumber"]),
        ("TopicArn", FIFO),
        ("Message", "m"),
        ("Timestamp", "2026-01-01T00:00:00.000Z"),
        ("UnsubscribeURL", f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={subscription}"),
    ]


def test_a_standard_queue_may_listen_to_a_fifo_topic(here: Here) -> None:
    url = ordered(here, "q")
    here.sns.publish(TopicArn=FIFO, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    assert [message["Body"] for message in received(here, url)] == ["m"]


def test_what_gives_no_order_is_refused(here: Here) -> None:
    ordered(here)
    here.sns.create_topic(Name="t")
    here.sqs.create_queue(QueueName="dead")
    entry = {"Id": "1", "Message": "m", "MessageGroupId": "g"}
    subscription = here.sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
    redrive = {"AttributeName": "RedrivePolicy", "AttributeValue": json.dumps({"deadLetterTargetArn": f"{QUEUES}:dead"})}
    no_id = (
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    assert [
        refusal(here.sns.publish, TopicArn=FIFO, Message="m"),
        refusal(here.sns.publish, TopicArn=FIFO, Message="m", MessageGroupId="g"),
        refusal(here.sns.publish_batch, TopicArn=FIFO, PublishBatchRequestEntries=[entry]),
        refusal(here.sns.subscribe, TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q.fifo"),
        refusal(here.sns.set_subscription_attributes, SubscriptionArn=subscription, **redrive),
    ] == [
        ("InvalidParameter", "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"),
        ("InvalidParameter", no_id),
        ("InvalidParameter", no_id),
        (
            "InvalidParameter",
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ),
        ("InvalidParameter", "Invalid parameter: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."),
    ]
