"""Fair queues: a tenant that keeps the receivers busy makes the others wait no longer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sqs_messages import counts


@pytest.fixture
def url(here: Here) -> str:
    return here.sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]


def send(here: Here, url: str, *texts: str) -> None:
    """Each text's first letter is its group; "-" has none."""
    for text in texts:
        group = {} if text[0] == "-" else {"MessageGroupId": text[0]}
        here.sqs.send_message(QueueUrl=url, MessageBody=text, **group)


def receive(here: Here, url: str, most: int = 10) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    while len(messages) < most:
        page = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=min(10, most - len(messages))).get("Messages", [])
        if not page:
            break
        messages += page
    return messages


def texts(here: Here, url: str, most: int = 10) -> list[str]:
    return [message["Body"] for message in receive(here, url, most)]


def of(group: str, number: int) -> list[str]:
    return [f"{group}{index}" for index in range(number)]


def test_messages_of_quiet_tenants_come_before_the_backlog_of_a_noisy_one(here: Here, url: str) -> None:
    send(here, url, *of("a", 50))
    assert texts(here, url, 30) == of("a", 50)[:30]
    send(here, url, "b0", "c0", "-0", "b1")
    assert texts(here, url, 6) == ["b0", "c0", "-0", "b1", "a30", "a31"]


def test_without_a_noisy_tenant_the_oldest_comes_first(here: Here, url: str) -> None:
    send(here, url, *of("a", 50))
    receive(here, url, 29)
    send(here, url, "b0")
    assert texts(here, url, 2) == ["a29", "a30"]


def test_a_tenth_of_what_is_in_flight_is_not_noisy(here: Here, url: str) -> None:
    send(here, url, *of("-", 310), *of("a", 40), "b0")
    receive(here, url, 310 + 34)
    assert texts(here, url, 1) == ["a34"]
    assert texts(here, url, 1) == ["b0"]


def test_a_noisy_tenant_is_quiet_once_its_backlog_is_consumed(here: Here, url: str) -> None:
    send(here, url, *of("a", 40))
    receive(here, url, 40)
    send(here, url, "a40", "b0")
    assert texts(here, url, 1) == ["a40"]


def test_a_noisy_tenant_is_quiet_five_minutes_after_it_had_something_in_flight(here: Here, url: str) -> None:
    send(here, url, *of("a", 50))
    for message in receive(here, url, 31):
        here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    here.jump(600 + 299)
    send(here, url, "b0")
    assert texts(here, url, 1) == ["b0"]
    here.jump(2)
    send(here, url, "b1")
    assert texts(here, url, 1) == ["a31"]


def test_of_noisy_tenants_the_one_with_the_fewest_in_flight_comes_first(here: Here, url: str) -> None:
    send(here, url, *of("a", 50))
    receive(here, url, 40)
    send(here, url, *of("b", 50))
    receive(here, url, 30)
    send(here, url, "c0")
    assert texts(here, url, 3) == ["c0", "b30", "b31"]


def test_messages_with_groups_are_delayed_hidden_changed_deleted_and_counted_like_others(here: Here) -> None:
    url = here.sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "5"})["QueueUrl"]
    send(here, url, "a0", "b0")
    assert (texts(here, url), counts(here, url)) == ([], (0, 0, 2))
    here.jump(5)
    first, second = receive(here, url, 2)
    assert (first["Body"], second["Body"], counts(here, url)) == ("a0", "b0", (0, 2, 0))
    here.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert (counts(here, url), texts(here, url)) == ((1, 0, 0), ["a0"])
    here.jump(30)
    assert texts(here, url) == ["a0"]


def test_a_long_poll_ends_when_a_message_with_a_group_comes_back(here: Here) -> None:
    url = here.sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    send(here, url, "a0")
    receive(here, url)
    waiting = here.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    here.jump(7)
    assert [message["Body"] for message in here.result(waiting)["Messages"]] == ["a0"]


def test_messages_keep_their_group_among_the_dead_letters_and_back(here: Here) -> None:
    dead = here.sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"1"}'
    url = here.sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "1", "RedrivePolicy": policy})["QueueUrl"]
    send(here, url, "a0", "-0")
    receive(here, url)
    here.jump(1)
    assert texts(here, url) == []
    assert (counts(here, dead), counts(here, url)) == ((2, 0, 0), (0, 0, 0))
    here.sqs.start_message_move_task(SourceArn="arn:aws:sqs:us-east-1:000000000000:dead")
    here.rest()
    moved = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])["Messages"]
    assert sorted((one["Body"], one["Attributes"].get("MessageGroupId")) for one in moved) == [("-0", None), ("a0", "a")]


def test_old_messages_with_groups_go_and_a_purge_takes_all(here: Here) -> None:
    url = here.sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    send(here, url, "a0", "b0")
    here.jump(62)
    assert counts(here, url) == (0, 0, 0)
    send(here, url, "a1", "b1")
    here.sqs.purge_queue(QueueUrl=url)
    assert (counts(here, url), texts(here, url)) == ((0, 0, 0), [])
