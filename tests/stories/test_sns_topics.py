"""Topics: their names, their attributes, their permissions and tags."""

from __future__ import annotations

import base64
import json

import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal

ARN = "arn:aws:sns:us-east-1:000000000000:t"


def test_a_new_topic_has_the_attributes_that_aws_gives_it(here: Here) -> None:
    assert here.sns.create_topic(Name="t") == {"TopicArn": ARN}
    attributes = here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]
    policy, delivery = json.loads(attributes.pop("Policy")), json.loads(attributes.pop("EffectiveDeliveryPolicy"))
    assert attributes == {
        "Owner": "000000000000",
        "TopicArn": ARN,
        "DisplayName": "",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }
    actions = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe ListSubscriptionsByTopic Publish"
    assert policy == {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in actions.split()],
                "Resource": ARN,
                "Condition": {"StringEquals": {"AWS:SourceOwner": "000000000000"}},
            }
        ],
    }
    retries = {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0, "numNoDelayRetries": 0}
    assert delivery == {
        "http": {
            "defaultHealthyRetryPolicy": {**retries, "numMinDelayRetries": 0, "backoffFunction": "linear"},
            "disableSubscriptionOverrides": False,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        }
    }


def test_making_a_topic_again_must_agree_with_the_one_that_is_there(here: Here) -> None:
    here.sns.create_topic(Name="t", Attributes={"DisplayName": "One"}, Tags=[{"Key": "k", "Value": "v"}])
    for same in ({}, {"Attributes": {"DisplayName": "One", "FifoTopic": "false"}}, {"Tags": [{"Key": "k", "Value": "v"}]}):
        assert here.sns.create_topic(Name="t", **same) == {"TopicArn": ARN}
    for attributes in ({"DisplayName": "Two"}, {"SignatureVersion": "2"}, {"DisplayName": "One", "SignatureVersion": "2"}):
        assert refusal(here.sns.create_topic, Name="t", Attributes=attributes) == (
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
        )
    assert refusal(here.sns.create_topic, Name="t", Tags=[{"Key": "k", "Value": "w"}]) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )


@pytest.mark.parametrize("name", ["", "a" * 257, "t.fifo", "a:b", "a b", "a|b"])
def test_a_name_that_no_topic_may_have_is_refused(here: Here, name: str) -> None:
    assert refusal(here.sns.create_topic, Name=name) == ("InvalidParameter", "Invalid parameter: Topic Name")


def test_a_fifo_topic_is_named_so(here: Here) -> None:
    assert refusal(here.sns.create_topic, Name="t", Attributes={"FifoTopic": "true"}) == (
        "InvalidParameter",
        "Invalid parameter: Topic Name",
    )
    arn = here.sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    attributes = here.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["FifoTopic"], attributes["ContentBasedDeduplication"]) == ("true", "true")


def test_a_delivery_policy_is_kept_as_aws_shows_it(here: Here) -> None:
    here.sns.create_topic(Name="t")
    shown: list[object] = []
    for policy in (
        {"http": {"defaultRequestPolicy": {"headerContentType": "application/json"}}},
        {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}}},
        {"http": {"defaultHealthyRetryPolicy": None}},
    ):
        here.sns.set_topic_attributes(TopicArn=ARN, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(policy))
        shown.append(json.loads(here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["DeliveryPolicy"]))
    here.sns.set_topic_attributes(TopicArn=ARN, AttributeName="DeliveryPolicy", AttributeValue="")
    assert shown == [
        {"http": {"disableSubscriptionOverrides": False, "defaultRequestPolicy": {"headerContentType": "application/json"}}},
        {
            "http": {
                "defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1},
                "disableSubscriptionOverrides": False,
            }
        },
        {"http": {"disableSubscriptionOverrides": False}},
    ]
    assert "DeliveryPolicy" not in here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("nonsense", "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:t", "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 5"),
        (ARN.replace("us-east-1", "eu-west-1"), "InvalidParameter", "Invalid parameter: TopicArn"),
        (ARN, "NotFound", "Topic does not exist"),
    ],
)
def test_a_topic_that_is_not_there_is_refused_by_the_form_of_its_arn(here: Here, arn: str, code: str, message: str) -> None:
    assert refusal(here.sns.get_topic_attributes, TopicArn=arn) == (code, message)


def test_deleting_a_topic_twice_is_fine_and_a_new_one_of_the_name_is_new(here: Here) -> None:
    here.sns.create_topic(Name="t", Tags=[{"Key": "k", "Value": "v"}])
    here.sns.subscribe(TopicArn=ARN, Protocol="sms", Endpoint="+15551234567")
    here.sns.delete_topic(TopicArn=ARN)
    here.sns.delete_topic(TopicArn=ARN)
    here.sns.create_topic(Name="t")
    assert here.sns.list_tags_for_resource(ResourceArn=ARN) == {"Tags": []}
    assert here.sns.list_subscriptions_by_topic(TopicArn=ARN) == {"Subscriptions": []}


