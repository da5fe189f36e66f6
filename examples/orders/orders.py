"""Orders that take a month: deploys a durable function with boto3, to AWS, or to a region on this machine when AWS_ENDPOINT_URL names one.

    python orders.py up [PREFIX]      python orders.py down [PREFIX]

An order is reserved and waits for somebody's approval, then it is charged, waits for thirty days, and is closed.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

FUNCTION = Path(__file__).parent / "function"
RUNTIME = f"python3.{min(max(sys.version_info.minor, 11), 14)}"
"""The version of this Python here; AWS has durable functions from Python 3.13 on."""
SDK = "aws-durable-execution-sdk-python"
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicDurableExecutionRolePolicy"
DAY_SECONDS = 86_400
ROLE_ATTEMPTS_MAX = 10

Client = Callable[..., Any]
"""Makes the client of a service: `boto3.client`, or another that knows where the region is."""


@dataclass(frozen=True)
class Shop:
    """What is deployed, by its names."""

    function: str
    """With the version that new orders run."""
    approvals: str
    """The URL of the queue that asks for approvals."""


def deploy(prefix: str, client: Client = boto3.client, *, bring_sdk: bool = True) -> Shop:
    """Builds everything, and waits until it is there."""
    sqs, iam = client("sqs"), client("iam")
    approvals = sqs.create_queue(QueueName=f"{prefix}-approvals")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=approvals, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = f"{prefix}-orders"
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role_arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    may_ask = policy({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn})
    iam.put_role_policy(RoleName=name, PolicyName="ask", PolicyDocument=may_ask)
    version = create_function(client("lambda"), name, role_arn, approvals, package(bring_sdk=bring_sdk))
    return Shop(f"{name}:{version}", approvals)


def create_function(functions: Any, name: str, role_arn: str, approvals: str, code: bytes) -> str:
    """The function, once it is ready to run; the number of its version, with which an order stays as long as it takes."""
    for attempt in range(ROLE_ATTEMPTS_MAX):
        try:
            functions.create_function(
                FunctionName=name,
                Runtime=RUNTIME,
                Role=role_arn,
                Handler="handler.handler",
                Code={"ZipFile": code},
                Timeout=30,
                Environment={"Variables": {"APPROVALS": approvals}},
                DurableConfig={"ExecutionTimeout": 60 * DAY_SECONDS, "RetentionPeriodInDays": 30},
            )
            break
        except functions.exceptions.InvalidParameterValueException:
            # On AWS it takes some seconds until Lambda may assume a new role.
            if attempt + 1 == ROLE_ATTEMPTS_MAX:
                raise
            time.sleep(2)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    version: str = functions.publish_version(FunctionName=name)["Version"]
    return version


def package(*, bring_sdk: bool) -> bytes:
    """The function's zip: its source and, for AWS, the durable execution SDK, which brings its boto3 along.

    A region on this machine lends functions the packages of the Python it runs with, so that nothing needs downloading there.
    """
    with tempfile.TemporaryDirectory() as folder:
        if bring_sdk:
            subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, SDK], check=True)
        found = {
            str(path.relative_to(root)): path for root in (FUNCTION, Path(folder)) for path in sorted(root.rglob("*")) if path.is_file()
        }
        return zipped({name: path.read_bytes() for name, path in found.items() if "__pycache__" not in path.parts})


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def order(client: Client, shop: Shop, id: str, item: str, price: str) -> str:
    """Places an order, once: the same again is the same order. The ARN of its execution."""
    payload = json.dumps({"id": id, "item": item, "price": price})
    request = {"FunctionName": shop.function, "InvocationType": "Event", "DurableExecutionName": id, "Payload": payload}
    arn: str = client("lambda").invoke(**request)["DurableExecutionArn"]
    return arn


def asked(client: Client, shop: Shop) -> list[dict[str, Any]]:
    """The orders that somebody is to approve, taken out of the queue."""
    sqs = client("sqs")
    messages = sqs.receive_message(QueueUrl=shop.approvals, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=shop.approvals, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def approve(client: Client, asked: dict[str, Any], by: str) -> None:
    client("lambda").send_durable_execution_callback_success(CallbackId=asked["callback"], Result=by.encode())


def reject(client: Client, asked: dict[str, Any], why: str) -> None:
    client("lambda").send_durable_execution_callback_failure(
        CallbackId=asked["callback"], Error={"ErrorType": "Rejected", "ErrorMessage": why}
    )


def told(client: Client, arn: str) -> list[str]:
    """An order's history, a line for each event."""
    pages = client("lambda").get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn)
    events = [event for page in pages for event in page["Events"]]
    return [f"{event['EventTimestamp']:%d %B %H:%M} {event['EventType']} {event.get('Name', '')}".rstrip() for event in events]


def remove(prefix: str, client: Client = boto3.client) -> None:
    """Takes everything down that `deploy` built with this prefix. What is gone already is fine."""
    sqs, iam, functions, logs = (client(name) for name in ("sqs", "iam", "lambda", "logs"))
    name = f"{prefix}-orders"
    gone = (
        sqs.exceptions.QueueDoesNotExist, iam.exceptions.NoSuchEntityException,
        functions.exceptions.ResourceNotFoundException, logs.exceptions.ResourceNotFoundException,
    )  # fmt: skip
    for step in (
        lambda: stop(functions, name),
        lambda: functions.delete_function(FunctionName=name),
        lambda: logs.delete_log_group(logGroupName=f"/aws/lambda/{name}"),
        lambda: sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=f"{prefix}-approvals")["QueueUrl"]),
        lambda: iam.detach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION),
        lambda: iam.delete_role_policy(RoleName=name, PolicyName="ask"),
        lambda: iam.delete_role(RoleName=name),
    ):
        with suppress(*gone):
            step()


def stop(functions: Any, name: str) -> None:
    """Stops what still runs."""
    pages = functions.get_paginator("list_durable_executions_by_function").paginate(FunctionName=name, Statuses=["RUNNING"])
    for execution in [execution for page in pages for execution in page["DurableExecutions"]]:
        functions.stop_durable_execution(DurableExecutionArn=execution["DurableExecutionArn"])


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


if __name__ == "__main__":
    what, given = sys.argv[1:2], (sys.argv[2:3] or ["example"])[0]
    if what == ["up"]:
        deployed = deploy(given, bring_sdk="AWS_ENDPOINT_URL" not in os.environ)
        raw = "--cli-binary-format raw-in-base64-out"
        kite = json.dumps({"id": "order-1", "item": "kite", "price": "12"})
        started = f"--function-name {deployed.function} --invocation-type Event --durable-execution-name order-1"
        print(f"aws lambda invoke {started} --payload '{kite}' {raw} out")
        print(f"aws sqs receive-message --queue-url {deployed.approvals}")
        print(f"aws lambda send-durable-execution-callback-success --callback-id … --result you {raw}")
        print("aws lambda get-durable-execution-history --durable-execution-arn …")
    elif what == ["down"]:
        remove(given)
    else:
        sys.exit(__doc__)
