"""Messages at work: a topic tells each queue what it asks for; work that fails goes aside and is done again."""

from typing import Any

import fan_out
import redrive
from queues import take


def tell(stage: Any) -> None:
    """Deploys both examples of messages, one after the other, and uses them."""
    _tell_of_the_shop(stage)
    _tell_of_the_work(stage)


def remove(stage: Any) -> None:
    """Takes everything down."""
    fan_out.remove(stage.prefix, stage.client)
    redrive.remove(stage.prefix, stage.client)


def _tell_of_the_shop(stage: Any) -> None:
    shop, sns, sqs = fan_out.deploy(stage.prefix, stage.client), stage.client("sns"), stage.client("sqs")
    stage.step(
        "Built a topic for a shop's orders and four queues that ask for some of them",
        f"windtunnel aws sns list-subscriptions-by-topic --topic-arn {shop.topic_arn}",
    )
    for kind, country, total in (("order", "FR", 1_200), ("return", "DE", 20)):
        published = fan_out.publish(sns, shop, kind, country, {"total": total, "customer": {}})
        told = ", ".join(name for name, url in shop.queues.items() if take(sqs, url))
        stage.step(f"Published: {kind}, {total:,}, {country}. Heard by {told}", f"windtunnel trace {published}")


def _tell_of_the_work(stage: Any) -> None:
    (work, dead), sqs = redrive.deploy(stage.prefix, stage.client), stage.client("sqs")
    for body in ("1", "2", "oops"):
        message_id = sqs.send_message(QueueUrl=work, MessageBody=body)["MessageId"]
    done, failed = redrive.work(sqs, work, _number)
    stage.step(f"Sent three pieces of work: {done} were done, {failed} failed and is out of sight for 30 seconds")
    for _ in range(redrive.TRIES):
        stage.jump(f"{redrive.RETRY_SECONDS}s")
        redrive.work(sqs, work, _number)
    count = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    stage.step(
        f"After its third failure it lies in the dead-letter queue, which has {count['ApproximateNumberOfMessages']}",
        f"windtunnel aws sqs receive-message --queue-url {dead} --visibility-timeout 0",
    )
    redrive.mend(sqs, dead)
    done = stage.until(lambda: redrive.work(sqs, work, len)[0] or None, "The work that was sent back")
    stage.step(f"The worker was mended and the letters sent back: {done} was done", f"windtunnel trace {message_id}")


def _number(text: str) -> None:
    int(text)
