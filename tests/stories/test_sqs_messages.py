"""Messages of standard queues: sent, received, hidden for a while, deleted."""

from typing import Any

import msgspec
import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal
from windtunnel.fabric import Event
from windtunnel.services.sqs.state import STORED


@pytest.fixture
def url(here: Here) -> str:
    return here.sqs.create_queue(QueueName="q")["QueueUrl"]


def bodies(result: dict[str, Any]) -> list[str]:
    return [message["Body"] for message in result.get("Messages", [])]


def counts(here: Here, url: str) -> tuple[int, int, int]:
    """How many messages can be received, are in flight, are delayed."""
    names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
    attributes = here.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    visible, held, delayed = (int(attributes[name]) for name in names)
    return visible, held, delayed


def test_a_message_comes_with_all_that_aws_says_of_it(here: Here, url: str) -> None:
    sent = here.sqs.send_message(
        QueueUrl=url,
        MessageBody="test",
        MessageAttributes={"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}},
    )
    here.jump(2)
    (message,) = here.sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    handle = message.pop("ReceiptHandle")
    # The digest of the attribute is one that AWS answered.
    assert message == {
        "MessageId": sent["MessageId"],
        "Body": "test",
        "MD5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "MessageAttributes": {"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}},
        "MD5OfMessageAttributes": "235c5c510d26fb653d073faed50ae77c",
        "Attributes": {
            "SenderId": "000000000000",
            "SentTimestamp": "1767225600000",
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": "1767225602000",
            "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
        },
    }
    assert (sent["MD5OfMessageBody"], sent["MD5OfMessageAttributes"]) == (message["MD5OfBody"], message["MD5OfMessageAttributes"])
    assert handle.startswith("AQEB")


def test_the_digest_of_binary_attributes_is_aws_own(here: Here, url: str) -> None:
    value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    attributes = {"attr1": {"DataType": "Binary", "BinaryValue": value}}
    sent = here.sqs.send_message(QueueUrl=url, MessageBody="test", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"


def test_a_receiver_gets_the_attributes_it_asks_for(here: Here, url: str) -> None:
    text = {"DataType": "String", "StringValue": "x"}
    here.sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes={"order.id": text, "order.at": text, "other": text})

    def received(*names: str) -> set[str]:
        request = {"QueueUrl": url, "VisibilityTimeout": 0, "MessageAttributeNames": list(names)}
        (message,) = here.sqs.receive_message(**request)["Messages"]
        return set(message.get("MessageAttributes", ()))

    assert received() == set()
    assert received("other") == {"other"}
    assert received("order.*") == {"order.id", "order.at"}
    assert received(".*") == received("*") == received("All") == {"order.id", "order.at", "other"}


