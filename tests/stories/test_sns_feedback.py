"""Delivery status logs: what became of messages, in CloudWatch Logs."""

from __future__ import annotations

import json
from hashlib import md5
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sns_publish import QUEUES, subscribed
from tests.stories.test_sns_texts import NUMBER, replied
from tests.stories.test_sns_topics import ARN
from windtunnel.fabric import Fault
from windtunnel.services.sns.state import SUBSCRIPTIONS, find_subscription, replace

ROLE = "arn:aws:iam::000000000000:role/feedback"
GROUP = "sns/us-east-1/000000000000/t"


def ask(here: Here, kind: str, rate: int = 100) -> None:
    for name, value in (("SuccessFeedbackRoleArn", ROLE), ("SuccessFeedbackSampleRate", str(rate)), ("FailureFeedbackRoleArn", ROLE)):
        here.sns.set_topic_attributes(TopicArn=ARN, AttributeName=kind + name, AttributeValue=value)


def logged(here: Here, group: str = GROUP) -> list[dict[str, Any]]:
    here.rest()
    try:
        events = here.logs.filter_log_events(logGroupName=group)["events"]
    except Fault as fault:
        if fault.code != "ResourceNotFoundException":
            raise
        return []
    return [json.loads(event["message"]) for event in events]


def test_a_delivery_to_a_queue_is_logged(here: Here) -> None:
    url = subscribed(here)
    ask(here, "SQS")
    id = here.sns.publish(TopicArn=ARN, Message="hello")["MessageId"]
    [entry] = logged(here)
    [message] = here.sqs.receive_message(QueueUrl=url)["Messages"]
    delivery = entry["delivery"]
    response = json.loads(delivery.pop("providerResponse"))
    assert (response.keys(), response["sqsMessageId"]) == ({"sqsRequestId", "sqsMessageId"}, message["MessageId"])
    assert len(delivery.pop("deliveryId")) == 36
    assert entry == {
        "notification": {
            "messageMD5Sum": md5(b"hello").hexdigest(),
            "messageId": id,
            "topicArn": ARN,
            "timestamp": "2026-01-01 00:00:00.000",
        },
        "delivery": {"destination": f"{QUEUES}:q", "dwellTimeMs": 0, "attempts": 1, "statusCode": 200},
        "status": "SUCCESS",
    }


def test_a_delivery_that_fails_for_good_is_logged_as_a_failure(here: Here) -> None:
    url = subscribed(here)
    ask(here, "SQS")
    here.sqs.delete_queue(QueueUrl=url)
    here.sns.publish(TopicArn=ARN, Message="hello")
    assert logged(here) == []
    [entry] = logged(here, f"{GROUP}/Failure")
    assert (entry["status"], entry["delivery"]["statusCode"]) == ("FAILURE", 400)
    assert entry["delivery"]["providerResponse"] == "The specified queue does not exist."


def test_only_what_is_asked_for_is_logged(here: Here) -> None:
    subscribed(here)
    ask(here, "HTTP")
    here.sns.publish(TopicArn=ARN, Message="to a queue")
    ask(here, "SQS", rate=0)
    here.sns.publish(TopicArn=ARN, Message="none of a hundred")
    assert logged(here) == []


def test_a_sample_rate_is_a_share_of_the_deliveries(here: Here) -> None:
    subscribed(here)
    ask(here, "SQS", rate=30)
    for number in range(60):
        here.sns.publish(TopicArn=ARN, Message=str(number))
    assert 8 <= len(logged(here)) <= 28


def test_an_http_subscriber_that_never_answers_well_is_logged_once_after_its_last_attempt(here: Here) -> None:
    here.sns.create_topic(Name="t")
    ask(here, "HTTP")
    there = here.sns.subscribe(TopicArn=ARN, Protocol="http", Endpoint="http://localhost:1/", ReturnSubscriptionArn=True)
    here.cloud.transact(lambda tx: confirm(tx, there["SubscriptionArn"]), here.scope, "sns")
    here.sns.publish(TopicArn=ARN, Message="hello")
    assert logged(here, f"{GROUP}/Failure") == []
    here.jump(3_600)
    [entry] = logged(here, f"{GROUP}/Failure")
    assert entry["delivery"]["attempts"] == 4
    assert (entry["delivery"]["dwellTimeMs"], entry["delivery"]["destination"]) == (60_000, "http://localhost:1/")


def confirm(tx: Any, arn: str) -> None:
    there = find_subscription(tx, arn)
    assert there is not None
    tx.put(SUBSCRIPTIONS, *there.key, value=replace(there.one, confirmed=True))


@pytest.mark.parametrize("direct", [True, False])
def test_texts_are_logged_where_the_account_asks_for_it(here: Here, direct: bool) -> None:
    here.sns.set_sms_attributes(attributes={"DeliveryStatusIAMRole": ROLE, "DeliveryStatusSuccessSamplingRate": "100"})
    here.sns.create_topic(Name="t")
    here.sns.subscribe(TopicArn=ARN, Protocol="sms", Endpoint=NUMBER)
    where = {"PhoneNumber": NUMBER} if direct else {"TopicArn": ARN}
    group = "sns/us-east-1/000000000000/DirectPublishToPhoneNumber" if direct else GROUP
    here.sns.publish(Message="hello", **where)
    [entry] = logged(here, group)
    assert (entry["status"], entry["delivery"]["destination"]) == ("SUCCESS", NUMBER)
    assert entry["delivery"]["providerResponse"] == "Message has been accepted by phone"
    replied(here, "STOP")
    here.sns.publish(Message="hello", **where)
    [entry] = logged(here, f"{group}/Failure")
    assert (entry["status"], entry["delivery"]["providerResponse"]) == ("FAILURE", "Phone number is opted out")
