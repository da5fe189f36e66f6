"""FIFO queues: order within a group, and each message once."""

from itertools import count
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal
from tests.stories.test_sqs_messages import bodies, counts
from windtunnel.services.sqs import standard


@pytest.fixture
def url(here: Here) -> str:
    return here.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


def send(here: Here, url: str, group: str, *texts: str) -> list[dict[str, Any]]:
    return [here.sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=group, MessageDeduplicationId=text) for text in texts]


def receive(here: Here, url: str, most: int = 10, **members: Any) -> list[dict[str, Any]]:
    return here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, **members).get("Messages", [])


def test_a_group_waits_while_one_of_its_messages_is_in_flight(here: Here, url: str) -> None:
    send(here, url, "a", "a1", "a2", "a3")
    send(here, url, "b", "b1")
    first = receive(here, url, 1)
    assert [message["Body"] for message in first] == ["a1"]
    assert bodies(here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["b1"]
    assert receive(here, url) == []
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["a2", "a3"]


def test_deleting_a_message_lets_a_waiting_receiver_have_the_next(here: Here, url: str) -> None:
    send(here, url, "a", "a1", "a2")
    (first,) = receive(here, url, 1)
    waiting = here.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    here.rest()
    assert not waiting.done()
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(here.result(waiting)) == ["a2"]


def test_the_order_of_a_group_is_the_queues_whichever_process_takes_a_message_in(here: Here, url: str) -> None:
    numbers = [one["SequenceNumber"] for one in send(here, url, "a", "a1")]
    # Another process of the region counts its serial numbers by itself, and may be far behind.
    here.cloud.serials = count(1)
    numbers += [one["SequenceNumber"] for one in send(here, url, "a", "a2")]
    here.sqs.purge_queue(QueueUrl=url)
    numbers += [one["SequenceNumber"] for one in send(here, url, "a", "a3", "a4")]
    assert numbers == sorted(set(numbers))
    here.jump(1)
    send(here, url, "a", "a5")
    assert [message["Body"] for message in receive(here, url)] == ["a3", "a4", "a5"]


def test_what_comes_back_comes_back_in_order(here: Here, url: str) -> None:
    send(here, url, "a", "a1", "a2", "a3")
    assert [message["Body"] for message in receive(here, url, 2)] == ["a1", "a2"]
    here.jump(30)
    assert counts(here, url) == (3, 0, 0)
    assert [message["Body"] for message in receive(here, url)] == ["a1", "a2", "a3"]


@pytest.mark.parametrize(("position", "seen"), [(0, []), (1, ["foo"]), (2, ["foo", "bar"])])
def test_a_prolonged_message_holds_back_those_behind_it(here: Here, url: str, position: int, seen: list[str]) -> None:
    send(here, url, "1", "foo", "bar", "baz")
    handle = receive(here, url, VisibilityTimeout=1)[position]["ReceiptHandle"]
    here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=4)
    here.jump(2.5)
    assert [message["Body"] for message in receive(here, url, 5)] == seen


def test_a_message_with_a_known_deduplication_id_is_taken_but_not_delivered_for_five_minutes(here: Here, url: str) -> None:
    (sent,) = send(here, url, "a", "once")
    (handle,) = (message["ReceiptHandle"] for message in receive(here, url))
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    here.jump(299)
    assert send(here, url, "other", "once") == [sent]
    assert receive(here, url) == []
    here.jump(1)
    (later,) = send(here, url, "a", "once")
    assert later["SequenceNumber"] > sent["SequenceNumber"]
    assert [message["Body"] for message in receive(here, url)] == ["once"]


def test_content_is_a_deduplication_id_where_the_queue_says_so(here: Here) -> None:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup"}
    url = here.sqs.create_queue(QueueName="c.fifo", Attributes=attributes)["QueueUrl"]
    for group in ("a", "a", "b"):
        here.sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId=group)
    received = receive(here, url, AttributeNames=["MessageGroupId", "MessageDeduplicationId"])
    content = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert [message["Attributes"] for message in received] == [
        {"MessageGroupId": "a", "MessageDeduplicationId": content},
        {"MessageGroupId": "b", "MessageDeduplicationId": content},
    ]


