"""Deliveries to URLs: the question, the headers, the retries, and that one subscriber's silence is nobody else's trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.planes.subscriber import ANSWER, Subscriber
from tests.stories.here import Here
from tests.stories.lambdas import make
from tests.stories.refusals import refusal
from tests.stories.test_sns_publish import QUEUES, bodies
from tests.stories.test_sns_topics import ARN
from windtunnel.fabric import deliver
from windtunnel.fabric.scope import anonymous

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def subscriber(here: Here) -> Iterator[Subscriber]:
    one = Subscriber()
    yield one
    here.run(one.stop())


def subscribe(here: Here, subscriber: Subscriber, **attributes: str) -> tuple[str, str]:
    """A confirmed subscription of a URL: (its ARN, the URL)."""
    url = here.run(subscriber.start())
    here.sns.create_topic(Name="t")
    here.sns.subscribe(TopicArn=ARN, Protocol="http", Endpoint=f"{url}/hook", Attributes=attributes)
    here.rest()
    return confirm(here, json.loads(subscriber.bodies[-1])["Token"]), url


def confirm(here: Here, token: str) -> str:
    """As the browser of whoever has the endpoint would: nothing is signed."""
    unsigned = here.at()
    unsigned.scope = msgspec.structs.replace(here.scope, principal=anonymous())
    return unsigned.sns.confirm_subscription(TopicArn=ARN, Token=token)["SubscriptionArn"]


def headers(head: list[str]) -> dict[str, str]:
    lines = [line.split(": ", 1) for line in head[1:]]
    return {name.lower(): value for name, value in lines if name != "Host"}


def test_an_endpoint_is_asked_and_then_notified(here: Here, subscriber: Subscriber) -> None:
    arn, url = subscribe(here, subscriber)
    id = here.sns.publish(TopicArn=ARN, Message="m")["MessageId"]
    here.rest()
    question, notification = map(json.loads, subscriber.bodies)
    common = {
        "x-amz-sns-topic-arn": ARN,
        "content-type": "text/plain; charset=UTF-8",
        "connection": "Keep-Alive",
        "user-agent": "Amazon Simple Notification Service Agent",
        "accept-encoding": "gzip,deflate",
    }
    assert [headers(head) for head in subscriber.heads] == [
        {
            "x-amz-sns-message-type": "SubscriptionConfirmation",
            "x-amz-sns-message-id": question["MessageId"],
            "content-length": str(len(subscriber.bodies[0])),
            **common,
        },
        {
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": id,
            "x-amz-sns-subscription-arn": arn,
            "content-length": str(len(subscriber.bodies[1])),
            **common,
        },
    ]
    subscribe_url = f"http://localhost:4566/?Action=ConfirmSubscription&TopicArn={ARN}&Token={question['Token']}"
    assert (subscriber.heads[0][0], question["SubscribeURL"]) == ("POST /hook HTTP/1.1", subscribe_url)
    assert (notification["Message"], notification["TopicArn"], len(notification["Signature"])) == ("m", ARN, 344)
    shown = here.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["ConfirmationWasAuthenticated"], shown["Endpoint"]) == ("false", f"{url}/hook")


def test_a_raw_delivery_says_so_in_a_header_and_has_the_content_type_that_was_asked_for(here: Here, subscriber: Subscriber) -> None:
    policy = json.dumps({"requestPolicy": {"headerContentType": "text/csv"}})
    subscribe(here, subscriber, RawMessageDelivery="true", DeliveryPolicy=policy)
    here.sns.publish(TopicArn=ARN, Message="a,b")
    here.rest()
    sent = headers(subscriber.heads[-1])
    assert (subscriber.bodies[-1], sent["x-amz-sns-rawdelivery"], sent["content-type"]) == ("a,b", "true", "text/csv")


def test_a_busy_endpoint_is_tried_again_every_twenty_seconds_and_three_times(here: Here, subscriber: Subscriber) -> None:
    dead = here.sqs.create_queue(QueueName="dead")["QueueUrl"]
    subscribe(here, subscriber, RawMessageDelivery="true", RedrivePolicy=f'{{"deadLetterTargetArn": "{QUEUES}:dead"}}')
    subscriber.answers = [BUSY]
    here.sns.publish(TopicArn=ARN, Message="m")
    here.rest()
    tries: list[int] = []
    for _ in range(4):
        tries.append(len(subscriber.bodies) - 1)
        here.jump(20)
    assert (tries, len(subscriber.bodies) - 1, bodies(here, dead)) == ([1, 2, 3, 4], 4, ["m"])


def test_no_retry_comes_later_than_after_an_hour_of_them(here: Here, subscriber: Subscriber) -> None:
    retries = {"minDelayTarget": 1200, "maxDelayTarget": 1200, "numRetries": 10}
    subscribe(here, subscriber, RawMessageDelivery="true", DeliveryPolicy=json.dumps({"healthyRetryPolicy": retries}))
    subscriber.answers = [BUSY]
    here.sns.publish(TopicArn=ARN, Message="m")
    here.jump(4 * 3600)
    assert subscriber.bodies[1:] == ["m"] * 4


def test_a_retry_that_is_answered_ends_the_retries(here: Here, subscriber: Subscriber) -> None:
    subscribe(here, subscriber, RawMessageDelivery="true")
    subscriber.answers = [BUSY, ANSWER]
    here.sns.publish(TopicArn=ARN, Message="m")
    here.jump(3600)
    assert subscriber.bodies[1:] == ["m", "m"]


def test_an_endpoint_that_refuses_is_not_asked_again(here: Here, subscriber: Subscriber) -> None:
    dead = here.sqs.create_queue(QueueName="dead")["QueueUrl"]
    subscribe(here, subscriber, RawMessageDelivery="true", RedrivePolicy=f'{{"deadLetterTargetArn": "{QUEUES}:dead"}}')
    subscriber.answers = [GONE]
    here.sns.publish(TopicArn=ARN, Message="m")
    here.jump(3600)
    assert (len(subscriber.bodies) - 1, bodies(here, dead)) == (1, ["m"])


def test_a_delivery_policy_sets_the_times_of_the_retries(here: Here, subscriber: Subscriber) -> None:
    retries = {"minDelayTarget": 10, "maxDelayTarget": 30, "numRetries": 6, "numNoDelayRetries": 1, "numMinDelayRetries": 1}
    policy = json.dumps({"healthyRetryPolicy": {**retries, "numMaxDelayRetries": 1, "backoffFunction": "linear"}})
    subscribe(here, subscriber, RawMessageDelivery="true", DeliveryPolicy=policy)
    subscriber.answers = [BUSY]
    here.sns.publish(TopicArn=ARN, Message="m")
    here.rest()
    tries: list[int] = []
    # At once, then 10; 10, 20 and 30 from the least to the greatest; 30.
    for pause in (10, 10, 20, 30, 30, 3600):
        tries.append(len(subscriber.bodies) - 1)
        here.jump(pause)
    assert (tries, len(subscriber.bodies) - 1) == ([2, 3, 4, 5, 6, 7], 7)


def test_a_subscriber_that_hangs_delays_no_other(here: Here, subscriber: Subscriber) -> None:
    subscribe(here, subscriber, RawMessageDelivery="true")
    subscriber.answers = [None]
    other = here.sqs.create_queue(QueueName="q")["QueueUrl"]
    here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q", Attributes={"RawMessageDelivery": "true"})
    for number in range(40):
        here.sns.publish(TopicArn=ARN, Message=str(number))
    assert [len(bodies(here, other)) for _ in range(5)] == [10, 10, 10, 10, 0]
    assert len(subscriber.bodies) - 1 <= 32, "one target has so many attempts under way at most"


def test_a_subscriber_that_answers_for_ever_has_failed_in_time_and_is_tried_as_often_as_others(
    here: Here, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = here.sqs.create_queue(QueueName="dead")["QueueUrl"]
    subscribe(here, subscriber, RawMessageDelivery="true", RedrivePolicy=f'{{"deadLetterTargetArn": "{QUEUES}:dead"}}')
    monkeypatch.setattr(deliver, "HTTP_TIMEOUT_SECONDS", 0.5)
    subscriber.answers, subscriber.drips = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"], True
    here.sns.publish(TopicArn=ARN, Message="m")
    here.jump(3600)
    assert (subscriber.bodies[1:], bodies(here, dead)) == (["m"] * 4, ["m"])


def test_a_throttled_endpoint_gets_so_many_messages_a_second_and_the_others_later(here: Here, subscriber: Subscriber) -> None:
    policy = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}})
    subscribe(here, subscriber, RawMessageDelivery="true", DeliveryPolicy=policy)
    for text in "abcde":
        here.sns.publish(TopicArn=ARN, Message=text)
    arrived: list[list[str]] = []
    for _ in range(4):
        here.rest()
        arrived.append(subscriber.bodies[1 + sum(map(len, arrived)) :])
        here.jump(1)
    assert arrived == [["a", "b"], ["c", "d"], ["e"], []]
    here.sns.publish(TopicArn=ARN, Message="f")
    here.rest()
    assert subscriber.bodies[-1] == "f"


def test_a_topics_throttle_holds_for_each_subscription_that_may_not_have_its_own(here: Here, subscriber: Subscriber) -> None:
    subscribe(here, subscriber, RawMessageDelivery="true", DeliveryPolicy=json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 100}}))
    http = {"defaultThrottlePolicy": {"maxReceivesPerSecond": 1}, "disableSubscriptionOverrides": True}
    here.sns.set_topic_attributes(TopicArn=ARN, AttributeName="DeliveryPolicy", AttributeValue=json.dumps({"http": http}))
    queue = here.sqs.create_queue(QueueName="q")["QueueUrl"]
    here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q", Attributes={"RawMessageDelivery": "true"})
    for text in "abc":
        here.sns.publish(TopicArn=ARN, Message=text)
    here.rest()
    assert (subscriber.bodies[1:], bodies(here, queue)) == (["a"], ["a", "b", "c"]), "a queue is not throttled"
    here.jump(1)
    assert subscriber.bodies[1:] == ["a", "b"]


@pytest.mark.parametrize("rate", [0, -1, 1.5, "many"])
def test_a_throttle_lets_something_through(here: Here, rate: object) -> None:
    here.sns.create_topic(Name="t")
    value = json.dumps({"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": rate}}})
    assert refusal(here.sns.set_topic_attributes, TopicArn=ARN, AttributeName="DeliveryPolicy", AttributeValue=value) == (
        "InvalidParameter",
        "Invalid parameter: DeliveryPolicy: http.defaultThrottlePolicy.maxReceivesPerSecond must be an integer of 1 or more",
    )


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"requestPolicy": 1}, "policy must be a JSON object"),
        ({"requestPolicy": {"headerContentType": 5}}, "requestPolicy.headerContentType must be a string"),
        ({"healthyRetryPolicy": {"backoffFunction": []}}, "healthyRetryPolicy.backoffFunction must be one of"),
        ({"healthyRetryPolicy": {"numRetries": "3"}}, "healthyRetryPolicy.numRetries must be an integer between 0 and 100"),
    ],
)
def test_a_delivery_policy_of_the_wrong_types_is_refused(here: Here, policy: dict[str, Any], said: str) -> None:
    here.sns.create_topic(Name="t")
    [(name, value)] = policy.items()
    whole = {"http": {f"default{name[0].upper()}{name[1:]}": value}}
    request = {"TopicArn": ARN, "Protocol": "http", "Endpoint": "http://localhost:1", "Attributes": {"DeliveryPolicy": json.dumps(policy)}}
    faults = [
        refusal(here.sns.subscribe, **request),
        refusal(here.sns.set_topic_attributes, TopicArn=ARN, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(whole)),
    ]
    wanted = [said, f"http.default{said[0].upper()}{said[1:]}" if "." in said else said]
    assert [code for code, _ in faults] == ["InvalidParameter"] * 2
    assert [text.partition("DeliveryPolicy: ")[2].startswith(one) for (_, text), one in zip(faults, wanted, strict=True)] == [True, True]


def test_who_confirmed_with_a_signature_may_insist_on_signatures(here: Here, subscriber: Subscriber) -> None:
    url = here.run(subscriber.start())
    here.sns.create_topic(Name="t")
    here.sns.subscribe(TopicArn=ARN, Protocol="http", Endpoint=url)
    here.rest()
    token = json.loads(subscriber.bodies[-1])["Token"]
    arn = here.sns.confirm_subscription(TopicArn=ARN, Token=token, AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    unsigned = here.at()
    unsigned.scope = msgspec.structs.replace(here.scope, principal=anonymous())
    assert refusal(unsigned.sns.unsubscribe, SubscriptionArn=arn) == (
        "AuthorizationError",
        "This subscription requires authentication to unsubscribe",
    )
    here.sns.unsubscribe(SubscriptionArn=arn)
    assert here.sns.list_subscriptions() == {"Subscriptions": []}


def test_a_link_that_unsubscribes_is_answered_by_one_that_brings_back(here: Here, subscriber: Subscriber) -> None:
    arn, _ = subscribe(here, subscriber, RawMessageDelivery="true")
    unsigned = here.at()
    unsigned.scope = msgspec.structs.replace(here.scope, principal=anonymous())
    unsigned.sns.unsubscribe(SubscriptionArn=arn)
    here.rest()
    question = json.loads(subscriber.bodies[-1])
    here.sns.publish(TopicArn=ARN, Message="lost")
    restored = confirm(here, question["Token"])
    here.sns.publish(TopicArn=ARN, Message="m")
    here.rest()
    assert (question["Type"], restored, subscriber.bodies[2:]) == ("UnsubscribeConfirmation", arn, ["m"])


REFUSES_ONE = """
import json
def handler(event, context):
    body = json.loads(event["body"])
    print("SEEN", json.dumps([body["Type"], body.get("Token"), event["headers"]["x-amz-sns-message-type"]]))
    return {"statusCode": 403 if body["Message"] == "refused" else 200}
"""


def test_a_function_url_is_a_subscriber_like_any_other(here: Here) -> None:
    here.sns.create_topic(Name="t")
    dead = here.sqs.create_queue(QueueName="dead")["QueueUrl"]
    make(here, "f", REFUSES_ONE)
    url = here.lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    anyone = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    here.lambda_.add_permission(FunctionName="f", StatementId="url", **anyone)
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{QUEUES}:dead"})}
    here.sns.subscribe(TopicArn=ARN, Protocol="http", Endpoint=url, Attributes=redrive)
    here.rest()
    [(kind, token, header)] = seen(here)
    assert (kind, header) == ("SubscriptionConfirmation", "SubscriptionConfirmation")
    confirm(here, token)
    for text in ("m", "refused"):
        here.sns.publish(TopicArn=ARN, Message=text)
        here.rest()
    assert seen(here)[1:] == [["Notification", None, "Notification"]] * 2
    assert [json.loads(body)["Message"] for body in bodies(here, dead)] == ["refused"]


def seen(here: Here) -> list[list[str]]:
    """What the function printed of its events."""
    events = here.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="SEEN")["events"]
    return [json.loads(event["message"].removeprefix("SEEN ")) for event in events]
