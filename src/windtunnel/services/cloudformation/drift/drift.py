"""Drift detection, of a stack or of one resource.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.cloudformation.deploying.endings import OVER
from windtunnel.services.cloudformation.drift.comparing import keep, looked_at, shown
from windtunnel.services.cloudformation.drift.state import DETECTIONS, DRIFTS, Detection, Drifted
from windtunnel.services.cloudformation.paging import start_of
from windtunnel.services.cloudformation.state import ROWS, Row, Stack, bracketed, stack_of

if TYPE_CHECKING:
    from windtunnel.aws.types import cloudformation as t

LISTED_MAX = 100
CHECKED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "IMPORT_COMPLETE")


def detect_stack_drift(tx: Tx, req: t.DetectStackDriftInput) -> t.DetectStackDriftOutput:
    stack = bracketed(tx, req["StackName"])
    if stack.status not in CHECKED:
        why = f"Drift detection cannot be performed on stack [{stack.id}] while it is in {stack.status} status."
        raise Fault("ValidationError", why)
    id = tx.new_id()
    tx.put(DETECTIONS, id, value=Detection(stack.id, tx.now))
    tx.timer(tx.now, "detect", {"id": id, "logical": list(req.get("LogicalResourceIds", []))})
    return {"StackDriftDetectionId": id}


def describe_stack_drift_detection_status(
    tx: Tx, req: t.DescribeStackDriftDetectionStatusInput
) -> t.DescribeStackDriftDetectionStatusOutput:
    id = req["StackDriftDetectionId"]
    detection = tx.get(DETECTIONS, id)
    if detection is None:
        raise Fault("ValidationError", f"Drift detection id {id} does not exist")
    told: dict[str, Any] = {
        "StackId": detection.stack,
        "StackDriftDetectionId": id,
        "DetectionStatus": detection.status,
        "Timestamp": detection.began,
        "StackDriftStatus": detection.drift,
    }
    if detection.status == "DETECTION_COMPLETE":
        told["DriftedStackResourceCount"] = detection.drifted
    if detection.reason:
        told["DetectionStatusReason"] = detection.reason
    return told  # pyright: ignore[reportReturnType]


async def detect_stack_resource_drift(call: Call, req: t.DetectStackResourceDriftInput) -> dict[str, Any]:
    stack, row = call.read(_resource, req["StackName"], req["LogicalResourceId"])
    drifted = await looked_at(call, stack, req["LogicalResourceId"], row)
    await call.transact(keep, stack, req["LogicalResourceId"], drifted)
    return {"StackResourceDrift": shown(stack, req["LogicalResourceId"], row, drifted)}


def _resource(tx: Tx, name: str, logical: str) -> tuple[Stack, Row]:
    stack = stack_of(tx, name)
    row = tx.get(ROWS, stack.uuid, logical)
    if row is None or row.status in OVER:
        raise Fault("ValidationError", f"Resource {logical} does not exist for stack {name}")
    return stack, row


def describe_stack_resource_drifts(tx: Tx, req: t.DescribeStackResourceDriftsInput) -> t.DescribeStackResourceDriftsOutput:
    stack, filters = stack_of(tx, req["StackName"]), req.get("StackResourceDriftStatusFilters", [])
    start = start_of(req, 1)
    found = ((key, each) for key, each in _drifts(tx, stack, start) if not filters or each[2].status in filters)
    listed, token = pages.page(found, int(req.get("MaxResults", LISTED_MAX)))
    result: dict[str, Any] = {"StackResourceDrifts": [shown(stack, *each) for _, each in listed]}
    return {**result, "NextToken": token} if token else result  # pyright: ignore[reportReturnType]


def _drifts(tx: Tx, stack: Stack, start: Any) -> Any:
    for key, drifted in tx.scan(DRIFTS, stack.uuid, start=start):
        row = tx.get(ROWS, *key)
        if row is not None and row.status not in OVER and drifted.status != "NOT_CHECKED":
            each: tuple[str, Row, Drifted] = (str(key[1]), row, drifted)
            yield key, each
