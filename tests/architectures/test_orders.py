"""The example of orders: AWS's own SDK for durable functions, unchanged, in a function that takes a month and longer."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from windtunnel import LocalRegion

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples/orders"))
orders = importlib.import_module("orders")

FUNCTION = """
from aws_durable_execution_sdk_python import durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def looked(step, name):
    return name.upper()


def days(number):
    def branch(context):
        context.wait(Duration.from_days(number))
        return context.step(looked(f"day {number}"))
    return branch


def measured(context, item, index, items):
    context.wait(Duration.from_hours(1))
    return context.step(looked(item))


@durable_execution
def handler(event, context):
    if event == "inner":
        return context.map(["a", "b"], measured).get_results()
    both = context.parallel([days(1), days(2)]).get_results()
    mapped = context.invoke(context.lambda_context.invoked_function_arn, "inner")
    return [*both, mapped, len(context.run_in_child_context(lambda _: "x" * 300_000))]
"""


@pytest.fixture
def shop(region: LocalRegion) -> Any:
    return orders.deploy("shop", region.client, bring_sdk=False)


def test_an_order_is_approved_charged_and_closed_after_thirty_days(region: LocalRegion, shop: Any) -> None:
    functions = region.client("lambda")
    arn = orders.order(region.client, shop, "order-1", "kite", "12")
    assert orders.order(region.client, shop, "order-1", "kite", "12") == arn
    region.rest()
    (asked,) = orders.asked(region.client, shop)
    assert asked["order"]["item"] == "kite"
    region.jump("2d")
    orders.approve(region.client, asked, "Ada")
    region.rest()
    region.jump("1h")
    assert functions.get_durable_execution(DurableExecutionArn=arn)["Status"] == "RUNNING"
    region.jump("30d")
    shown = functions.get_durable_execution(DurableExecutionArn=arn)
    assert json.loads(shown["Result"]) == {
        "order": "order-1",
        "status": "closed",
        "by": "Ada",
        "reservation": "R-order-1",
        "receipt": "C-order-1",
    }
    history = [line.split(maxsplit=3)[3] for line in orders.told(region.client, arn)]
    assert [line for line in history if line != "InvocationCompleted"] == [
        *("ExecutionStarted order-1", "StepStarted reserve", "StepSucceeded reserve"),
        *("ContextStarted approval", "CallbackStarted approval create callback id", "StepStarted approval submitter"),
        *("StepSucceeded approval submitter", "CallbackSucceeded approval create callback id", "ContextSucceeded approval"),
        *("StepStarted charge", "StepFailed charge", "StepStarted charge", "StepSucceeded charge"),
        *("WaitStarted returns", "WaitSucceeded returns", "ExecutionSucceeded order-1"),
    ]
    orders.remove("shop", region.client)
    assert functions.list_functions()["Functions"] == []


def test_an_order_that_nobody_approves_is_rejected(region: LocalRegion, shop: Any) -> None:
    functions = region.client("lambda")
    silent, no = (orders.order(region.client, shop, id, "kite", "12") for id in ("order-1", "order-2"))
    region.rest()
    (asked,) = (each for each in orders.asked(region.client, shop) if each["order"]["id"] == "order-2")
    orders.reject(region.client, asked, "too expensive")
    region.jump("3d")
    results = [json.loads(functions.get_durable_execution(DurableExecutionArn=arn)["Result"]) for arn in (silent, no)]
    assert [result["status"] for result in results] == ["rejected", "rejected"]
    assert [result["why"] for result in results] == ["Callback timed out", "too expensive"]
    orders.remove("shop", region.client)


def test_branches_maps_and_other_functions_are_waited_for(region: LocalRegion) -> None:
    functions = region.client("lambda")
    role = "arn:aws:iam::000000000000:role/runs"
    code = orders.zipped({"app.py": FUNCTION.encode()})
    functions.create_function(
        FunctionName="f", Runtime=orders.RUNTIME, Role=role, Handler="app.handler", Code={"ZipFile": code}, Timeout=30,
        DurableConfig={"ExecutionTimeout": 30 * orders.DAY_SECONDS},
    )  # fmt: skip
    arn = functions.invoke(FunctionName="f:$LATEST", InvocationType="Event", Payload=b'"outer"')["DurableExecutionArn"]
    region.rest()
    region.jump("3d")
    shown = functions.get_durable_execution(DurableExecutionArn=arn)
    assert json.loads(shown["Result"]) == ["DAY 1", "DAY 2", ["A", "B"], 300_000]