def test_a_trace_goes_on_with_the_message(here: Here, url: str) -> None:
    asked = {"QueueUrl": url, "AttributeNames": ["AWSTraceHeader"]}
    there = here.at()
    there.scope = msgspec.structs.replace(there.scope, trace="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    there.sqs.send_message(QueueUrl=url, MessageBody="by the request's header")
    assert here.sqs.receive_message(**asked)["Messages"][0]["Attributes"] == {"AWSTraceHeader": there.scope.trace}
    own = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-00000000-000000000000000000000000"}}
    there.sqs.send_message(QueueUrl=url, MessageBody="by its own attribute", MessageSystemAttributes=own)
    assert here.sqs.receive_message(**asked)["Messages"][0]["Attributes"] == {"AWSTraceHeader": own["AWSTraceHeader"]["StringValue"]}


def test_a_received_message_comes_back_when_its_visibility_timeout_ends(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="again")
    assert bodies(here.sqs.receive_message(QueueUrl=url)) == ["again"]
    assert here.sqs.receive_message(QueueUrl=url) == {}
    assert counts(here, url) == (0, 1, 0)
    here.jump(29.9)
    assert here.sqs.receive_message(QueueUrl=url) == {}
    here.jump(0.1)
    assert counts(here, url) == (1, 0, 0)
    (message,) = here.sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert message["Attributes"] == {"ApproximateReceiveCount": "2"}


def test_a_delayed_message_appears_when_its_delay_is_over(here: Here, url: str) -> None:
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "5"})
    here.sqs.send_message(QueueUrl=url, MessageBody="the queue's delay")
    here.sqs.send_message(QueueUrl=url, MessageBody="its own", DelaySeconds=900)
    here.sqs.send_message(QueueUrl=url, MessageBody="none", DelaySeconds=0)
    assert counts(here, url) == (1, 0, 2)
    assert bodies(here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600)) == ["none"]
    here.jump(5)
    assert bodies(here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600)) == ["the queue's delay"]
    here.jump(895)
    assert bodies(here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["its own"]
    assert counts(here, url) == (0, 3, 0)


def test_a_waiting_receiver_gets_what_is_sent_meanwhile(here: Here, url: str) -> None:
    waiting = here.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    here.rest()
    assert not waiting.done()
    here.sqs.send_message(QueueUrl=url, MessageBody="at last")
    assert bodies(here.result(waiting)) == ["at last"]


def test_a_waiting_receiver_gets_what_becomes_visible_meanwhile(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=10)
    waiting = here.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    here.jump(9.5)
    assert not waiting.done()
    here.jump(0.5)
    assert bodies(here.result(waiting)) == ["delayed"]


def test_a_receiver_waits_no_longer_than_it_said(here: Here, url: str) -> None:
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"ReceiveMessageWaitTimeSeconds": "20"})
    by_the_queue = here.begin.sqs.receive_message(QueueUrl=url)
    shorter = here.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)
    assert here.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0) == {}
    here.jump(5)
    assert here.result(shorter) == {}
    assert not by_the_queue.done()
    here.jump(15)
    assert here.result(by_the_queue) == {}


def test_an_old_receipt_handle_deletes_as_well(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="m")
    (first,) = here.sqs.receive_message(QueueUrl=url)["Messages"]
    here.jump(31)
    (second,) = here.sqs.receive_message(QueueUrl=url)["Messages"]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    for _ in range(2):
        here.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    here.jump(31)
    assert here.sqs.receive_message(QueueUrl=url) == {}
    assert counts(here, url) == (0, 0, 0)


def test_a_receipt_handle_is_of_one_queue_and_cannot_be_made_up(here: Here, url: str) -> None:
    other = here.sqs.create_queue(QueueName="other")["QueueUrl"]
    here.sqs.send_message(QueueUrl=other, MessageBody="m")
    foreign = here.sqs.receive_message(QueueUrl=other)["Messages"][0]["ReceiptHandle"]
    for handle in ("garbage", foreign, foreign[:-4], "é"):
        assert refusal(here.sqs.delete_message, QueueUrl=url, ReceiptHandle=handle) == (
            "ReceiptHandleIsInvalid",
            f'The input receipt handle "{handle}" is not a valid receipt handle.',
        )


def test_visibility_is_ended_and_prolonged_from_now(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = here.sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    here.jump(20)
    here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60)
    here.jump(59)
    assert here.sqs.receive_message(QueueUrl=url) == {}
    here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert counts(here, url) == (1, 0, 0)
    assert bodies(here.sqs.receive_message(QueueUrl=url)) == ["m"]
    too_long = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 43200}
    assert refusal(here.sqs.change_message_visibility, **too_long)[1].endswith("is beyond the limit [43200 seconds]")
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert refusal(here.sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1) == (
        "InvalidParameterValue",
        (
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility"
            " timeout change."
        ),
    )


def test_a_message_that_came_back_is_not_hidden_again_by_its_old_handle(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = here.sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    here.jump(30)
    here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60)
    assert counts(here, url) == (1, 0, 0)
    assert bodies(here.sqs.receive_message(QueueUrl=url)) == ["m"]


