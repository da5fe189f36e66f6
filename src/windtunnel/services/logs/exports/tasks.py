"""Export tasks: a group's events of some time as compressed files in a bucket.

The bucket is tried out when a task is made, so that one that can't be written to is refused at once; the task itself runs later.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.exports.state import EXPORTS, Export
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, invalid
from windtunnel.services.logs.state import find_group

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

PREFIX = "exportedlogs"
TEST_KEY, TEST_BODY = "aws-logs-write-test", b"Permission Check Successful"
START_SECONDS = 2
"""How long a task is pending; AWS lets it wait for its turn, most often for seconds."""
OWNED = "bucket-owner-full-control"


async def create_export_task(call: Call, req: t.CreateExportTaskRequest) -> t.CreateExportTaskResponse:
    call.read(_check, req)
    bucket, prefix = req["destination"], req.get("destinationPrefix") or PREFIX
    s3: Any = call.aws.s3
    try:
        await s3.get_bucket_acl({"Bucket": bucket})
    except Fault as fault:
        if fault.code in ("NoSuchBucket", "InvalidBucketName"):
            raise invalid("The given bucket does not exist. Please make sure the bucket is valid.") from fault
        raise _refused("GetBucketAcl") from fault
    try:
        await s3.put_object({"Bucket": bucket, "Key": f"{prefix}/{TEST_KEY}", "Body": TEST_BODY, "ACL": OWNED})
    except Fault as fault:
        raise _refused("PutObject") from fault
    return {"taskId": await call.transact(_create, req, prefix)}


def describe_export_tasks(tx: Tx, req: t.DescribeExportTasksRequest) -> t.DescribeExportTasksResponse:
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    code = req.get("statusCode")
    if "taskId" in req:
        found = tx.find(EXPORTS, "id", req["taskId"])
    elif code is not None:
        found = tx.find(EXPORTS, "code", code, start=start)
    else:
        found = tx.scan(EXPORTS, start=start)
    page, token = pages.page(((key, task) for key, task in found if code in (None, task.code)), req.get("limit", DESCRIBE_LIMIT))
    return {"exportTasks": [_described(task) for _, task in page], **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def cancel_export_task(tx: Tx, req: t.CancelExportTaskRequest) -> None:
    """A pending task is cancelled at once, a running one when it next looks."""
    found = next(tx.find(EXPORTS, "id", req["taskId"]), None)
    if found is None:
        raise Fault("ResourceNotFoundException", "The specified export task does not exist.")
    key, task = found
    if not task.active:
        raise Fault("InvalidOperationException", "The specified export task has already finished")
    if task.code == "PENDING":
        tx.cancel_timer("run_export", task.id)
        task = msgspec.structs.replace(task, code="CANCELLED", completed=int(tx.now * MILLISECONDS))
    else:
        task = msgspec.structs.replace(task, code="PENDING_CANCEL")
    tx.put(EXPORTS, *key, value=task)


def _check(tx: Tx, req: t.CreateExportTaskRequest) -> int:
    """The number of the group; a task that is not to be is refused."""
    group = find_group(tx, req["logGroupName"])
    if req["from"] > req["to"]:
        raise invalid("The start time of an export task must not be after its end time.")
    if next(tx.find(EXPORTS, "active", limit=1), None) is not None:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    return group.id


def _create(tx: Tx, req: t.CreateExportTaskRequest, prefix: str) -> str:
    serial, task_id = tx.serial(), tx.new_id()
    task = Export(
        id=task_id,
        name=req.get("taskName", ""),
        group=req["logGroupName"],
        group_id=_check(tx, req),
        streams=req.get("logStreamNamePrefix", ""),
        begin=req["from"],
        end=req["to"],
        bucket=req["destination"],
        prefix=prefix,
        created=int(tx.now * MILLISECONDS),
    )
    tx.put(EXPORTS, serial, value=task)
    tx.timer(tx.now + START_SECONDS, "run_export", {"serial": serial}, name=task_id)
    return task_id


def _refused(operation: str) -> Fault:
    granted = "Please check if CloudWatch Logs has been granted permission to perform this operation."
    return invalid(f"{operation} call on the given bucket failed. {granted}")


def _described(task: Export) -> dict[str, Any]:
    execution = {"creationTime": task.created}
    if task.completed:
        execution["completionTime"] = task.completed
    described: dict[str, Any] = {
        "taskId": task.id,
        "logGroupName": task.group,
        "from": task.begin,
        "to": task.end,
        "destination": task.bucket,
        "destinationPrefix": task.prefix,
        "status": {"code": task.code, **({"message": task.message} if task.message else {})},
        "executionInfo": execution,
    }
    return {**described, "taskName": task.name} if task.name else described
