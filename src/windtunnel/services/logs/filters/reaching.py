"""Whether a subscription's destination can be reached: AWS tries it out when the subscription is made.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import gzip
from typing import Any

import orjson

from windtunnel.aws.arn import Arn, parse, parse_or_none
from windtunnel.aws.policy import Context, Policies, Principal, compile_policy, evaluate
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.filters.state import DESTINATIONS
from windtunnel.services.logs.rules import MILLISECONDS, invalid
from windtunnel.services.logs.state import arn_within

VENDORS = ("lambda", "kinesis", "firehose", "logs")
CROSS_ACCOUNT = (
    "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers."
)
GRANTED = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."
SUBSCRIBE = "logs:PutSubscriptionFilter"


def check_form(account: str, destination: str, role: str) -> None:
    """Refuses what can't be a destination; AWS looks at it before it looks for the group."""
    arn = parse_or_none(destination)
    if arn is None or arn.service not in VENDORS:
        raise invalid("Invalid destinationArn, expected a Lambda function, a Kinesis stream, a Firehose stream or a destination.")
    if arn.service == "lambda":
        if arn.account != account:
            raise Fault("AccessDeniedException", CROSS_ACCOUNT)
    elif arn.service != "logs" and not role:
        raise invalid(f"destinationArn for vendor {arn.service} cannot be used without roleArn")


async def try_destination(call: Call, destination: str, source: str) -> None:
    """Tries a destination out for a resource of logs: a function without running it, a stream with a message of its own kind."""
    arn = parse(destination)
    if arn.service == "logs":
        call.read(_check_policy, arn)
        return
    aws: Any = call.aws_for(call.read(lambda tx: arn_within(tx, *source.split(":", 1))))
    try:
        if arn.service == "lambda":
            await aws.lambda_.invoke({"FunctionName": destination, "InvocationType": "DryRun"})
        elif arn.service == "kinesis":
            await aws.kinesis.put_record({"StreamARN": destination, "Data": health(call.now(), "Kinesis"), "PartitionKey": call.ids.uuid()})
        else:
            record = {"Data": health(call.now(), "Firehose")}
            await aws.firehose.put_record({"DeliveryStreamName": arn.id.rpartition("/")[2], "Record": record})
    except Fault as fault:
        if fault.code == "NotImplemented":
            raise
        raise invalid(GRANTED if arn.service == "lambda" else _unreachable(arn)) from fault


def health(now: float, kind: str) -> bytes:
    """The message by which consumers see that somebody only looks whether they are there."""
    event = {
        "id": "",
        "timestamp": int(now * MILLISECONDS),
        "message": f"CWL CONTROL MESSAGE: Checking health of destination {kind} stream.",
    }
    document = {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [event],
    }
    return gzip.compress(orjson.dumps(document), mtime=0)


def _unreachable(arn: Arn) -> str:
    shown, again = ("Kinesis", "kinesis") if arn.service == "kinesis" else ("Firehose", "Firehose")
    return f"Could not deliver test message to specified {shown} stream. Check if the given {again} stream is in ACTIVE state."


def _check_policy(tx: Tx, arn: Arn) -> None:
    """Refuses who may not subscribe to a destination; its own account needs its policy as well."""
    destination = tx.at(account=arn.account, region=arn.region).get(DESTINATIONS, arn.id)
    if destination is None:
        raise Fault("ResourceNotFoundException", "The specified destination does not exist.")
    principal = Principal("root", tx.account, f"arn:{arn.partition}:iam::{tx.account}:root")
    policies = Policies(resource=(compile_policy(destination.policy),) if destination.policy else (), resource_must_allow=True)
    if evaluate(policies, Context(principal, SUBSCRIBE, str(arn), arn.account)) != "allow":
        raise Fault(
            "AccessDeniedException",
            f"User with accountId: {tx.account} is not authorized to perform PutSubscriptionFilter on resource: {arn}",
        )