TEXT = {"DataType": "String", "StringValue": "x"}
TYPES_ALLOWED = "You must use only the following supported type prefixes: Binary, Number, String."
RESERVED = "The message system attribute 'AWSTraceHeader' is reserved for AWS X-Ray trace header."


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({f"a{number}": TEXT for number in range(11)}, "Number of message attributes [11] exceeds the allowed maximum [10]."),
        ({"": TEXT}, "The request must contain non-empty message (user) attribute names."),
        ({"a" * 257: TEXT}, "Message (user) attribute name must be shorter than 256 bytes."),
        (
            {"aWs.a": TEXT},
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use.",
        ),
        ({".a": TEXT}, "Message (user) attribute name must not begin with character '.'."),
        ({"a.": TEXT}, "Message (user) attribute name must not end with character '.'."),
        ({"a..b": TEXT}, "Message (user) attribute name must not have successive '.' characters."),
        (
            {"a b": TEXT},
            (
                "The message attribute name 'a b' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and"
                " period (.) characters."
            ),
        ),
        ({"a": {"StringValue": "x"}}, "The message (user) attribute 'a' must contain a non-empty message attribute type."),
        ({"a": {**TEXT, "DataType": "Text"}}, f"The type of message (user) attribute 'a' is invalid. {TYPES_ALLOWED}"),
        ({"a": {**TEXT, "DataType": f"String.{'t' * 250}"}}, "Message (user) attribute type must be shorter than 256 bytes."),
        ({"a": {"DataType": "String.t"}}, "Message (user) attribute 'a' must contain a non-empty value of type 'String.t'."),
        ({"a": {**TEXT, "BinaryValue": b"x"}}, "Message (user) attribute 'a' must have a single value."),
        ({"a": {"DataType": "Number", "BinaryValue": b"1"}}, "Message (user) attribute 'a' with type 'Number' must use field 'String'."),
        ({"a": {**TEXT, "DataType": "Binary"}}, "Message (user) attribute 'a' with type 'Binary' must use field 'Binary'."),
        ({"a": {**TEXT, "DataType": "Number"}}, "Can't cast the value of message (user) attribute 'a' to a number."),
        ({"a": {**TEXT, "StringValue": "\x01"}}, "Message (user) attribute 'a' contains invalid characters."),
    ],
)
def test_attributes_that_cannot_be_are_refused_in_aws_words(here: Here, url: str, attributes: dict[str, Any], said: str) -> None:
    assert refusal(here.sqs.send_message, QueueUrl=url, MessageBody="m", MessageAttributes=attributes) == ("InvalidParameterValue", said)
    entries = [{"Id": "a", "MessageBody": "m", "MessageAttributes": attributes}, {"Id": "b", "MessageBody": "m"}]
    result = here.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [one["Id"] for one in result["Successful"]] == ["b"]
    assert result["Failed"] == [{"Id": "a", "SenderFault": True, "Code": "InvalidParameterValue", "Message": said}]


@pytest.mark.parametrize(
    ("name", "attribute", "said"),
    [
        ("Colour", TEXT, "Message system attribute name 'Colour' is invalid."),
        (
            "AWSTraceHeader",
            {"DataType": "String"},
            "Message system attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.",
        ),
        ("AWSTraceHeader", {"DataType": "Binary", "BinaryValue": b"Root=1"}, f"{RESERVED} The type must be 'String'."),
        ("AWSTraceHeader", {"DataType": "String", "StringValue": "trace"}, f"{RESERVED} Value 'trace' is invalid."),
    ],
)
def test_the_only_system_attribute_a_sender_has_is_a_trace(here: Here, url: str, name: str, attribute: dict[str, Any], said: str) -> None:
    sent = {"QueueUrl": url, "MessageBody": "m", "MessageSystemAttributes": {name: attribute}}
    assert refusal(here.sqs.send_message, **sent) == ("InvalidParameterValue", said)


