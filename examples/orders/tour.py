"""An order waits for somebody's approval and then for thirty days, in a durable function whose month is over in a second."""

import json
from typing import Any

import orders

NEEDS = {"aws_durable_execution_sdk_python": "aws-durable-execution-sdk-python"}


def tell(stage: Any) -> None:
    """Deploys the function, places an order, approves it, and lets a month pass."""
    stage.begin()
    shop = orders.deploy(stage.prefix, stage.client, bring_sdk=False)
    stage.step("Built a durable function with its role, and a queue for approvals")
    arn = orders.order(stage.client, shop, "order-1", "kite", "12")
    (asked,) = stage.until(lambda: orders.asked(stage.client, shop) or None, "The question whether the order is approved")
    stage.step(
        f"Ordered a {asked['order']['item']}: it is reserved, somebody is asked, and nothing runs any more",
        f"windtunnel aws lambda get-durable-execution --durable-execution-arn '{arn}'",
    )
    orders.approve(stage.client, asked, "Ada")
    stage.until(lambda: _happened(stage, arn, "StepFailed"), "The first attempt to charge")
    stage.step("Ada approved it; the bank did not answer, so the step is tried again in some minutes")
    stage.jump("1h")
    stage.until(lambda: _happened(stage, arn, "WaitStarted"), "The second attempt to charge")
    stage.step("An hour later it is charged, and waits for thirty days", "windtunnel clock jump 1h")
    stage.jump("30d")
    result = stage.until(lambda: _result(stage, arn), "The end of the order")
    stage.step(
        f"A month later it is {result['status']}, approved by {result['by']}",
        "windtunnel clock jump 30d",
        f"windtunnel aws lambda get-durable-execution-history --durable-execution-arn '{arn}'",
    )


def remove(stage: Any) -> None:
    """Takes everything down."""
    orders.remove(stage.prefix, stage.client)


def _happened(stage: Any, arn: str, what: str) -> bool | None:
    return any(f" {what} " in f"{line} " for line in orders.told(stage.client, arn)) or None


def _result(stage: Any, arn: str) -> Any:
    shown = stage.client("lambda").get_durable_execution(DurableExecutionArn=arn)
    return json.loads(shown["Result"]) if shown["Status"] == "SUCCEEDED" else None
