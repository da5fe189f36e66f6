"""Dead letters: moved when they are met once too often, and moved back by tasks."""

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal
from tests.stories.test_sqs_fifo import receive, send
from tests.stories.test_sqs_messages import bodies, counts

ARN = "arn:aws:sqs:us-east-1:000000000000:"


def redrive(target: str, receives: int = 1) -> dict[str, str]:
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": ARN + target, "maxReceiveCount": receives})}


@pytest.fixture
def grave(here: Here) -> str:
    return here.sqs.create_queue(QueueName="grave")["QueueUrl"]


@pytest.fixture
def source(here: Here, grave: str) -> str:
    assert grave.endswith("/grave")
    return here.sqs.create_queue(QueueName="source", Attributes=redrive("grave"))["QueueUrl"]


def kill(here: Here, url: str, *texts: str) -> None:
    """Sends messages and has them die."""
    for text in texts:
        here.sqs.send_message(QueueUrl=url, MessageBody=text)
    here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1)
    here.jump(1)
    assert here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10) == {}


def tasks(here: Here) -> list[dict[str, Any]]:
    return here.sqs.list_message_move_tasks(SourceArn=ARN + "grave", MaxResults=10)["Results"]


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(here: Here, grave: str, source: str) -> None:
    sent = here.sqs.send_message(QueueUrl=source, MessageBody="poison", MessageGroupId="tenant")
    here.sqs.receive_message(QueueUrl=source)
    here.jump(30)
    assert here.sqs.receive_message(QueueUrl=source) == {}
    assert (counts(here, source), counts(here, grave)) == ((0, 0, 0), (1, 0, 0))
    (message,) = here.sqs.receive_message(QueueUrl=grave, AttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "poison")
    assert message["Attributes"] == {
        "SenderId": "000000000000",
        "SentTimestamp": "1767225600000",
        "ApproximateReceiveCount": "2",
        "ApproximateFirstReceiveTimestamp": "1767225600000",
        "MessageGroupId": "tenant",
        "DeadLetterQueueSourceArn": ARN + "source",
    }


def test_a_dead_letter_wakes_who_waits_for_it(here: Here, grave: str, source: str) -> None:
    waiting = here.begin.sqs.receive_message(QueueUrl=grave, WaitTimeSeconds=20)
    kill(here, source, "poison")
    assert bodies(here.result(waiting)) == ["poison"]


def test_a_dead_letter_keeps_its_age(here: Here, grave: str, source: str) -> None:
    here.sqs.send_message(QueueUrl=source, MessageBody="poison")
    here.jump(345_000)
    here.sqs.receive_message(QueueUrl=source)
    here.jump(30)
    assert here.sqs.receive_message(QueueUrl=source) == {}
    assert counts(here, grave) == (1, 0, 0)
    here.jump(600)
    assert counts(here, grave) == (0, 0, 0)


def test_a_source_keeps_its_messages_when_the_dead_letter_queue_is_gone(here: Here, grave: str, source: str) -> None:
    here.sqs.send_message(QueueUrl=source, MessageBody="poison")
    here.sqs.delete_queue(QueueUrl=grave)
    for _ in range(3):
        assert bodies(here.sqs.receive_message(QueueUrl=source)) == ["poison"]
        here.jump(30)


def test_a_group_goes_on_behind_its_dead_letter(here: Here) -> None:
    grave = here.sqs.create_queue(QueueName="grave.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    url = here.sqs.create_queue(QueueName="s.fifo", Attributes={"FifoQueue": "true"} | redrive("grave.fifo"))["QueueUrl"]
    send(here, url, "g", "one", "two")
    receive(here, url, 1)
    here.jump(30)
    assert [message["Body"] for message in receive(here, url)] == ["two"]
    (dead,) = receive(here, grave, AttributeNames=["MessageGroupId", "DeadLetterQueueSourceArn"])
    assert dead["Attributes"] == {"MessageGroupId": "g", "DeadLetterQueueSourceArn": ARN + "s.fifo"}


def test_a_dead_letter_queue_may_refuse_sources(here: Here, grave: str) -> None:
    here.sqs.set_queue_attributes(QueueUrl=grave, Attributes={"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'})
    code, message = refusal(here.sqs.create_queue, QueueName="s", Attributes=redrive("grave"))
    assert (code, message[:6]) == ("InvalidParameterValue", "Value ")
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [ARN + "s"]}
    here.sqs.set_queue_attributes(QueueUrl=grave, Attributes={"RedriveAllowPolicy": json.dumps(allow)})
    here.sqs.create_queue(QueueName="s", Attributes=redrive("grave"))
    assert refusal(here.sqs.create_queue, QueueName="t", Attributes=redrive("grave"))[0] == "InvalidParameterValue"


CANNOT = "Reason: Amazon SQS can't create the redrive allow policy"
UNSUPPORTED = f"Invalid value for the parameter RedriveAllowPolicy. {CANNOT}, as it’s in an unsupported format."


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("{", UNSUPPORTED),
        ("[]", UNSUPPORTED),
        ("{}", UNSUPPORTED),
        ('{"redrivePermission":"some"}', UNSUPPORTED),
        ('{"redrivePermission":"allowAll","a":1}', UNSUPPORTED),
        ('{"redrivePermission":"byQueue","sourceQueueArns":"a"}', UNSUPPORTED),
        ('{"redrivePermission":"byQueue","sourceQueueArns":[1]}', UNSUPPORTED),
        (
            '{"redrivePermission":"denyAll","sourceQueueArns":["a"]}',
            "To specify one or more source queue ARNs, you must set redrivePermission to byQueue.",
        ),
        (
            '{"redrivePermission":"byQueue"}',
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.",
        ),
        (
            json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": ["a"] * 11}),
            "The maximum number of source queue ARNs you can specify is 10.",
        ),
    ],
)
def test_a_redrive_allow_policy_that_is_none_is_refused_in_aws_words(here: Here, grave: str, policy: str, said: str) -> None:
    fault = refusal(here.sqs.set_queue_attributes, QueueUrl=grave, Attributes={"RedriveAllowPolicy": policy})
    if said == UNSUPPORTED:
        assert fault == ("InvalidAttributeValue", said)
    else:
        assert fault == ("InvalidParameterValue", f"Value {policy} for parameter RedriveAllowPolicy is invalid. {CANNOT}. {said}")