def test_entries_of_a_batch_are_missed_by_their_number(here: Here, url: str) -> None:
    send, delete, change = here.sqs.send_message_batch, here.sqs.delete_message_batch, here.sqs.change_message_visibility_batch
    for operation, kind, whole in (
        (send, "SendMessageBatchRequestEntry", {"MessageBody": "m"}),
        (delete, "DeleteMessageBatchRequestEntry", {"ReceiptHandle": "r"}),
        (change, "ChangeMessageVisibilityBatchRequestEntry", {"ReceiptHandle": "r", "VisibilityTimeout": 1}),
    ):
        said = ("MissingParameter", f"The request must contain the parameter {kind}.2.Id.")
        assert refusal(operation, QueueUrl=url, Entries=[{"Id": "a", **whole}, whole]) == said
        for name in whole:
            entry = {"Id": "a", **{other: value for other, value in whole.items() if other != name}}
            said = f"The request must contain the parameter {kind}.1.{name}."
            assert operation(QueueUrl=url, Entries=[entry]) == {
                "Successful": [],
                "Failed": [{"Id": "a", "SenderFault": True, "Code": "MissingParameter", "Message": said}],
            }


def test_a_batch_succeeds_in_part(here: Here, url: str) -> None:
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
    result = here.sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "MessageBody": "a" * 1024},
            {"Id": "long", "MessageBody": "a" * 1025},
            {"Id": "odd", "MessageBody": "\x01"},
        ],
    )
    assert [entry["Id"] for entry in result["Successful"]] == ["good"]
    assert [(entry["Id"], entry["SenderFault"], entry["Code"]) for entry in result["Failed"]] == [
        ("long", True, "InvalidParameterValue"),
        ("odd", True, "InvalidMessageContents"),
    ]
    assert result["Failed"][0]["Message"] == (
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    )
    assert bodies(here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["a" * 1024]


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([], ("EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")),
        (
            [{"Id": str(number), "MessageBody": "x"} for number in range(20)],
            ("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 20."),
        ),
        ([{"Id": "1", "MessageBody": "x"}] * 2, ("BatchEntryIdsNotDistinct", "Id 1 repeated.")),
        (
            [{"Id": "a:b", "MessageBody": "x"}],
            (
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ),
        ),
        (
            [{"Id": "1", "MessageBody": "a" * 1_048_576}, {"Id": "2", "MessageBody": "a"}],
            ("BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."),
        ),
    ],
)
def test_a_batch_as_a_whole_is_refused(here: Here, url: str, entries: list[dict[str, str]], fault: tuple[str, str]) -> None:
    assert refusal(here.sqs.send_message_batch, QueueUrl=url, Entries=entries) == fault
    assert counts(here, url) == (0, 0, 0)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"MessageBody": ""}, ("MissingParameter", "The request must contain the parameter MessageBody.")),
        (
            {"MessageBody": "a" * 1_048_570, "MessageAttributes": {"k": {"DataType": "String", "StringValue": "x"}}},
            ("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."),
        ),
        (
            {"MessageBody": "x", "MessageAttributes": {"ErrorDetails": {"DataType": "String", "StringValue": ""}}},
            ("InvalidParameterValue", "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."),
        ),
        (
            {"MessageBody": "x", "MessageGroupId": "group 123"},
            (
                "InvalidParameterValue",
                (
                    "Value group 123 for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and"
                    " punctuation characters. 1 to 128 in length."
                ),
            ),
        ),
        (
            {"MessageBody": "x", "DelaySeconds": 901},
            ("InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."),
        ),
    ],
)
def test_a_message_that_cannot_be_is_refused_in_aws_words(here: Here, url: str, members: dict[str, Any], fault: tuple[str, str]) -> None:
    assert refusal(here.sqs.send_message, QueueUrl=url, **members) == fault


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"MaxNumberOfMessages": 11},
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        ({"WaitTimeSeconds": 21}, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
        ({"WaitTimeSeconds": -1}, "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
    ],
)
def test_a_receive_that_asks_for_too_much_is_refused(here: Here, url: str, members: dict[str, int], message: str) -> None:
    assert refusal(here.sqs.receive_message, QueueUrl=url, **members) == ("InvalidParameterValue", message)


