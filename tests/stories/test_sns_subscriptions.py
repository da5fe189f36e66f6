"""Subscriptions: what they may name, what is asked of them, and how they end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sns_publish import QUEUES, bodies
from tests.stories.test_sns_topics import ARN, refusal
from windtunnel.fabric.outbox import OUTBOX, Letter

ROOT = "arn:aws:iam::000000000000:root"


def letters(here: Here) -> list[Letter]:
    return here.cloud.apply(lambda tx: [letter for _, letter in tx.scan(OUTBOX)])


@pytest.mark.parametrize(
    ("protocol", "endpoint", "message"),
    [
        ("pigeon", "x", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"),
        ("sqs", "http://localhost:4566/000000000000/q", "Invalid parameter: SQS endpoint ARN"),
        ("sqs", "arn:aws:lambda:us-east-1:000000000000:function:f", "Invalid parameter: SQS endpoint ARN"),
        ("lambda", "f", "Invalid parameter: Lambda endpoint ARN"),
        ("sms", "+15--551234567", "Invalid SMS endpoint: +15--551234567"),
        ("sms", "NAA+15551234567", "Invalid SMS endpoint: NAA+15551234567"),
        ("email", "nobody", "Invalid parameter: Email address"),
        ("https", "http://host/", "Invalid parameter: Endpoint must match the specified protocol"),
    ],
)
def test_an_endpoint_fits_its_protocol_or_is_refused(here: Here, protocol: str, endpoint: str, message: str) -> None:
    here.sns.create_topic(Name="t")
    assert refusal(here.sns.subscribe, TopicArn=ARN, Protocol=protocol, Endpoint=endpoint) == ("InvalidParameter", message)


def test_a_subscription_shows_its_attributes(here: Here) -> None:
    here.sns.create_topic(Name="t")
    attributes = {"RawMessageDelivery": "True", "FilterPolicy": '{"a": ["b"]}', "RedrivePolicy": f'{{"deadLetterTargetArn": "{QUEUES}:d"}}'}
    arn = here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q", Attributes=attributes)["SubscriptionArn"]
    assert here.sns.get_subscription_attributes(SubscriptionArn=arn) == {
        "Attributes": {
            "ConfirmationWasAuthenticated": "true",
            "Endpoint": f"{QUEUES}:q",
            "FilterPolicy": '{"a": ["b"]}',
            "FilterPolicyScope": "MessageAttributes",
            "Owner": "000000000000",
            "PendingConfirmation": "false",
            "Protocol": "sqs",
            "RawMessageDelivery": "true",
            "RedrivePolicy": attributes["RedrivePolicy"],
            "SubscriptionArn": arn,
            "SubscriptionPrincipal": ROOT,
            "TopicArn": ARN,
        }
    }


def test_subscribing_again_is_the_same_subscription_unless_it_differs(here: Here) -> None:
    here.sns.create_topic(Name="t")
    wanted = {"TopicArn": ARN, "Protocol": "sqs", "Endpoint": f"{QUEUES}:q"}
    first = here.sns.subscribe(**wanted, Attributes={"RawMessageDelivery": "True"})
    for same in ({"RawMessageDelivery": "true"}, {"RawMessageDelivery": "true", "FilterPolicyScope": "MessageAttributes"}, {}):
        assert here.sns.subscribe(**wanted, Attributes=same) == first
    assert refusal(here.sns.subscribe, **wanted, Attributes={"RawMessageDelivery": "false"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Fake", "x", "AttributeName"),
        ("RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."),
        ("RedrivePolicy", '{"deadLetterTargetArn": "fake"}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
        ("FilterPolicyScope", "Other", "FilterPolicyScope: Invalid value [Other]. Please use either MessageBody or MessageAttributes"),
        ("FilterPolicy", '{"a": {"b": ["c"]}}', "Filter policy scope MessageAttributes does not support nested filter policy"),
    ],
)
def test_an_attribute_that_a_subscription_cannot_have_is_refused(here: Here, name: str, value: str, message: str) -> None:
    here.sns.create_topic(Name="t")
    arn = here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q")["SubscriptionArn"]
    assert refusal(here.sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value) == (
        "InvalidParameter",
        f"Invalid parameter: {message}",
    )


def test_unsubscribing_ends_deliveries_and_may_be_repeated(here: Here) -> None:
    here.sns.create_topic(Name="t")
    url = here.sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q")["SubscriptionArn"]
    here.sns.unsubscribe(SubscriptionArn=arn)
    here.sns.unsubscribe(SubscriptionArn=arn)
    here.sns.publish(TopicArn=ARN, Message="m")
    attributes = here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]
    assert (bodies(here, url), attributes["SubscriptionsConfirmed"], attributes["SubscriptionsDeleted"]) == ([], "0", "1")
    assert refusal(here.sns.get_subscription_attributes, SubscriptionArn=arn) == ("NotFound", "Subscription does not exist")


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("nonsense", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:t", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:us-east-1:111111111111:t", "SubscriptionId"),
    ],
)
def test_what_is_no_subscriptions_arn_is_refused(here: Here, arn: str, message: str) -> None:
    assert refusal(here.sns.unsubscribe, SubscriptionArn=arn) == ("InvalidParameter", f"Invalid parameter: {message}")


def test_a_mailbox_is_asked_first_and_gets_nothing_until_it_has_said_yes(here: Here) -> None:
    here.sns.create_topic(Name="t", Attributes={"DisplayName": "News"})
    asked = here.sns.subscribe(TopicArn=ARN, Protocol="email", Endpoint="a@example.com")
    here.sns.publish(TopicArn=ARN, Message="too early")
    listed = here.sns.list_subscriptions_by_topic(TopicArn=ARN)["Subscriptions"][0]["SubscriptionArn"]
    [question] = letters(here)
    token = question.body.rpartition("Token=")[2].strip()
    confirmed = here.sns.confirm_subscription(TopicArn=ARN, Token=token)["SubscriptionArn"]
    here.sns.publish(TopicArn=ARN, Message="m", Subject="s")
    answer = letters(here)[1]
    assert (asked, listed) == ({"SubscriptionArn": "pending confirmation"}, "PendingConfirmation")
    assert (answer.to, answer.subject, answer.sender, answer.source) == ("a@example.com", "s", "News", confirmed)
    assert answer.body.startswith("m\n\n--\n")


def test_who_does_not_answer_in_two_days_is_not_subscribed(here: Here) -> None:
    here.sns.create_topic(Name="t")
    here.sns.subscribe(TopicArn=ARN, Protocol="email", Endpoint="a@example.com")
    token = letters(here)[0].body.rpartition("Token=")[2].strip()
    assert here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["SubscriptionsPending"] == "1"
    here.jump(2 * 86_400 + 1)
    assert here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["SubscriptionsPending"] == "0"
    assert refusal(here.sns.confirm_subscription, TopicArn=ARN, Token=token) == ("InvalidParameter", "Invalid parameter: Token")
    assert refusal(here.sns.confirm_subscription, TopicArn=ARN, Token="random") == ("InvalidParameter", "Invalid token")
    assert refusal(here.sns.confirm_subscription, TopicArn="t", Token=token) == ("InvalidParameter", "Invalid parameter: Topic")


def test_a_queue_of_another_account_is_asked_in_the_queue(here: Here) -> None:
    here.sns.create_topic(Name="t")
    other = here.at(account="111111111111")
    url = other.sqs.create_queue(QueueName="q")["QueueUrl"]
    asked = here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:111111111111:q")
    question = json.loads(bodies(other, url)[0])
    assert (asked["SubscriptionArn"], question["Type"]) == ("pending confirmation", "SubscriptionConfirmation")
    here.sns.confirm_subscription(TopicArn=ARN, Token=question["Token"])
    here.sns.publish(TopicArn=ARN, Message="m")
    assert json.loads(bodies(other, url)[0])["Message"] == "m"


def test_a_subscription_to_another_accounts_topic_is_the_subscribers(here: Here) -> None:
    here.sns.create_topic(Name="t")
    other = here.at(account="111111111111")
    url = other.sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = other.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:111111111111:q")["SubscriptionArn"]
    here.sns.publish(TopicArn=ARN, Message="m")
    listed = {"SubscriptionArn": arn, "Owner": "111111111111", "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:111111111111:q"}
    assert json.loads(bodies(other, url)[0])["Message"] == "m"
    assert other.sns.list_subscriptions() == {"Subscriptions": [{**listed, "TopicArn": ARN}]}
    assert here.sns.list_subscriptions() == {"Subscriptions": []}
    assert here.sns.list_subscriptions_by_topic(TopicArn=ARN) == {"Subscriptions": [{**listed, "TopicArn": ARN}]}


@pytest.mark.parametrize(
    ("policy", "scope", "reason"),
    [
        ({"a": [str(number) for number in range(150)]}, "MessageAttributes", ""),
        ({"a": [str(number) for number in range(151)]}, "MessageAttributes", "FilterPolicy: Filter policy is too complex"),
        ({"a": {"b": {"c": [str(number) for number in range(50)]}}}, "MessageBody", ""),
        ({"a": {"b": {"c": [str(number) for number in range(51)]}}}, "MessageBody", "FilterPolicy: Filter policy is too complex"),
        ({name: ["x"] for name in "abcde"}, "MessageBody", ""),
        ({name: ["x"] for name in "abcdef"}, "MessageBody", "FilterPolicy: Filter policy can not have more than 5 keys"),
    ],
)
def test_a_filter_policy_is_as_complex_as_it_may_be_and_no_more(here: Here, policy: dict[str, Any], scope: str, reason: str) -> None:
    here.sns.create_topic(Name="t")
    attributes = {"FilterPolicy": json.dumps(policy), "FilterPolicyScope": scope}
    request = {"TopicArn": ARN, "Protocol": "sms", "Endpoint": "+15550100100", "Attributes": attributes}
    if reason:
        assert refusal(here.sns.subscribe, **request) == ("InvalidParameter", f"Invalid parameter: Attributes Reason: {reason}")
    else:
        assert here.sns.subscribe(**request)["SubscriptionArn"].startswith(ARN)


def test_the_most_complex_filter_policy_lets_through_what_it_names_and_nothing_else(here: Here) -> None:
    queue = here.sqs.create_queue(QueueName="q")["QueueUrl"]
    here.sns.create_topic(Name="t")
    # Five values at the second level, three and five at the first: 5 × 2 × 3 × 5 combinations.
    policy = {
        "a": {"b": list(range(5))},
        "c": [{"prefix": "x"}, {"numeric": [">", 7]}, {"exists": False}],
        "d": [f"d{n}" for n in range(5)],
    }
    attributes = {"FilterPolicy": json.dumps(policy), "FilterPolicyScope": "MessageBody", "RawMessageDelivery": "true"}
    here.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{QUEUES}:q", Attributes=attributes)
    passing = [
        json.dumps({"a": {"b": b}, "d": f"d{d}", **({} if c is None else {"c": c})})
        for b in (0, 4)
        for c in ("xy", 8, None)
        for d in (0, 4)
    ]
    for body in passing:
        here.sns.publish(TopicArn=ARN, Message=body)
        whole = json.loads(body)
        for wrong in ({"a": {"b": 5}}, {"a": [{"b": "0"}]}, {"c": 7}, {"d": "d5"}):
            here.sns.publish(TopicArn=ARN, Message=json.dumps({**whole, **wrong}))
    assert [*bodies(here, queue), *bodies(here, queue)] == passing


def test_a_filter_policy_is_as_long_as_it_may_be_and_no_longer(here: Here) -> None:
    here.sns.create_topic(Name="t")
    request = {"TopicArn": ARN, "Protocol": "sms", "Endpoint": "+15550100100"}
    fits = json.dumps({"a": ["x" * (262_144 - len(json.dumps({"a": [""]})))]})
    assert refusal(here.sns.subscribe, **request, Attributes={"FilterPolicy": f"{fits} "}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: FilterPolicy: Filter policy can not be larger than 262144 bytes",
    )
    arn = here.sns.subscribe(**request, Attributes={"FilterPolicy": fits})["SubscriptionArn"]
    assert here.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["FilterPolicy"] == fits


def test_an_attribute_that_is_emptied_is_shown_no_more(here: Here) -> None:
    here.sns.create_topic(Name="t")
    role = "arn:aws:iam::000000000000:role/r"
    given = {"TopicArn": ARN, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}
    arn = here.sns.subscribe(**given, Attributes={"SubscriptionRoleArn": role})["SubscriptionArn"]
    before = here.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    here.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="SubscriptionRoleArn", AttributeValue="")
    assert before.pop("SubscriptionRoleArn") == role
    assert here.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == before
