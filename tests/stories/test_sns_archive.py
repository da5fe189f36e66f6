"""A FIFO topic's archive, and subscriptions that get again what lies in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.test_sns_fifo import FIFO, ordered
from tests.stories.test_sns_publish import QUEUES, received
from tests.stories.test_sns_topics import refusal
from windtunnel.services.sns.delivery.envelope import timestamp
from windtunnel.services.sns.state import ARCHIVE, TOKENS

DAY = 86_400
ARCHIVED = json.dumps({"MessageRetentionPeriod": "30"})


def publish(here: Here, *texts: str, group: str = "g", **members: Any) -> None:
    for text in texts:
        here.sns.publish(TopicArn=FIFO, Message=text, MessageGroupId=group, MessageDeduplicationId=text, **members)


def subscribed(here: Here, queue: str, **attributes: str) -> tuple[str, str]:
    """A queue subscribed to the topic: its URL and the subscription's ARN."""
    url = here.sqs.create_queue(QueueName=queue, Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = here.sns.subscribe(
        TopicArn=FIFO, Protocol="sqs", Endpoint=f"{QUEUES}:{queue}", Attributes=attributes, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    here.rest()
    return url, arn


def from_time(start: float, end: float | None = None) -> str:
    policy = {"PointType": "Timestamp", "StartingPoint": timestamp(start)}
    return json.dumps(policy if end is None else {**policy, "EndingPoint": timestamp(end)})


def texts(here: Here, url: str) -> list[str]:
    """What lies in a queue; it is taken out."""
    found: list[str] = []
    while messages := received(here, url):
        found += [json.loads(one["Body"])["Message"] for one in messages]
    return found


def status(here: Here, arn: str) -> str | None:
    return here.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"].get("ReplayStatus")


def test_a_late_subscriber_gets_what_was_published_before_and_then_what_is_published(here: Here) -> None:
    first = ordered(here, raw=False, ArchivePolicy=ARCHIVED)
    publish(here, "m1")
    here.jump(3_600)
    publish(here, "m2", "m3")
    later, arn = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN + 3_600))
    assert status(here, arn) == "Completed"
    publish(here, "m4")
    assert texts(here, later) == ["m2", "m3", "m4"]
    assert texts(here, first) == ["m1", "m2", "m3", "m4"]


def test_a_replayed_message_is_the_one_it_was_and_says_that_it_is_replayed(here: Here) -> None:
    first = ordered(here, raw=False, ArchivePolicy=ARCHIVED)
    publish(here, "m", Subject="s", MessageAttributes={"color": {"DataType": "String", "StringValue": "blue"}})
    here.jump(60)
    later, arn = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN))
    [then], [now] = ([json.loads(one["Body"]) for one in received(here, url)] for url in (first, later))
    own = {"UnsubscribeURL": f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={arn}", "Replayed": True}
    assert now == then | own


def test_a_replay_with_an_end_pauses_the_subscription_until_another_goes_on(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1", "m2")
    here.jump(60)
    publish(here, "m3")
    here.jump(60)
    url, arn = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN, BEGIN + 30))
    publish(here, "m4")
    assert (texts(here, url), status(here, arn)) == (["m1", "m2"], "Completed")
    here.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=from_time(BEGIN + 30))
    here.rest()
    publish(here, "m5")
    assert texts(here, url) == ["m3", "m4", "m5"]


def test_an_end_to_come_lets_messages_through_until_then(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    url, _ = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN, BEGIN + 60))
    publish(here, "m1")
    here.jump(61)
    publish(here, "m2")
    assert texts(here, url) == ["m1"]


def test_a_replay_that_is_stopped_hears_what_is_published_from_then_on(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1")
    here.jump(60)
    url, arn = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN, BEGIN + 30))
    publish(here, "m2")
    here.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue="{}")
    publish(here, "m3")
    assert (texts(here, url), status(here, arn)) == (["m1", "m3"], None)


def test_the_order_of_a_group_holds_while_a_long_archive_is_replayed(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    before = [f"m{number}" for number in range(120)]
    publish(here, *before)
    here.jump(600)
    url = here.sqs.create_queue(QueueName="later.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = here.sns.subscribe(TopicArn=FIFO, Protocol="sqs", Endpoint=f"{QUEUES}:later.fifo", ReturnSubscriptionArn=True)["SubscriptionArn"]
    here.sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=from_time(BEGIN))
    publish(here, "new")
    here.rest()
    assert texts(here, url) == [*before, "new"]


def test_a_filter_policy_holds_for_what_is_replayed(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1", MessageAttributes={"color": {"DataType": "String", "StringValue": "blue"}})
    publish(here, "m2", MessageAttributes={"color": {"DataType": "String", "StringValue": "red"}})
    url, _ = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN), FilterPolicy='{"color":["red"]}')
    assert texts(here, url) == ["m2"]


