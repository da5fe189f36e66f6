"""What the examples of messages share: queues made, read and removed, and the command line."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Client = Callable[..., Any]
"""Makes the client of a service: `boto3.client`, or another that knows where the region is."""


def create_queue(sqs: Any, name: str, **attributes: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def let_send(sqs: Any, url: str, arn: str, topic_arn: str) -> None:
    """Lets a topic send to a queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})


def take(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Receives and deletes all that lies in a queue."""
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += messages
    return found


def remove_queue(sqs: Any, name: str) -> None:
    with suppress(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


def main(deploy: Callable[[str], list[str]], remove: Callable[[str], None], about: str) -> None:
    """`up [PREFIX]` deploys and says what to do next; `down [PREFIX]` takes everything down again."""
    what, prefix = sys.argv[1:2], (sys.argv[2:3] or ["example"])[0]
    if what == ["up"]:
        print("\n".join(deploy(prefix)))
    elif what == ["down"]:
        remove(prefix)
    else:
        sys.exit(about)
