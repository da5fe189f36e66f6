"""Queues and topics under KMS keys: who may not use the key neither sends nor receives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.identity import fault
from tests.stories.kms_kit import DAY, OTHER, arn, made, policy, root

URL = "http://localhost:4566/000000000000/q"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
DENIED = policy({"Effect": "Deny", "Principal": "*", "Action": ["kms:Decrypt", "kms:GenerateDataKey"]})
SNS = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": ["kms:GenerateDataKey", "kms:Decrypt"]}


def _said(message: str, code: str) -> str:
    return f"{message} (Service: AWSKMS; Status Code: 400; Error Code: {code}; Proxy: null)"


@pytest.fixture
def key(here: Here) -> str:
    """A key that a queue `q` and a topic `t` are under."""
    key = made(here)
    here.sqs.create_queue(QueueName="q", Attributes={"KmsMasterKeyId": key, "KmsDataKeyReusePeriodSeconds": "60"})
    here.sns.create_topic(Name="t", Attributes={"KmsMasterKeyId": arn(key)})
    return key


def _bodies(here: Here) -> list[str]:
    return [message["Body"] for message in here.sqs.receive_message(QueueUrl=URL, MaxNumberOfMessages=10).get("Messages", [])]


def test_a_queue_uses_its_data_key_until_its_time_is_over(here: Here, key: str) -> None:
    here.sqs.send_message(QueueUrl=URL, MessageBody="a")
    here.kms.disable_key(KeyId=key)
    here.sqs.send_message(QueueUrl=URL, MessageBody="b")
    assert _bodies(here) == ["a", "b"]
    here.jump(60)
    off = ("KmsDisabled", _said(f"{arn(key)} is disabled.", "DisabledException"))
    assert fault(here.sqs.send_message, QueueUrl=URL, MessageBody="c") == off
    assert fault(here.sqs.send_message_batch, QueueUrl=URL, Entries=[{"Id": "c", "MessageBody": "c"}]) == off
    assert fault(here.sqs.receive_message, QueueUrl=URL) == off
    here.kms.enable_key(KeyId=key)
    assert _bodies(here) == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "change", "seconds"),
    [
        ("KmsDisabled", {"disable_key": {}}, 60),
        ("KmsInvalidState", {"schedule_key_deletion": {}}, 60),
        ("KmsNotFound", {"schedule_key_deletion": {"PendingWindowInDays": 7}}, 7 * DAY),
        ("KmsAccessDenied", {"put_key_policy": {"Policy": DENIED}}, 60),
    ],
)
def test_without_its_key_a_queue_takes_and_gives_nothing(here: Here, key: str, code: str, change: dict[str, Any], seconds: float) -> None:
    here.sqs.set_queue_attributes(QueueUrl=URL, Attributes={"MessageRetentionPeriod": "1209600"})
    here.sqs.send_message(QueueUrl=URL, MessageBody="a")
    for operation, more in change.items():
        getattr(here.kms, operation)(KeyId=key, **more)
    here.jump(seconds)
    assert fault(here.sqs.send_message, QueueUrl=URL, MessageBody="b")[0] == code
    assert fault(here.sqs.send_message_batch, QueueUrl=URL, Entries=[{"Id": "b", "MessageBody": "b"}])[0] == code
    # Who can't open a ciphertext isn't told whether its key is gone or only closed to them.
    received = "KmsAccessDenied" if code == "KmsNotFound" else code
    assert fault(here.sqs.receive_message, QueueUrl=URL)[0] == received


def test_a_key_that_does_not_encrypt_is_no_key_for_a_queue(here: Here, key: str) -> None:
    other = made(here, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    here.sqs.set_queue_attributes(QueueUrl=URL, Attributes={"KmsMasterKeyId": other})
    assert fault(here.sqs.send_message, QueueUrl=URL, MessageBody="b")[0] == "KmsInvalidKeyUsage"
    assert fault(here.sqs.send_message_batch, QueueUrl=URL, Entries=[{"Id": "b", "MessageBody": "b"}])[0] == "KmsInvalidKeyUsage"


def test_each_caller_needs_the_key(here: Here, key: str) -> None:
    other = here.at(account=OTHER)
    here.sqs.send_message(QueueUrl=URL, MessageBody="a")
    why = f"User: {root(OTHER)} is not authorized to perform: kms:%s on resource: {arn(key)} because no resource-based policy allows the"
    code, said = fault(other.sqs.send_message, QueueUrl=URL, MessageBody="b")
    assert (code, said.startswith(why % "GenerateDataKey")) == ("KmsAccessDenied", True)
    assert fault(other.sqs.receive_message, QueueUrl=URL)[0] == "KmsAccessDenied"
    here.kms.put_key_policy(KeyId=key, Policy=policy({"Principal": {"AWS": root(OTHER)}, "Action": "kms:Decrypt"}))
    assert other.sqs.receive_message(QueueUrl=URL)["Messages"][0]["Body"] == "a"
    assert fault(other.sqs.send_message, QueueUrl=URL, MessageBody="b")[0] == "KmsAccessDenied"


def test_a_topic_reaches_a_queue_whose_key_lets_sns(here: Here, key: str) -> None:
    here.sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes={"RawMessageDelivery": "true"})
    here.sns.publish(TopicArn=TOPIC, Message="lost")
    here.rest()
    assert _bodies(here) == []
    here.kms.put_key_policy(KeyId=key, Policy=policy(SNS))
    here.sns.publish(TopicArn=TOPIC, Message="found")
    here.rest()
    assert _bodies(here) == ["found"]


def test_the_key_that_aws_manages_for_queues_lets_its_account_and_no_service(here: Here) -> None:
    here.sqs.create_queue(QueueName="q", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    here.sqs.send_message(QueueUrl=URL, MessageBody="own")
    here.sns.create_topic(Name="t")
    here.sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes={"RawMessageDelivery": "true"})
    here.sns.publish(TopicArn=TOPIC, Message="from afar")
    here.rest()
    assert _bodies(here) == ["own"]


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"disable_key": {}}, "KMSDisabled", "DisabledException"),
        ({"schedule_key_deletion": {}}, "KMSInvalidState", "KMSInvalidStateException"),
        (
            {"put_key_policy": {"Policy": policy({"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt"})}},
            "KMSAccessDenied",
            "Access",
        ),
        ({"schedule_key_deletion": {"PendingWindowInDays": 7}, "jump": 7 * DAY}, "KMSNotFound", "NotFoundException"),
    ],
)
def test_nobody_publishes_to_a_topic_without_its_key(here: Here, key: str, change: dict[str, Any], code: str, word: str) -> None:
    for operation, more in change.items():
        if operation == "jump":
            here.jump(more)
        else:
            getattr(here.kms, operation)(KeyId=key, **more)
    found, said = fault(here.sns.publish, TopicArn=TOPIC, Message="m")
    assert (found, word in said) == (code, True)
    entries = [{"Id": "1", "Message": "m"}]
    assert fault(here.sns.publish_batch, TopicArn=TOPIC, PublishBatchRequestEntries=entries)[0] == code


def test_a_topic_that_is_made_anew_asks_its_key_anew(here: Here, key: str) -> None:
    here.sns.publish(TopicArn=TOPIC, Message="m")
    here.kms.disable_key(KeyId=key)
    here.sns.publish(TopicArn=TOPIC, Message="m")
    here.sns.delete_topic(TopicArn=TOPIC)
    here.sns.create_topic(Name="t", Attributes={"KmsMasterKeyId": key})
    assert fault(here.sns.publish, TopicArn=TOPIC, Message="m")[0] == "KMSDisabled"