@pytest.mark.parametrize(("scope", "other"), [("queue", "messageGroup"), ("messageGroup", "queue")])
def test_another_scope_of_deduplication_holds_a_minute_after_it_was_set(here: Here, scope: str, other: str) -> None:
    url = here.sqs.create_queue(QueueName="d.fifo", Attributes={"FifoQueue": "True", "DeduplicationScope": scope})["QueueUrl"]
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": other})

    def is_once(id: str) -> bool:
        sent = [
            here.sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId=group, MessageDeduplicationId=id)["MessageId"]
            for group in ("a", "b")
        ]
        return sent[0] == sent[1]

    assert is_once("1") == (scope == "queue")
    here.jump(59)
    assert is_once("2") == (scope == "queue")
    here.jump(1)
    assert is_once("3") == (other == "queue")
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": scope})
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": other})
    assert is_once("4") == (other == "queue")


def test_an_expired_receipt_handle_deletes_nothing(here: Here, url: str) -> None:
    send(here, url, "a", "m")
    (message,) = receive(here, url)
    here.jump(31)
    handle = message["ReceiptHandle"]
    assert refusal(here.sqs.delete_message, QueueUrl=url, ReceiptHandle=handle) == (
        "InvalidParameterValue",
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
    )
    (again,) = receive(here, url)
    here.jump(20)
    here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=30)
    here.jump(20)
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert counts(here, url) == (0, 0, 0)


def test_a_repeated_receive_attempt_gets_the_same_messages(here: Here, url: str) -> None:
    send(here, url, "a", "a1", "a2")
    first = receive(here, url, ReceiveRequestAttemptId="try")
    here.jump(10)
    assert receive(here, url, ReceiveRequestAttemptId="try") == first
    assert receive(here, url, ReceiveRequestAttemptId="other") == []
    here.jump(29)
    # The second attempt began the timeout anew.
    assert receive(here, url) == []
    here.jump(1)
    assert [message["MessageId"] for message in receive(here, url, ReceiveRequestAttemptId="try")] == [one["MessageId"] for one in first]


def test_an_attempt_whose_messages_were_touched_cannot_be_repeated(here: Here, url: str) -> None:
    touches = (
        lambda handle: here.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
        lambda handle: here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60),
    )
    for number, touch in enumerate(touches):
        send(here, url, f"g{number}", f"m{number}")
        touch(receive(here, url, ReceiveRequestAttemptId=f"try{number}")[0]["ReceiptHandle"])
        assert refusal(here.sqs.receive_message, QueueUrl=url, ReceiveRequestAttemptId=f"try{number}") == (
            "InvalidParameterValue",
            (
                f"Value try{number} for parameter ReceiveRequestAttemptId is invalid. Reason: The receiveRequestAttemptId is not valid"
                " anymore since the receive call is not retryable."
            ),
        )


def test_a_fifo_queue_with_too_much_in_flight_gives_nothing_and_says_nothing(here: Here, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard, "IN_FLIGHT_MAX", 2)
    for group in ("a", "b", "c"):
        send(here, url, group, group)
    first, _ = receive(here, url, 2)
    assert receive(here, url) == []
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert [message["Body"] for message in receive(here, url)] == ["c"]
    assert receive(here, url) == []
    here.jump(30)
    assert [message["Body"] for message in receive(here, url)] == ["b", "c"]


def test_a_change_of_the_delay_holds_for_messages_that_wait(here: Here, url: str) -> None:
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "60"})
    send(here, url, "a", "m")
    assert (receive(here, url), counts(here, url)) == ([], (0, 0, 1))
    here.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "10"})
    here.jump(10)
    assert counts(here, url) == (1, 0, 0)
    assert [message["Body"] for message in receive(here, url)] == ["m"]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"MessageDeduplicationId": "x"}, ("MissingParameter", "The request must contain the parameter MessageGroupId.")),
        (
            {"MessageGroupId": "x"},
            (
                "InvalidParameterValue",
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            ),
        ),
        (
            {"MessageGroupId": "x", "MessageDeduplicationId": "x", "DelaySeconds": 2},
            (
                "InvalidParameterValue",
                (
                    "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue"
                    " type."
                ),
            ),
        ),
    ],
)
def test_a_fifo_queue_insists_on_group_and_deduplication(here: Here, url: str, members: dict[str, Any], fault: tuple[str, str]) -> None:
    assert refusal(here.sqs.send_message, QueueUrl=url, MessageBody="m", **members) == fault


def test_old_messages_leave_a_group_from_its_head(here: Here, url: str) -> None:
    send(here, url, "a", "old")
    send(here, url, "b", "seen")
    receive(here, url)
    here.jump(60)
    send(here, url, "a", "young")
    here.jump(345_600 - 60)
    assert counts(here, url) == (1, 0, 0)
    assert [message["Body"] for message in receive(here, url)] == ["young"]