def test_sources_are_listed_as_long_as_they_name_the_queue(here: Here, grave: str, source: str) -> None:
    assert here.sqs.list_dead_letter_source_queues(QueueUrl=grave) == {"queueUrls": [source]}
    here.sqs.set_queue_attributes(QueueUrl=source, Attributes={"RedrivePolicy": ""})
    assert here.sqs.list_dead_letter_source_queues(QueueUrl=grave) == {"queueUrls": []}
    assert here.sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["RedrivePolicy"]) == {}


def test_a_move_task_sends_dead_letters_back_where_they_came_from(here: Here, grave: str, source: str) -> None:
    kill(here, source, "one", "two")
    here.sqs.start_message_move_task(SourceArn=ARN + "grave")
    here.rest()
    assert tasks(here) == [
        {
            "Status": "COMPLETED",
            "SourceArn": ARN + "grave",
            "ApproximateNumberOfMessagesMoved": 2,
            "ApproximateNumberOfMessagesToMove": 2,
            "StartedTimestamp": 1767225601000,
        }
    ]
    assert (counts(here, grave), counts(here, source)) == ((0, 0, 0), (2, 0, 0))
    (message, _) = here.sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=2, AttributeNames=["All"])["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "DeadLetterQueueSourceArn" not in message["Attributes"]


def test_a_poison_message_dies_as_often_as_it_is_sent_back_and_holds_up_nothing(here: Here, grave: str, source: str) -> None:
    sent = here.sqs.send_message(QueueUrl=source, MessageBody="poison")["MessageId"]
    for round in range(3):
        for number in range(3):
            here.sqs.send_message(QueueUrl=source, MessageBody=f"{round}{number}")
        handled: list[str] = []
        while messages := here.sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=2).get("Messages"):
            for message in messages:
                if message["Body"] != "poison":
                    here.sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
                    handled.append(message["Body"])
        assert handled == [f"{round}{number}" for number in range(3)]
        here.jump(30)
        assert (here.sqs.receive_message(QueueUrl=source), counts(here, source), counts(here, grave)) == ({}, (0, 0, 0), (1, 0, 0))
        here.sqs.start_message_move_task(SourceArn=ARN + "grave")
        here.rest()
        assert (counts(here, source), counts(here, grave)) == ((1, 0, 0), (0, 0, 0))
    (message,) = here.sqs.receive_message(QueueUrl=source, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert (message["MessageId"] != sent, message["Body"], message["Attributes"]) == (True, "poison", {"ApproximateReceiveCount": "1"})


def test_a_move_task_goes_at_its_rate_and_can_be_cancelled(here: Here, grave: str, source: str) -> None:
    kill(here, source, *(str(number) for number in range(10)))
    there = here.sqs.create_queue(QueueName="there")["QueueUrl"]
    request = {"SourceArn": ARN + "grave", "DestinationArn": ARN + "there", "MaxNumberOfMessagesPerSecond": 1}
    handle = here.sqs.start_message_move_task(**request)["TaskHandle"]
    here.jump(2)
    assert counts(here, there) == (3, 0, 0)
    assert refusal(here.sqs.start_message_move_task, **request)[1].startswith("There is already a task running.")
    (task,) = tasks(here)
    assert (task["Status"], task["TaskHandle"], task["ApproximateNumberOfMessagesToMove"]) == ("RUNNING", handle, 10)
    assert here.sqs.cancel_message_move_task(TaskHandle=handle) == {"ApproximateNumberOfMessagesMoved": 3}
    here.jump(10)
    assert (counts(here, there), counts(here, grave)) == ((3, 0, 0), (7, 0, 0))
    assert tasks(here)[0]["Status"] == "CANCELLED"


def test_a_move_task_fails_where_a_message_has_nowhere_to_go(here: Here, grave: str, source: str) -> None:
    kill(here, source, "one")
    here.sqs.send_message(QueueUrl=grave, MessageBody="sent here")
    here.sqs.start_message_move_task(SourceArn=ARN + "grave")
    here.rest()
    (task,) = tasks(here)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert counts(here, source) == (1, 0, 0)


def test_move_tasks_are_refused_in_aws_words(here: Here, grave: str, source: str) -> None:
    start, cancel = here.sqs.start_message_move_task, here.sqs.cancel_message_move_task
    assert refusal(start, SourceArn=ARN + "source") == ("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    assert refusal(start, SourceArn=ARN + "grave", DestinationArn=ARN + "nowhere") == (
        "ResourceNotFoundException",
        "The resource that you specified for the DestinationArn parameter doesn't exist.",
    )
    assert refusal(cancel, TaskHandle="foobared") == ("InvalidParameterValue", "Value for parameter TaskHandle is invalid.")
