"""Publishing: what queues and functions get, what is filtered, what is refused, and where it goes when it can't be delivered."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.stories.here import Here
from tests.stories.test_sns_topics import ARN, refusal
from windtunnel.fabric.outbox import OUTBOX, Letter
from windtunnel.services.sns.delivery.envelope import Notification, envelope_of_event, lambda_event

QUEUES = "arn:aws:sqs:us-east-1:000000000000"


def subscribed(here: Here, queue: str = "q", topic: str = "t", **attributes: str) -> str:
    """A queue that is subscribed to a topic; the queue's URL."""
    here.sns.create_topic(Name=topic)
    url = here.sqs.create_queue(QueueName=queue)["QueueUrl"]
    here.sns.subscribe(TopicArn=ARN.replace(":t", f":{topic}"), Protocol="sqs", Endpoint=f"{QUEUES}:{queue}", Attributes=attributes)
    return url


def received(here: Here, url: str) -> list[dict[str, Any]]:
    messages = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])
    for message in messages:
        here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


def bodies(here: Here, url: str) -> list[str]:
    return [message["Body"] for message in received(here, url)]


def test_a_queue_gets_the_envelope_to_the_letter(here: Here) -> None:
    url = subscribed(here)
    attributes = {"kind": {"DataType": "String", "StringValue": "a"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x02\x03\x04"}}
    id = here.sns.publish(TopicArn=ARN, Subject="s", Message='a "b"\nü', MessageAttributes=attributes)["MessageId"]
    [body] = bodies(here, url)
    envelope = json.loads(body)
    subscription = here.sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"]
    assert body == (
        "{\n"
        '  "Type" : "Notification",\n'
        f'  "MessageId" : "{id}",\n'
        f'  "TopicArn" : "{ARN}",\n'
        '  "Subject" : "s",\n'
        '  "Message" : "a \\"b\\"\\nü",\n'
        '  "Timestamp" : "2026-01-01T00:00:00.000Z",\n'
        '  "SignatureVersion" : "1",\n'
        f'  "Signature" : "{envelope["Signature"]}",\n'
        f'  "SigningCertURL" : "{envelope["SigningCertURL"]}",\n'
        f'  "UnsubscribeURL" : "http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={subscription}",\n'
        '  "MessageAttributes" : {\n'
        '    "kind" : {"Type":"String","Value":"a"},\n'
        '    "raw" : {"Type":"Binary","Value":"AgME"}\n'
        "  }\n"
        "}"
    )


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_signature_verifies_with_the_certificate_that_the_envelope_names(here: Here, version: str) -> None:
    here.sns.create_topic(Name="t", Attributes={"SignatureVersion": version})
    url = subscribed(here)
    here.sns.publish(TopicArn=ARN, Message="m", Subject="s")
    here.restart()
    envelope = json.loads(bodies(here, url)[0])
    _verify(here, envelope, ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"), version)
    kind, _ = here.cloud.visits.page(envelope["SigningCertURL"].removeprefix("http://localhost:4566")) or ("", b"")
    assert (kind, envelope["SignatureVersion"]) == ("application/x-pem-file", version)
    assert here.cloud.visits.page("/SimpleNotificationService-0.pem") is None


def test_a_raw_delivery_is_the_message_with_its_attributes(here: Here) -> None:
    url = subscribed(here, RawMessageDelivery="true")
    here.sns.publish(TopicArn=ARN, Message="m", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1.5"}})
    [message] = received(here, url)
    assert (message["Body"], message["MessageAttributes"]) == ("m", {"n": {"DataType": "Number", "StringValue": "1.5"}})


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_publishers_trace_goes_on_through_the_queue(here: Here, raw: str) -> None:
    url = subscribed(here, RawMessageDelivery=raw)
    there = here.at()
    there.scope = msgspec.structs.replace(there.scope, trace="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    there.sns.publish(TopicArn=ARN, Message="m")
    (message,) = here.sqs.receive_message(QueueUrl=url, AttributeNames=["AWSTraceHeader"])["Messages"]
    assert message["Attributes"] == {"AWSTraceHeader": there.scope.trace}


def test_each_protocol_has_its_own_text(here: Here) -> None:
    url = subscribed(here, RawMessageDelivery="true")
    here.sns.subscribe(TopicArn=ARN, Protocol="sms", Endpoint="+15551234567")
    for texts in ({"default": "d", "sqs": "q", "sms": "s"}, {"default": "d", "sqs": {"not": "a text"}}):
        here.sns.publish(TopicArn=ARN, Message=json.dumps(texts), MessageStructure="json")
    assert bodies(here, url) == ["q", "d"]


@pytest.mark.parametrize("text", ['{"sqs": "m"}', '{"default": {"a": 1}}', "[]"])
def test_a_message_with_texts_needs_a_default(here: Here, text: str) -> None:
    here.sns.create_topic(Name="t")
    assert refusal(here.sns.publish, TopicArn=ARN, Message=text, MessageStructure="json") == (
        "InvalidParameter",
        "Invalid parameter: Message Structure - No default entry in JSON message body",
    )


@pytest.mark.parametrize(
    ("policy", "scope", "passing"),
    [
        ({"kind": ["a"]}, "MessageAttributes", ["1"]),
        ({"kind": [{"anything-but": ["a"]}]}, "MessageAttributes", ["2"]),
        ({"price": [{"numeric": [">", 10]}]}, "MessageBody", ["2"]),
        ({"kind": [{"exists": False}]}, "MessageAttributes", []),
    ],
)
def test_a_subscription_gets_what_passes_its_filter(here: Here, policy: dict[str, Any], scope: str, passing: list[str]) -> None:
    url = subscribed(here, RawMessageDelivery="true", FilterPolicyScope=scope, FilterPolicy=json.dumps(policy))
    for id, kind, price in (("1", "a", 5), ("2", "b", 20)):
        message = json.dumps({"id": id, "price": price})
        here.sns.publish(TopicArn=ARN, Message=message, MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}})
    assert [json.loads(body)["id"] for body in bodies(here, url)] == passing


@pytest.mark.parametrize("raw", ["true", "false"])
def test_what_a_queue_that_is_gone_would_have_got_lies_in_the_dead_letter_queue(here: Here, raw: str) -> None:
    dead = here.sqs.create_queue(QueueName="dead")["QueueUrl"]
    url = subscribed(here, RawMessageDelivery=raw, RedrivePolicy=json.dumps({"deadLetterTargetArn": f"{QUEUES}:dead"}))
    here.sqs.delete_queue(QueueUrl=url)
    here.sns.publish(TopicArn=ARN, Message="m", MessageAttributes={"b": {"DataType": "Binary", "BinaryValue": b"\x01"}})
    here.rest()
    [message] = received(here, dead)
    if raw == "true":
        assert (message["Body"], message["MessageAttributes"]) == ("m", {"b": {"DataType": "Binary", "BinaryValue": b"\x01"}})
    else:
        envelope = json.loads(message["Body"])
        assert (envelope["Message"], envelope["MessageAttributes"]) == ("m", {"b": {"Type": "Binary", "Value": "AQ=="}})


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_functions_event_is_signed_in_the_topics_version_and_says_it_were_the_first(here: Here, version: str) -> None:
    here.sns.create_topic(Name="t", Attributes={"SignatureVersion": version})
    here.sqs.create_queue(QueueName="dead")
    function = "arn:aws:lambda:us-east-1:000000000000:function:gone"
    redrive = json.dumps({"deadLetterTargetArn": f"{QUEUES}:dead"})
    here.sns.subscribe(TopicArn=ARN, Protocol="lambda", Endpoint=function, Attributes={"RedrivePolicy": redrive})
    here.sns.publish(TopicArn=ARN, Message="m")
    here.rest()
    [message] = received(here, "http://localhost:4566/000000000000/dead")
    envelope = json.loads(message["Body"])
    assert envelope["SignatureVersion"] == "1"
    _verify(here, envelope, ("Message", "MessageId", "Timestamp", "TopicArn", "Type"), version)


def _verify(here: Here, envelope: dict[str, str], names: tuple[str, ...], version: str) -> None:
    _, certificate = here.cloud.visits.page(envelope["SigningCertURL"].removeprefix("http://localhost:4566")) or ("", b"")
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names)
    key = x509.load_pem_x509_certificate(certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    key.verify(base64.b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), digest)


def test_what_a_function_gets_is_an_event_and_its_dead_letter_an_envelope() -> None:
    attributes = {"a": {"DataType": "String", "StringValue": "x"}}
    one = Notification("id", ARN, "", "2026-01-01T00:00:00.000Z", "http://e", "cert", "2", "", attributes)
    event = f"{ARN}:sub".join(lambda_event(one, "m"))
    sns = {
        "Type": "Notification",
        "MessageId": "id",
        "TopicArn": ARN,
        "Subject": None,
        "Message": "m",
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": json.loads(event)["Records"][0]["Sns"]["Signature"],
        "SigningCertUrl": "http://e/SimpleNotificationService-cert.pem",
        "UnsubscribeUrl": f"http://e/?Action=Unsubscribe&SubscriptionArn={ARN}:sub",
        "MessageAttributes": {"a": {"Type": "String", "Value": "x"}},
    }
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": f"{ARN}:sub", "Sns": sns}
    assert json.loads(event) == {"Records": [record]}
    del sns["Subject"]
    sns["SigningCertURL"], sns["UnsubscribeURL"] = sns.pop("SigningCertUrl"), sns.pop("UnsubscribeUrl")
    assert json.loads(envelope_of_event(event)) == sns


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        ({"Message": "m", "Subject": ""}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "m", "Subject": "x" * 101}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "m", "Subject": "a\nb"}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "x" * 262_145}, "InvalidParameter", "Invalid parameter: Message too long"),
        (
            {"Message": "{", "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            {"Message": "m", "MessageDeduplicationId": "d"},
            "InvalidParameter",
            (
                "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not"
                " valid for this topic type"
            ),
        ),
        (
            {"Message": "m", "MessageAttributes": {"a^b": {"DataType": "String", "StringValue": "x"}}},
            "ParameterValueInvalid",
            (
                "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric"
                " characters, hyphens, underscores, or dots."
            ),
        ),
        (
            {"Message": "m", "MessageAttributes": {"a": {"DataType": "Stringy", "StringValue": "x"}}},
            "ParameterValueInvalid",
            (
                "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and"
                " String."
            ),
        ),
        (
            {"Message": "m", "MessageAttributes": {"a": {"DataType": "Number", "BinaryValue": b"x"}}},
            "ParameterValueInvalid",
            "The message attribute 'a' with type 'Number' must use field 'String'.",
        ),
        (
            {"Message": "m", "MessageAttributes": {"a": {"DataType": "Binary"}}},
            "ParameterValueInvalid",
            "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'Binary'.",
        ),
        (
            {"Message": "m", "MessageAttributes": {"a": {"StringValue": "x"}}},
            "ValidationError",
            (
                "1 validation error detected: Value null at 'messageAttributes.a.member.dataType' failed to satisfy constraint: Member"
                " must not be null"
            ),
        ),
    ],
)
def test_a_message_that_is_wrong_is_refused(here: Here, request_: dict[str, Any], code: str, message: str) -> None:
    here.sns.create_topic(Name="t")
    assert refusal(here.sns.publish, TopicArn=ARN, **request_) == (code, message)


