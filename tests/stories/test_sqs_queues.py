"""Queues: their names, attributes, addresses, tags and permissions."""

import json
from typing import Any

import msgspec
import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal

URL = "http://localhost:4566/000000000000/orders"
ARN = "arn:aws:sqs:us-east-1:000000000000:orders"


def test_a_new_queue_has_the_attributes_of_aws(here: Here) -> None:
    assert here.sqs.create_queue(QueueName="orders") == {"QueueUrl": URL}
    assert here.sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=["All"])["Attributes"] == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "CreatedTimestamp": "1767225600",
        "DelaySeconds": "0",
        "LastModifiedTimestamp": "1767225600",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": ARN,
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }


def test_a_queue_is_created_again_only_as_it_is(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "1", "VisibilityTimeout": "60"})
    assert here.sqs.create_queue(QueueName="orders") == {"QueueUrl": URL}
    assert here.sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "1"}) == {"QueueUrl": URL}
    assert refusal(here.sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "60", "DelaySeconds": "2"}) == (
        "QueueNameExists",
        "A queue already exists with the same name and a different value for attribute DelaySeconds",
    )


def test_a_name_is_free_a_minute_after_its_queue_was_deleted(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders")
    here.sqs.delete_queue(QueueUrl=URL)
    gone = ("QueueDoesNotExist", "The specified queue does not exist.")
    assert refusal(here.sqs.get_queue_url, QueueName="orders") == gone
    assert refusal(here.sqs.send_message, QueueUrl=URL, MessageBody="late") == gone
    here.jump(59)
    assert refusal(here.sqs.create_queue, QueueName="orders") == (
        "QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    )
    here.jump(1)
    assert here.sqs.create_queue(QueueName="orders") == {"QueueUrl": URL}


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (
            {"QueueName": "a.b"},
            ("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
        ),
        (
            {"QueueName": "a", "Attributes": {"FifoQueue": "true"}},
            (
                "InvalidParameterValue",
                (
                    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix"
                    " and be 1 to 80 in length."
                ),
            ),
        ),
        ({"QueueName": "a", "Attributes": {"FifoQueue": "false"}}, ("InvalidAttributeName", "Unknown Attribute FifoQueue.")),
        (
            {"QueueName": "a", "Attributes": {"DeduplicationScope": "queue"}},
            ("InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."),
        ),
        (
            {"QueueName": "a", "Attributes": {"VisibilityTimeout": "43201"}},
            ("InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."),
        ),
        ({"QueueName": "a", "Attributes": {"Color": "red"}}, ("InvalidAttributeName", "Unknown Attribute Color.")),
        (
            {"QueueName": "a", "Attributes": {"RedrivePolicy": '{"deadLetterTargetArn":"x"}'}},
            (
                "InvalidParameterValue",
                (
                    'Value {"deadLetterTargetArn":"x"} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain'
                    " mandatory attribute: maxReceiveCount."
                ),
            ),
        ),
    ],
)
def test_a_queue_that_cannot_be_is_refused_in_aws_words(here: Here, request_: dict[str, Any], fault: tuple[str, str]) -> None:
    assert refusal(here.sqs.create_queue, **request_) == fault
    assert here.sqs.list_queues() == {}


def test_queues_are_listed_by_prefix_and_page(here: Here) -> None:
    for name in ("b-2", "a", "b-1", "b-3"):
        here.sqs.create_queue(QueueName=name)
    first = here.sqs.list_queues(QueueNamePrefix="b-", MaxResults=2)
    base = "http://localhost:4566/000000000000/"
    assert first["QueueUrls"] == [base + "b-1", base + "b-2"]
    rest = here.sqs.list_queues(QueueNamePrefix="b-", MaxResults=2, NextToken=first["NextToken"])
    assert rest == {"QueueUrls": [base + "b-3"]}


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        ("http://localhost.localstack.cloud:4566", "http://sqs.eu-west-1.localhost.localstack.cloud:4566"),
        ("http://sqs.eu-west-1.localhost.localstack.cloud:4566", "http://sqs.eu-west-1.localhost.localstack.cloud:4566"),
        ("https://localhost.localstack.cloud:4566", "https://localhost.localstack.cloud:4566"),
        ("http://10.0.0.7", "http://10.0.0.7"),
    ],
)
def test_a_queues_url_is_on_the_host_that_was_asked(here: Here, endpoint: str, base: str) -> None:
    there = here.at(region="eu-west-1")
    there.scope = msgspec.structs.replace(there.scope, endpoint=endpoint)
    url = there.sqs.create_queue(QueueName="orders")["QueueUrl"]
    assert url == f"{base}/000000000000/orders"
    assert there.sqs.list_queues() == {"QueueUrls": [url]}


