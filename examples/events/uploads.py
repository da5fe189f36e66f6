"""Uploads that are told of, kept and told of again: deploys template.yaml to AWS, or to a region on this machine.

    python uploads.py up [PREFIX]      python uploads.py down [PREFIX]

A picture's upload goes through EventBridge to a queue and a function; an archive keeps what was told, for a replay.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

TEMPLATE = Path(__file__).parent / "template.yaml"
Client = Callable[..., Any]
"""Makes the client of a service: `boto3.client`, or another that knows where the region is."""


@dataclass(frozen=True)
class Uploads:
    """What is deployed, by its names."""

    bucket: str
    catalogue: str
    """The URL of the queue that gets a line for each picture."""
    alerts: str
    """That of the queue that hears of changed bucket policies."""
    function: str
    archive: str
    rule: str


def deploy(prefix: str, client: Client = boto3.client) -> Uploads:
    """Creates the stack, and waits until it is there."""
    cloudformation = client("cloudformation")
    stack = f"{prefix}-uploads"
    cloudformation.create_stack(StackName=stack, TemplateBody=TEMPLATE.read_text(), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return Uploads(**{output["OutputKey"].lower(): output["OutputValue"] for output in outputs})


def replay(client: Client, uploads: Uploads, name: str, now: datetime) -> None:
    """Has what the last day brought told again, to the rule for pictures alone."""
    bus = uploads.rule.partition(":rule/")[0] + ":event-bus/default"
    client("events").start_replay(
        ReplayName=name,
        EventSourceArn=uploads.archive,
        EventStartTime=now - timedelta(days=1),
        EventEndTime=now,
        Destination={"Arn": bus, "FilterArns": [uploads.rule]},
    )


def take(sqs: Any, url: str) -> list[str]:
    """Receives and deletes all that lies in a queue."""
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += [message["Body"] for message in messages]
    return found


def remove(prefix: str, client: Client = boto3.client) -> None:
    """Empties the bucket and deletes the stack; what is gone already is fine."""
    cloudformation, s3 = client("cloudformation"), client("s3")
    stack = f"{prefix}-uploads"
    with suppress(cloudformation.exceptions.ClientError):
        for resource in cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::S3::Bucket":
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=resource["PhysicalResourceId"]):
                    for item in page.get("Contents", []):
                        s3.delete_object(Bucket=resource["PhysicalResourceId"], Key=item["Key"])
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


if __name__ == "__main__":
    what, given = sys.argv[1:2], (sys.argv[2:3] or ["example"])[0]
    if what == ["up"]:
        deployed = deploy(given)
        print(f"aws s3 cp hills.png s3://{deployed.bucket}")
        print(f"aws sqs receive-message --queue-url {deployed.catalogue} --max-number-of-messages 10")
        print(f"aws logs tail /aws/lambda/{deployed.function}")
    elif what == ["down"]:
        remove(given)
    else:
        sys.exit(__doc__)