def test_a_batch_is_published_as_a_whole_or_refused_as_a_whole(here: Here) -> None:
    url = subscribed(here, RawMessageDelivery="true")
    result = here.sns.publish_batch(TopicArn=ARN, PublishBatchRequestEntries=[{"Id": str(i), "Message": f"m{i}"} for i in range(3)])
    assert ([one["Id"] for one in result["Successful"]], result["Failed"], bodies(here, url)) == (["0", "1", "2"], [], ["m0", "m1", "m2"])
    one = {"Id": "a", "Message": "m"}
    refusals = [
        refusal(here.sns.publish_batch, TopicArn=ARN, PublishBatchRequestEntries=entries)
        for entries in (
            [{**one, "Id": str(i)} for i in range(11)],
            [one, one],
            [{**one, "Id": "a.b"}],
            [{**one, "Id": "a" * 81}],
            [one, {"Id": "b", "Message": "x" * 262_144}],
        )
    ]
    assert refusals == [
        ("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."),
        ("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."),
        ("InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: a.b"),
        ("InvalidBatchEntryId", f"The Id of a batch entry in the batch request is too long: {'a' * 81}"),
        ("BatchRequestTooLong", "The length of all the messages put together is more than the limit."),
    ]
    assert bodies(here, url) == []


def test_a_text_message_lies_in_the_outbox(here: Here) -> None:
    here.sns.publish(PhoneNumber="+15551234567", Message="hello")
    letters = here.cloud.apply(lambda tx: [letter for _, letter in tx.scan(OUTBOX)])
    assert letters == [Letter("sms", "+15551234567", "", "hello", here.now, "sns.amazonaws.com", "000000000000", "us-east-1")]
    assert refusal(here.sns.publish, PhoneNumber="+1a234", Message="m") == (
        "InvalidParameter",
        "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to",
    )
