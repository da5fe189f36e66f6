"""What a pipe's target is told besides the body: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.arn import parse
from windtunnel.fabric import Event


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
        source = {"Source": own.get("Source") or f"Pipe {name}", "DetailType": own.get("DetailType") or "Event from aws:sqs"}
        entry = {**source, "Detail": body, "Resources": own.get("Resources", []), "EventBusName": target}
        return Event(body, parameters={"Entries": [entry]})
    if arn.service == "logs":
        return Event(body, parameters={"LogStreamName": parameters.get("CloudWatchLogsParameters", {}).get("LogStreamName", "")})
    if arn.service in ("sns", "firehose"):
        return Event(body)
    return Event(body, parameters={member: value for member, value in parameters.items() if member.endswith("Parameters")})