def test_each_protocol_gets_its_own_text_again(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    text = json.dumps({"default": "all", "sqs": "queues"})
    here.sns.publish(TopicArn=FIFO, Message=text, MessageStructure="json", MessageGroupId="g", MessageDeduplicationId="d")
    url, _ = subscribed(here, "later.fifo", ReplayPolicy=from_time(BEGIN))
    assert texts(here, url) == ["queues"]


def test_the_archive_begins_where_retention_or_archiving_did(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)

    def archive() -> tuple[str, str]:
        attributes = here.sns.get_topic_attributes(TopicArn=FIFO)["Attributes"]
        return attributes["ArchivePolicy"], attributes["BeginningArchiveTime"]

    publish(here, "m1")
    here.jump(10 * DAY)
    assert archive() == (ARCHIVED, timestamp(BEGIN))
    publish(here, "m2")
    here.jump(25 * DAY)
    assert archive() == (ARCHIVED, timestamp(BEGIN + 5 * DAY))
    assert [row.message for row in archive_rows(here)] == ["m2"]
    here.jump(10 * DAY)
    assert archive_rows(here) == []


def archive_rows(here: Here) -> list[Any]:
    return here.cloud.transact(lambda tx: [row for _, row in tx.scan(ARCHIVE)], here.scope, "sns")


def test_a_shorter_retention_forgets_at_once(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1")
    here.jump(3 * DAY)
    publish(here, "m2")
    here.sns.set_topic_attributes(TopicArn=FIFO, AttributeName="ArchivePolicy", AttributeValue='{"MessageRetentionPeriod":2}')
    here.rest()
    assert [row.message for row in archive_rows(here)] == ["m2"]


def test_a_topic_goes_only_after_its_archive(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1", "m2")
    fault = refusal(here.sns.delete_topic, TopicArn=FIFO)
    assert fault == ("InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")
    here.sns.set_topic_attributes(TopicArn=FIFO, AttributeName="ArchivePolicy", AttributeValue="{}")
    here.rest()
    assert archive_rows(here) == []
    assert {"ArchivePolicy", "BeginningArchiveTime"}.isdisjoint(here.sns.get_topic_attributes(TopicArn=FIFO)["Attributes"])
    here.sns.delete_topic(TopicArn=FIFO)


def test_a_replay_fails_where_its_archive_is_taken_away(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1")
    url, arn = subscribed(here, "later.fifo")

    async def both() -> None:
        request = {"SubscriptionArn": arn, "AttributeName": "ReplayPolicy", "AttributeValue": from_time(BEGIN)}
        await here.cloud.run("sns", "set_subscription_attributes", request, here.scope)
        shown = await here.cloud.run("sns", "get_subscription_attributes", {"SubscriptionArn": arn}, here.scope)
        assert shown["Attributes"]["ReplayStatus"] == "Pending"
        request = {"TopicArn": FIFO, "AttributeName": "ArchivePolicy", "AttributeValue": "{}"}
        await here.cloud.run("sns", "set_topic_attributes", request, here.scope)

    here.run(both())
    here.rest()
    assert (texts(here, url), status(here, arn)) == ([], "Failed")


def test_a_queue_of_another_account_is_replayed_to_once_it_has_confirmed(here: Here) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    publish(here, "m1")
    other = here.at(account="222222222222")
    url = other.sqs.create_queue(QueueName="theirs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    endpoint = "arn:aws:sqs:us-east-1:222222222222:theirs.fifo"
    here.sns.subscribe(TopicArn=FIFO, Protocol="sqs", Endpoint=endpoint, Attributes={"ReplayPolicy": from_time(BEGIN)})
    here.rest()
    assert texts(other, url) == []
    [token] = here.cloud.transact(lambda tx: [str(key[0]) for key, _ in tx.scan(TOKENS)], here.scope, "sns")
    here.sns.confirm_subscription(TopicArn=FIFO, Token=token)
    here.rest()
    assert texts(other, url) == ["m1"]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("", "ArchivePolicy: failed to parse JSON."),
        ("[]", "ArchivePolicy: policy must be a JSON object"),
        ('{"MessageRetentionPeriod":"0"}', "ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365"),
        ('{"MessageRetentionPeriod":"366"}', "ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365"),
        ('{"MessageRetentionPeriod":"1","More":1}', "ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365"),
    ],
)
def test_an_archive_policy_says_for_how_many_days(here: Here, policy: str, reason: str) -> None:
    ordered(here)
    fault = refusal(here.sns.set_topic_attributes, TopicArn=FIFO, AttributeName="ArchivePolicy", AttributeValue=policy)
    assert fault == ("InvalidParameter", f"Invalid parameter: {reason}")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("{", "failed to parse JSON."),
        ({"PointType": "Offset", "StartingPoint": timestamp(BEGIN)}, "PointType must be Timestamp"),
        (
            {"PointType": "Timestamp", "StartingPoint": "yesterday"},
            "StartingPoint must be a timestamp of the form yyyy-MM-ddTHH:mm:ss.SSSZ",
        ),
        ({"PointType": "Timestamp"}, "StartingPoint must be a timestamp of the form yyyy-MM-ddTHH:mm:ss.SSSZ"),
        (
            {"PointType": "Timestamp", "StartingPoint": timestamp(BEGIN - 1)},
            "StartingPoint must be between the topic's BeginningArchiveTime and now",
        ),
        (
            {"PointType": "Timestamp", "StartingPoint": timestamp(BEGIN), "EndingPoint": timestamp(BEGIN)},
            "EndingPoint must be after StartingPoint",
        ),
        (
            {"PointType": "Timestamp", "StartingPoint": timestamp(BEGIN), "More": 1},
            "only PointType, StartingPoint and EndingPoint are supported",
        ),
    ],
)
def test_a_replay_policy_says_from_when(here: Here, policy: Any, reason: str) -> None:
    ordered(here, ArchivePolicy=ARCHIVED)
    [arn] = (one["SubscriptionArn"] for one in here.sns.list_subscriptions()["Subscriptions"])
    text = policy if isinstance(policy, str) else json.dumps(policy)
    fault = refusal(here.sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=text)
    assert fault == ("InvalidParameter", f"Invalid parameter: ReplayPolicy: {reason}")


def test_there_is_nothing_to_replay_without_an_archive(here: Here) -> None:
    ordered(here)
    [arn] = (one["SubscriptionArn"] for one in here.sns.list_subscriptions()["Subscriptions"])
    fault = refusal(
        here.sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=from_time(BEGIN)
    )
    assert fault == ("InvalidParameter", "Invalid parameter: ReplayPolicy: the topic has no ArchivePolicy")
