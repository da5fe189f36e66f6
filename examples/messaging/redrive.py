"""Work that fails goes aside, is mended, and is done again: a dead-letter queue and its redrive.

python redrive.py up [PREFIX]      python redrive.py work [PREFIX]      python redrive.py mend [PREFIX]      python redrive.py down [PREFIX]
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
from queues import Client, create_queue, main, remove_queue

TRIES = 3
RETRY_SECONDS = 30


def deploy(prefix: str, client: Client = boto3.client) -> tuple[str, str]:
    """A queue whose messages may fail three times, and the queue that they come to then: their URLs."""
    sqs = client("sqs")
    dead, dead_arn = create_queue(sqs, f"{prefix}-work-dead", MessageRetentionPeriod="1209600")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": str(TRIES)})
    work, work_arn = create_queue(sqs, f"{prefix}-work", VisibilityTimeout=str(RETRY_SECONDS), RedrivePolicy=policy)
    # Nobody else may use the dead-letter queue as theirs.
    allow = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [work_arn]})
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": allow})
    return work, dead


def work(sqs: Any, url: str, do: Callable[[str], None]) -> tuple[int, int]:
    """Does what lies in a queue; what fails stays, and comes back when its visibility timeout ends. Tells (done, failed)."""
    done = failed = 0
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            try:
                do(message["Body"])
            except ValueError:
                failed += 1
            else:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                done += 1
    return done, failed


def mend(sqs: Any, dead: str, per_second: int = 10) -> str:
    """Sends the dead letters back to where they came from, at a rate that the worker can bear; returns the task's handle."""
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=per_second)["TaskHandle"]


def remove(prefix: str, client: Client = boto3.client) -> None:
    for name in ("work", "work-dead"):
        remove_queue(client("sqs"), f"{prefix}-{name}")


def _up(prefix: str) -> list[str]:
    url, _ = deploy(prefix)
    return [f"aws sqs send-message --queue-url {url} --message-body {number}" for number in (1, 2, "oops")]


def _say(number: str) -> None:
    print(int(number))


if __name__ == "__main__":
    if sys.argv[1:2] in (["work"], ["mend"]):
        client, prefix = boto3.client("sqs"), (sys.argv[2:3] or ["example"])[0]
        url, dead = (client.get_queue_url(QueueName=f"{prefix}-{name}")["QueueUrl"] for name in ("work", "work-dead"))
        print(work(client, url, _say) if sys.argv[1] == "work" else mend(client, dead))
    else:
        main(_up, remove, __doc__ or "")
