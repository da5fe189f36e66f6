"""Amazon SNS: topics, standard and FIFO, and what they deliver to queues, functions, URLs and people."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Service, Tx
from windtunnel.services.sns import life
from windtunnel.services.sns.archive import archive, replay
from windtunnel.services.sns.delivery import feedback, signing
from windtunnel.services.sns.devices import devices
from windtunnel.services.sns.phones import phones, sandbox, texting
from windtunnel.services.sns.publishing import publish
from windtunnel.services.sns.stack import RESOURCES
from windtunnel.services.sns.subscriptions import subscriptions
from windtunnel.services.sns.topics import attributes, permissions, tags, topics


def _delivered(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
    """What is delivered to a topic's ARN is published to the topic."""
    request: dict[str, Any] = {"TopicArn": str(arn), "Message": event.body, **event.parameters}
    if event.subject:
        request["Subject"] = event.subject
    if event.attributes:
        request["MessageAttributes"] = event.attributes
    if event.group_id:
        request["MessageGroupId"] = event.group_id
    if event.deduplication_id:
        request["MessageDeduplicationId"] = event.deduplication_id
    return "publish", request


def _certificate(tx: Tx, path: str) -> tuple[str, bytes] | None:
    """What verifiers of signatures fetch."""
    text = signing.certificate(tx, path)
    return None if text is None else ("application/x-pem-file", text.encode())


SERVICE = Service(
    "sns",
    modules=(topics, attributes, permissions, subscriptions, publish, tags, devices, phones, sandbox),
    resources=RESOURCES,
    timers={
        "sweep": life.sweep,
        "expire": life.expire,
        "forget_ended": life.forget_ended,
        "bury": life.bury,
        "age": archive.age,
        "clear": archive.clear,
        "replay": replay.replay,
        "feedback": feedback.feedback,
        "audit": feedback.write_audit,
    },
    targets={"sns": _delivered},
    faults={"ValidationError": 400},
    # https://docs.aws.amazon.com/sns/latest/dg/logging-using-cloudtrail.html
    data_operations=("Publish", "PublishBatch"),
    finish=signing.finish,
    pages={signing.CERTIFICATE_PREFIX: _certificate, texting.REPLIES_PREFIX: texting.answer},
)
