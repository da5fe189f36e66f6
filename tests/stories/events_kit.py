"""What the stories of EventBridge share: queues that rules send to, and what is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.stories.here import ACCOUNT, REGION, Here
from windtunnel.fabric import Fault

PREFIX = f"arn:aws:events:{REGION}:{ACCOUNT}:"
DEFAULT_BUS = f"{PREFIX}event-bus/default"


def queue(here: Here, name: str = "q") -> str:
    """The ARN of a new queue."""
    here.sqs.create_queue(QueueName=name)
    return arn_of(here, name)


def arn_of(here: Here, name: str) -> str:
    return f"arn:aws:sqs:{here.scope.region}:{here.scope.account}:{name}"


def rule(here: Here, pattern: Mapping[str, Any], *targets: str, name: str = "r", bus: str = "default", **members: Any) -> None:
    """A rule whose targets are these ARNs; `members` are further ones of each target."""
    here.events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    here.events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": str(n), "Arn": arn, **members} for n, arn in enumerate(targets)])


def put(here: Here, detail: Any = None, source: str = "shop", kind: str = "Order", **members: Any) -> str:
    """Puts an event; its id."""
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail or {}), **members}
    (result,) = here.events.put_events(Entries=[entry])["Entries"]
    return result["EventId"]


def letters(here: Here, name: str = "q") -> list[dict[str, Any]]:
    """The messages in a queue, taken out of it."""
    url = f"http://localhost:4566/{here.scope.account}/{name}"
    found: list[dict[str, Any]] = []
    while taken := here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
        for message in taken:
            here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += taken
    return found


def bodies(here: Here, name: str = "q") -> list[Any]:
    """The texts in a queue, as JSON."""
    return [json.loads(message["Body"]) for message in letters(here, name)]


def details(here: Here, name: str = "q") -> list[Any]:
    return [body["detail"] for body in bodies(here, name)]


def unavailable(service: str, fault: Fault) -> int:
    """The status of any fault, where a target is to fail for now."""
    return 503


def attributes(message: Mapping[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
