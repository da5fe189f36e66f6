"""What a pipe's target is told besides the body: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from windtunnel.aws.arn import parse
from windtunnel.aws.input_templates import BadInput, json_text
from windtunnel.fabric import Event

BATCHES_MAX = {"events": 10, "firehose": 500, "kinesis": 500, "logs": 10_000, "sns": 10, "sqs": 10}
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html#pipes-batchable-target"""


def batch_max(settings: Mapping[str, Any]) -> int:
    """How many events at a time a pipe's target takes."""
    return BATCHES_MAX.get(parse(settings["Target"]).service, 10_000)


def _moment(text: str) -> float:
    """Raises BadInput."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise BadInput(f"{text} is no time.") from error


def event_for(name: str, settings: Mapping[str, Any], parameters: Mapping[str, Any], body: str) -> Event:
    """What goes to the target of the pipe `name`; `parameters` are those of the target, paths resolved."""
    target = settings["Target"]
    arn = parse(target)
    if arn.service == "sqs":
        own = parameters.get("SqsQueueParameters", {})
        return Event(body, group_id=own.get("MessageGroupId", ""), deduplication_id=own.get("MessageDeduplicationId", ""))
    if arn.service == "kinesis":
        return Event(body, parameters={"PartitionKey": parameters["KinesisStreamParameters"]["PartitionKey"]})
    if arn.service == "events" and arn.type == "event-bus":
        own = parameters.get("EventBridgeEventBusParameters", {})
        kind = own.get("DetailType") or f"Event from aws:{parse(settings['Source']).service}"
        entry = {"Source": own.get("Source") or f"Pipe {name}", "DetailType": kind, "Detail": body, "Resources": own.get("Resources", [])}
        if "Time" in own:
            entry["Time"] = _moment(own["Time"])
        endpoint = {"EndpointId": own["EndpointId"]} if "EndpointId" in own else {}
        return Event(body, parameters={"Entries": [{**entry, "EventBusName": target}], **endpoint})
    if arn.service == "logs":
        own = parameters.get("CloudWatchLogsParameters", {})
        if "Timestamp" in own:
            # How an event tells a log group its time: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
            body = json_text({"timestamp": own["Timestamp"], "message": body})
        return Event(body, parameters={"LogStreamName": own.get("LogStreamName", "")})
    if arn.service in ("sns", "firehose"):
        return Event(body)
    return Event(body, parameters={member: value for member, value in parameters.items() if member.endswith("Parameters")})
