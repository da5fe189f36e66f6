"""A picture goes into a bucket, a function makes its thumbnail, and a topic tells three queues."""

import json
from typing import Any

import deploy
from picture import paint

NEEDS = {"PIL": "Pillow"}
KEY, OTHER_KEY = "portraits/hills.png", "places/hills.png"


def tell(stage: Any) -> None:
    """Deploys the example and shows what an upload sets off."""
    s3 = stage.client("s3")
    picture = paint()
    stage.begin()
    built = deploy.deploy(stage.prefix, stage.client, bring_pillow=False)
    stage.step(
        "Built two buckets, a function, a topic, three queues and a role",
        f"windtunnel aws s3api get-bucket-notification-configuration --bucket {built.uploads}",
        f"windtunnel aws sns list-subscriptions-by-topic --topic-arn {built.topic_arn}",
    )
    s3.put_object(Bucket=built.uploads, Key=KEY, Body=picture, ContentType="image/png")
    stage.step(
        f"Uploaded a picture of {_size(picture)}, {len(picture):,} bytes", f"windtunnel aws s3 cp hills.png s3://{built.uploads}/{KEY}"
    )
    thumbnail = _thumbnail(stage, built, KEY)
    stage.step(
        f"S3 called the function (a cold start): a thumbnail of {_size(thumbnail)}, {len(thumbnail):,} bytes",
        f"windtunnel aws s3 cp s3://{built.thumbnails}/{KEY} thumbnail.png",
        f"windtunnel aws logs filter-log-events --log-group-name /aws/lambda/{built.function} --query 'events[].message'",
    )
    for what, url in (
        ("The catalogue's queue has the notice in SNS's envelope", built.catalogue),
        ("The portraits' queue has it, for its key passed the filter policy", built.portraits),
        ("The audit's queue has it raw, as S3 wrote it", built.audit),
    ):
        name = _notice(stage, url, KEY)
        stage.step(f"{what}: {name}", f"windtunnel aws sqs receive-message --queue-url {url}")
    s3.put_object(Bucket=built.uploads, Key=OTHER_KEY, Body=picture, ContentType="image/png")
    _thumbnail(stage, built, OTHER_KEY)
    _notice(stage, built.audit, OTHER_KEY)
    kept = [_event(message)["s3"]["object"]["key"] for message in _peek(stage, built.portraits)]
    assert kept == [KEY], f"the portraits' queue should hold {KEY} alone, and holds {kept}"
    stage.step(f"Uploaded {OTHER_KEY} too (a warm start); the filter kept it from the portraits' queue", "windtunnel calls")


def remove(stage: Any) -> None:
    """Takes everything down."""
    deploy.remove(stage.prefix, stage.client)


def _thumbnail(stage: Any, built: Any, key: str) -> bytes:
    """The thumbnail's bytes, as soon as it is there."""
    s3 = stage.client("s3")

    def look() -> bytes | None:
        try:
            return s3.get_object(Bucket=built.thumbnails, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None

    return stage.until(look, f"The thumbnail (see /aws/lambda/{built.function} in CloudWatch Logs)")


def _notice(stage: Any, url: str, key: str) -> str:
    """The name of the event that a queue holds for a key, as soon as it is there. It stays in the queue."""

    def look() -> str | None:
        events = (_event(message) for message in _peek(stage, url))
        return next((event["eventName"] for event in events if event["s3"]["object"]["key"] == key), None)

    return stage.until(look, f"A notice of {key} in {url}")


def _peek(stage: Any, url: str) -> list[dict[str, Any]]:
    """What a queue holds, left visible for whoever looks next."""
    sqs = stage.client("sqs")
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=5).get("Messages", [])


def _event(message: dict[str, Any]) -> dict[str, Any]:
    """The S3 event in a message, out of whatever it is wrapped in."""
    body = json.loads(message["Body"])
    return (json.loads(body["Message"]) if "Message" in body else body)["Records"][0]


def _size(picture: bytes) -> str:
    """Width and height as a PNG's header has them."""
    return f"{int.from_bytes(picture[16:20], 'big')}x{int.from_bytes(picture[20:24], 'big')}"