def test_the_subscriptions_of_a_deleted_topic_can_be_looked_at_for_three_days(here: Here) -> None:
    here.sns.create_topic(Name="t")
    subscription = here.sns.subscribe(TopicArn=ARN, Protocol="sms", Endpoint="+15551234567")["SubscriptionArn"]
    here.sns.delete_topic(TopicArn=ARN)
    assert here.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["Protocol"] == "sms"
    here.jump(3 * 86_400 + 1)
    assert refusal(here.sns.get_subscription_attributes, SubscriptionArn=subscription) == ("NotFound", "Subscription does not exist")
    assert here.sns.list_subscriptions() == {"Subscriptions": []}


def test_a_permission_is_a_statement_of_the_policy_until_it_is_removed(here: Here) -> None:
    here.sns.create_topic(Name="t")
    here.sns.add_permission(TopicArn=ARN, Label="l", AWSAccountId=["111111111111"], ActionName=["Publish"])
    again = {"TopicArn": ARN, "Label": "l", "AWSAccountId": ["111111111111"], "ActionName": ["Publish"]}
    assert refusal(here.sns.add_permission, **again) == ("InvalidParameter", "Invalid parameter: Statement already exists")
    assert refusal(here.sns.add_permission, **{**again, "Label": "m", "ActionName": ["Dance"]}) == (
        "InvalidParameter",
        "Invalid parameter: Policy statement action out of service scope!",
    )
    added = json.loads(here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["Policy"])["Statement"][1:]
    here.sns.remove_permission(TopicArn=ARN, Label="l")
    rest = json.loads(here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["Policy"])["Statement"][1:]
    assert (added, rest) == (
        [{"Sid": "l", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "SNS:Publish", "Resource": ARN}],
        [],
    )


def test_tags_are_added_replaced_and_removed(here: Here) -> None:
    here.sns.create_topic(Name="t", Tags=[{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": "v2"}])
    here.sns.untag_resource(ResourceArn=ARN, TagKeys=["k1"])
    here.sns.tag_resource(ResourceArn=ARN, Tags=[{"Key": "k2", "Value": "v2b"}])
    assert here.sns.list_tags_for_resource(ResourceArn=ARN) == {"Tags": [{"Key": "k2", "Value": "v2b"}]}
    assert refusal(here.sns.tag_resource, ResourceArn=ARN, Tags=[{"Key": "k", "Value": "a"}, {"Key": "k", "Value": "b"}]) == (
        "InvalidParameter",
        "Invalid parameter: Duplicated keys are not allowed.",
    )


def test_topics_are_listed_in_pages_of_a_hundred(here: Here) -> None:
    for number in range(101):
        here.sns.create_topic(Name=f"t{number:03}")
    first = here.sns.list_topics()
    assert base64.b64decode(first["NextToken"], altchars=b"-_", validate=True)
    rest = here.sns.list_topics(NextToken=first["NextToken"])
    assert len(first["Topics"]) == 100
    assert rest == {"Topics": [{"TopicArn": f"{ARN}100"}]}


def test_a_topic_may_take_larger_messages_where_all_who_listen_can(here: Here) -> None:
    here.sns.create_topic(Name="t", Attributes={"MaximumMessageSize": "2048"})
    assert refusal(here.sns.publish, TopicArn=ARN, Message="x" * 2_049) == ("InvalidParameter", "Invalid parameter: Message too long")
    here.sns.set_topic_attributes(TopicArn=ARN, AttributeName="MaximumMessageSize", AttributeValue="1048576")
    here.sns.publish(TopicArn=ARN, Message="x" * 1_048_576)
    assert here.sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["MaximumMessageSize"] == "1048576"
    here.sns.subscribe(TopicArn=ARN, Protocol="sms", Endpoint="+15550100100")
    faults = [
        refusal(here.sns.set_topic_attributes, TopicArn=ARN, AttributeName="MaximumMessageSize", AttributeValue=value)[1]
        for value in ("1023", "1048577", "x", "262145")
    ]
    wrong = "Invalid parameter: MaximumMessageSize: Invalid value [{}]. Must be between 1024 and 1048576."
    needed = "at most 100 subscriptions, all of queues, functions and delivery streams"
    assert faults == [
        *(wrong.format(value) for value in ("1023", "1048577", "x")),
        f"Invalid parameter: MaximumMessageSize: above 262144 bytes a topic has {needed}",
    ]
