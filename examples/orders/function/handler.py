"""The function: an order is reserved, approved by a person, charged, and closed when nobody can send it back any more.

It may take a month and longer, and is written as if it took a moment. What it has done is kept; while it waits, nothing runs.
"""

import json
import os

import boto3
from aws_durable_execution_sdk_python import durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration, StepConfig
from aws_durable_execution_sdk_python.config import WaitForCallbackConfig as Patience
from aws_durable_execution_sdk_python.exceptions import CallbackError
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy

PATIENCE = Duration.from_days(3)
RETURNS = Duration.from_days(30)
RETRIES = create_retry_strategy(RetryStrategyConfig(max_attempts=5, initial_delay=Duration.from_minutes(10)))
sqs = boto3.client("sqs")
said = []
"""What the bank was asked by this sandbox."""


@durable_step
def reserve(step, order: dict) -> str:
    print(f"reserved {order['item']}")
    return f"R-{order['id']}"


@durable_step
def charge(step, order: dict) -> str:
    """The bank never understands at first."""
    said.append(order["id"])
    if len(said) == 1:
        raise ConnectionError("the bank does not answer")
    print(f"charged {order['price']}")
    return f"C-{order['id']}"


def ask(callback: str, order: dict) -> None:
    """Whoever takes this message has the callback's id, and answers with it."""
    sqs.send_message(QueueUrl=os.environ["APPROVALS"], MessageBody=json.dumps({"callback": callback, "order": order}))


@durable_execution
def handler(order: dict, context) -> dict:
    reservation = context.step(reserve(order))
    try:
        approver = context.wait_for_callback(lambda callback, _: ask(callback, order), "approval", Patience(timeout=PATIENCE))
    except CallbackError as error:
        return {"order": order["id"], "status": "rejected", "why": str(error)}
    receipt = context.step(charge(order), config=StepConfig(retry_strategy=RETRIES))
    context.wait(RETURNS, "returns")
    return {"order": order["id"], "status": "closed", "by": approver, "reservation": reservation, "receipt": receipt}