def test_what_is_true_or_false_may_be_written_with_capitals(here: Here) -> None:
    attributes = {"FifoQueue": "True", "ContentBasedDeduplication": "False", "SqsManagedSseEnabled": "FALSE"}
    url = here.sqs.create_queue(QueueName="x.fifo", Attributes=attributes)["QueueUrl"]
    assert here.sqs.create_queue(QueueName="x.fifo", Attributes=attributes) == {"QueueUrl": url}
    shown = here.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(attributes))["Attributes"]
    assert shown == {name: value.lower() for name, value in attributes.items()}


@pytest.mark.parametrize(
    "url",
    [
        "http://sqs.eu-west-1.localhost.localstack.cloud:4566/111111111111/orders",
        "https://sqs.eu-west-1.amazonaws.com/111111111111/orders",
        "https://eu-west-1.queue.amazonaws.com/111111111111/orders",
        "http://localhost:4566/queue/eu-west-1/111111111111/orders",
    ],
)
def test_a_queue_is_reached_by_whatever_host_names_its_region(here: Here, url: str) -> None:
    here.at(account="111111111111", region="eu-west-1").sqs.create_queue(QueueName="orders")
    here.sqs.send_message(QueueUrl=url, MessageBody="from afar")
    received = here.at(account="111111111111", region="eu-west-1").sqs.receive_message(QueueUrl="http://any/111111111111/orders")
    assert [message["Body"] for message in received["Messages"]] == ["from afar"]


def test_the_kind_of_a_queue_cannot_be_changed(here: Here) -> None:
    fifo = here.sqs.create_queue(QueueName="x.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    here.sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"FifoQueue": "true"})
    assert refusal(here.sqs.set_queue_attributes, QueueUrl=fifo, Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )


def test_only_one_kind_of_encryption_holds_at_a_time(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders")
    key = {"KmsMasterKeyId": "alias/mine", "KmsDataKeyReusePeriodSeconds": "6000"}
    here.sqs.set_queue_attributes(QueueUrl=URL, Attributes=key)
    asked = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
    assert here.sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=asked) == {"Attributes": key | {"SqsManagedSseEnabled": "false"}}
    here.sqs.set_queue_attributes(QueueUrl=URL, Attributes={"KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300"})
    assert here.sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=asked) == {"Attributes": {"SqsManagedSseEnabled": "false"}}
    both = {"KmsMasterKeyId": "alias/mine", "SqsManagedSseEnabled": "true"}
    assert refusal(here.sqs.set_queue_attributes, QueueUrl=URL, Attributes=both)[0] == "InvalidAttributeName"