def test_long_bodies_survive_receiving_a_restart_and_deletion(here: Here, url: str) -> None:
    body = "ü" * 500_000
    here.sqs.send_message(QueueUrl=url, MessageBody=body)
    assert bodies(here.sqs.receive_message(QueueUrl=url)) == [body]
    here.restart()
    here.jump(30)
    (message,) = here.sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == body
    here.sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}])
    assert counts(here, url) == (0, 0, 0)


def test_messages_too_old_are_gone_and_no_longer_counted(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="untouched")
    here.jump(60)
    here.sqs.send_message(QueueUrl=url, MessageBody="received once")
    here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=300)
    here.sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=900)
    here.jump(345_600 - 61)
    assert counts(here, url) == (3, 0, 0)
    here.jump(1)
    assert counts(here, url) == (2, 0, 0)
    here.jump(60)
    assert counts(here, url) == (0, 0, 0)
    assert here.sqs.receive_message(QueueUrl=url) == {}


def test_a_shorter_retention_holds_for_what_is_there(here: Here, url: str) -> None:
    here.sqs.send_message(QueueUrl=url, MessageBody="m")
    here.jump(100)
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    here.rest()
    assert counts(here, url) == (0, 0, 0)


def test_purging_empties_a_queue_at_once_and_once_a_minute(here: Here, url: str) -> None:
    for number in range(30):
        entries = [{"Id": str(entry), "MessageBody": f"{number}/{entry}"} for entry in range(10)]
        here.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    handle = here.sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    here.sqs.purge_queue(QueueUrl=url)
    assert counts(here, url) == (0, 0, 0)
    here.sqs.send_message(QueueUrl=url, MessageBody="after")
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert bodies(here.sqs.receive_message(QueueUrl=url)) == ["after"]
    assert refusal(here.sqs.purge_queue, QueueUrl=url) == (
        "PurgeQueueInProgress",
        "Only one PurgeQueue operation on q is allowed every 60 seconds.",
    )
    here.jump(60)
    here.sqs.purge_queue(QueueUrl=url)
    assert counts(here, url) == (0, 0, 0)


def test_what_a_purged_or_deleted_queue_left_is_swept_away(here: Here, url: str) -> None:
    for _ in range(30):
        entries = [{"Id": str(entry), "MessageBody": "x" * (10 if entry else 70_000), "DelaySeconds": entry} for entry in range(10)]
        here.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    here.sqs.purge_queue(QueueUrl=url)
    here.sqs.send_message(QueueUrl=url, MessageBody="after")
    here.sqs.delete_queue(QueueUrl=url)
    here.jump(60)
    left = here.cloud.transact(lambda tx: [key for table in STORED for key, _ in tx.scan(table)], here.scope, "sqs")
    assert left == []


def test_a_receiver_of_a_standing_clock_is_answered_by_its_own(here: Here, url: str) -> None:
    waiting = here.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    here.rest()
    assert not waiting.done()
    assert here.result(waiting) == {}
    assert here.now == 1_767_225_600


def test_what_is_delivered_to_a_queues_arn_is_a_message(here: Here, url: str) -> None:
    attributes = {"color": {"DataType": "String", "StringValue": "red"}}
    event = Event("from a topic", attributes=attributes, group_id="tenant")
    arn = "arn:aws:sqs:us-east-1:000000000000:q"

    async def deliver() -> None:
        here.cloud.transact(lambda tx: tx.deliver(arn, event, source="sns.amazonaws.com"), here.scope, "sns")

    here.run(deliver())
    here.rest()
    (message,) = here.sqs.receive_message(QueueUrl=url, AttributeNames=["MessageGroupId"], MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"], message["Attributes"]) == (
        "from a topic",
        attributes,
        {"MessageGroupId": "tenant"},
    )
