"""Amazon SQS: standard and FIFO queues."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service
from windtunnel.services.sqs import acknowledge, life, moves, moving, permissions, queues, receive, send, tags
from windtunnel.services.sqs.marks import MARKS
from windtunnel.services.sqs.stack import RESOURCES
from windtunnel.services.sqs.state import LATE


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a queue's ARN is sent to the queue."""
    request: dict[str, Any] = {
        "QueueUrl": f"https://sqs.{arn.region}.amazonaws.com/{arn.account}/{arn.resource}",
        "MessageBody": event.body,
        **event.parameters,
    }
    if event.attributes:
        request["MessageAttributes"] = event.attributes
    if event.group_id:
        request["MessageGroupId"] = event.group_id
    if event.late:
        request[LATE] = event.late
    if event.deduplication_id:
        request["MessageDeduplicationId"] = event.deduplication_id
    return "send_message", request


SERVICE = Service(
    "sqs",
    modules=(queues, send, receive, acknowledge, tags, permissions, moves),
    resources=RESOURCES,
    timers={"expire": life.expire, "sweep": life.sweep, "forget_name": life.forget_name, "move": moving.move},
    targets={"sqs": _delivered},
    late_bodies=True,
    marks=MARKS,
    faults={"InvalidParameterValue": 400, "MissingParameter": 400},
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-logging-using-cloudtrail.html
    data_operations=(
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "ListQueues",
        "ListQueueTags",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    ),
)