def test_permissions_are_statements_of_the_policy(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders")
    here.sqs.add_permission(QueueUrl=URL, Label="one", AWSAccountIds=["111111111111", "222222222222"], Actions=["ReceiveMessage"])
    here.sqs.add_permission(QueueUrl=URL, Label="two", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    here.sqs.remove_permission(QueueUrl=URL, Label="two")
    policy = json.loads(here.sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert policy == {
        "Version": "2008-10-17",
        "Id": f"{ARN}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "one",
                "Effect": "Allow",
                "Principal": {"AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]},
                "Action": "SQS:ReceiveMessage",
                "Resource": ARN,
            }
        ],
    }
    again = {"QueueUrl": URL, "Label": "one", "AWSAccountIds": ["111111111111"], "Actions": ["*"]}
    assert refusal(here.sqs.add_permission, **again) == (
        "InvalidParameterValue",
        "Value one for parameter Label is invalid. Reason: Already exists.",
    )
    assert refusal(here.sqs.remove_permission, QueueUrl=URL, Label="two") == (
        "InvalidParameterValue",
        "Value two for parameter Label is invalid. Reason: can't find label.",
    )
    here.sqs.remove_permission(QueueUrl=URL, Label="one")
    assert here.sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=["Policy"]) == {}


def test_tags_go_with_their_queue(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders", tags={"team": "a", "stage": ""})
    here.sqs.tag_queue(QueueUrl=URL, Tags={"team": "b", "cost": "1"})
    here.sqs.untag_queue(QueueUrl=URL, TagKeys=["cost"])
    assert here.sqs.list_queue_tags(QueueUrl=URL) == {"Tags": {"stage": "", "team": "b"}}
    here.sqs.delete_queue(QueueUrl=URL)
    here.jump(60)
    here.sqs.create_queue(QueueName="orders")
    assert here.sqs.list_queue_tags(QueueUrl=URL) == {}


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"": "a"}, "Tag keys must be between 1 and 128 characters in length."),
        ({"k" * 129: "a"}, "Tag keys must be between 1 and 128 characters in length."),
        ({"AWS:team": "a"}, "aws: prefixed tag key names are not allowed for external use."),
        ({"k!": "a"}, "Tag keys can only include Unicode letters, digits, whitespace, or _.:/=+-@."),
        (
            {"k": "!"},
            "Value ! for parameter k is invalid. Reason: Tag values can only include Unicode letters, digits, whitespace, or _.:/=+-@.",
        ),
        (
            {"k": "a" * 257},
            f"Value {'a' * 257} for parameter k is invalid. Reason: Tag values must be between 0 and 256 characters in length.",
        ),
        ({str(number): "a" for number in range(51)}, "Too many tags added for queue orders."),
    ],
)
def test_tags_that_cannot_be_are_refused(here: Here, tags: dict[str, str], said: str) -> None:
    assert refusal(here.sqs.create_queue, QueueName="orders", tags=tags) == ("InvalidParameterValue", said)
    here.sqs.create_queue(QueueName="orders")
    assert refusal(here.sqs.tag_queue, QueueUrl=URL, Tags=tags) == ("InvalidParameterValue", said)
    assert here.sqs.list_queue_tags(QueueUrl=URL) == {}


def test_tagging_with_nothing_is_refused(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders")
    assert refusal(here.sqs.tag_queue, QueueUrl=URL, Tags={}) == ("MissingParameter", "The request must contain the parameter Tags.")
    assert refusal(here.sqs.untag_queue, QueueUrl=URL, TagKeys=[]) == (
        "InvalidParameterValue",
        "Tag keys must be between 1 and 128 characters in length.",
    )


def test_a_permission_is_for_someone_to_do_something(here: Here) -> None:
    here.sqs.create_queue(QueueName="orders")
    whole = {"AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]}
    for name in whole:
        fault = refusal(here.sqs.add_permission, QueueUrl=URL, Label="l", **{**whole, name: []})
        assert fault == ("MissingParameter", f"The request must contain the parameter {name}.")


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "[]",
        '{"Statement":[]}',
        '{"Statement":[{"Effect":"Maybe"}]}',
        '{"Statement":[{"Effect":"Allow","Owner":"me"}]}',
        '{"Version":"1","Statement":{}}',
    ],
)
def test_a_queue_policy_that_is_none_is_refused(here: Here, policy: str) -> None:
    url = here.sqs.create_queue(QueueName="a")["QueueUrl"]
    fault = refusal(here.sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": policy})
    assert fault == ("InvalidAttributeValue", "Invalid value for the parameter Policy.")
