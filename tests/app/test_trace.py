"""The way of a call through the services, as `windtunnel trace` tells it."""

from __future__ import annotations

import re

from tests.app.kit import windtunnel
from windtunnel import LocalRegion


def told(region: LocalRegion, *arguments: str) -> list[str]:
    """The tree without its times."""
    lines = windtunnel("trace", *arguments, endpoint=region.endpoint).stdout.splitlines()
    return [re.split(r" {2,}", line.rstrip())[0] for line in lines[1:]]


def test_a_publish_is_followed_to_the_queues_and_on_to_the_dead_letters(region: LocalRegion) -> None:
    sqs, sns = region.client("sqs"), region.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    for name in ("a", "b"):
        sqs.create_queue(QueueName=name)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
    published = sns.publish(TopicArn=topic, Message="hello")["ResponseMetadata"]["RequestId"]
    expected = ["sns Publish", "├─ sqs SendMessage", "└─ sqs SendMessage"]
    assert told(region, published) == expected
    assert told(region) == expected
    sent = next(call for call in region.calls() if call["operation"] == "SendMessage")["request_id"]
    assert told(region, sent) == expected


def test_an_id_that_nobody_had_is_said(region: LocalRegion) -> None:
    ended = windtunnel("trace", "nobody", endpoint=region.endpoint)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "none has a request id that begins with 'nobody'" in ended.stderr
