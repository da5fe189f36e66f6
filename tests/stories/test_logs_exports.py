"""Stories of export tasks: events of a time become files in a bucket, one task at a time, under the clock."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal
from tests.stories.s3_kit import content

NOW = int(BEGIN * 1000)
REQUEST = {"logGroupName": "g", "from": NOW - 60_000, "to": NOW + 60_000, "destination": "archive"}


@pytest.fixture
def logs(here: Here) -> Any:
    here.s3.create_bucket(Bucket="archive")
    here.logs.create_log_group(logGroupName="g")
    for stream in ("app/one", "two"):
        here.logs.create_log_stream(logGroupName="g", logStreamName=stream)
        events = [{"timestamp": NOW + number, "message": f"{stream} {number}"} for number in (0, 1, 61_000)]
        here.logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=events)
    return here.logs


def files(here: Here) -> dict[str, bytes]:
    keys = [entry["Key"] for entry in here.s3.list_objects_v2(Bucket="archive").get("Contents", [])]
    return {key: content(here.s3.get_object(Bucket="archive", Key=key)) for key in keys}


def test_a_task_writes_a_file_a_stream_and_tells_how_far_it_is(here: Here, logs: Any) -> None:
    task = logs.create_export_task(taskName="mine", destinationPrefix="p", **REQUEST)["taskId"]
    described = {
        "taskId": task,
        "taskName": "mine",
        "logGroupName": "g",
        "from": NOW - 60_000,
        "to": NOW + 60_000,
        "destination": "archive",
        "destinationPrefix": "p",
        "status": {"code": "PENDING"},
        "executionInfo": {"creationTime": NOW},
    }
    assert logs.describe_export_tasks() == {"exportTasks": [described]}
    assert files(here) == {"p/aws-logs-write-test": b"Permission Check Successful"}
    here.jump(10)
    described["status"] = {"code": "COMPLETED", "message": "Completed successfully"}
    described["executionInfo"] = {"creationTime": NOW, "completionTime": NOW + 2000}
    assert logs.describe_export_tasks(taskId=task) == {"exportTasks": [described]}
    written = files(here)
    del written["p/aws-logs-write-test"]
    assert {key: gzip.decompress(whole).decode() for key, whole in written.items()} == {
        f"p/{task}/app-one/000000.gz": "2026-01-01T00:00:00.000Z app/one 0\n2026-01-01T00:00:00.001Z app/one 1\n",
        f"p/{task}/two/000000.gz": "2026-01-01T00:00:00.000Z two 0\n2026-01-01T00:00:00.001Z two 1\n",
    }


def test_streams_are_chosen_by_the_beginning_of_their_names(here: Here, logs: Any) -> None:
    task = logs.create_export_task(logStreamNamePrefix="tw", **REQUEST)["taskId"]
    here.jump(10)
    assert list(files(here)) == ["exportedlogs/aws-logs-write-test", f"exportedlogs/{task}/two/000000.gz"]


def test_one_task_at_a_time_and_a_pending_one_can_be_cancelled(here: Here, logs: Any) -> None:
    first = logs.create_export_task(**REQUEST)["taskId"]
    assert refusal(logs.create_export_task, **REQUEST) == ("LimitExceededException", "Resource limit exceeded.")
    logs.cancel_export_task(taskId=first)
    second = logs.create_export_task(**REQUEST)["taskId"]
    here.jump(10)

    def ids(**request: Any) -> list[str]:
        return [task["taskId"] for task in logs.describe_export_tasks(**request)["exportTasks"]]

    assert (ids(statusCode="CANCELLED"), ids(statusCode="COMPLETED"), ids(statusCode="RUNNING")) == ([first], [second], [])
    page = logs.describe_export_tasks(limit=1)
    assert [task["taskId"] for task in page["exportTasks"]] + ids(nextToken=page["nextToken"]) == [first, second]
    assert refusal(logs.cancel_export_task, taskId=second) == (
        "InvalidOperationException",
        "The specified export task has already finished",
    )


def test_a_task_whose_bucket_went_away_fails(here: Here, logs: Any) -> None:
    task = logs.create_export_task(**REQUEST)["taskId"]
    here.s3.delete_object(Bucket="archive", Key="exportedlogs/aws-logs-write-test")
    here.s3.delete_bucket(Bucket="archive")
    here.jump(10)
    status = logs.describe_export_tasks(taskId=task)["exportTasks"][0]["status"]
    assert status == {"code": "FAILED", "message": "The specified bucket does not exist"}


def test_a_running_task_is_cancelled_when_it_looks_next(here: Here, logs: Any) -> None:
    task = logs.create_export_task(**REQUEST)["taskId"]
    codes: list[str] = []

    async def code() -> str:
        return (await here.cloud.run("logs", "describe_export_tasks", {"taskId": task}, here.scope))["exportTasks"][0]["status"]["code"]

    async def cancel_while_it_runs() -> None:
        jump = asyncio.ensure_future(here.cloud.jump(here.now + 10))
        for _ in range(10_000):
            await asyncio.sleep(0)
            if await code() != "PENDING":
                break
        codes.append(await code())
        await here.cloud.run("logs", "cancel_export_task", {"taskId": task}, here.scope)
        codes.append(await code())
        await jump
        codes.append(await code())

    here.run(cancel_while_it_runs())
    assert codes == ["RUNNING", "PENDING_CANCEL", "CANCELLED"]


def test_a_task_goes_on_after_a_crash(here: Here, logs: Any) -> None:
    task = logs.create_export_task(**REQUEST)["taskId"]
    here.kill()
    here.jump(10)
    assert logs.describe_export_tasks(taskId=task)["exportTasks"][0]["status"]["code"] == "COMPLETED"


def test_what_can_not_be_exported_is_refused(here: Here, logs: Any) -> None:
    assert refusal(logs.create_export_task, **{**REQUEST, "destination": "nowhere"}) == (
        "InvalidParameterException",
        "The given bucket does not exist. Please make sure the bucket is valid.",
    )
    assert refusal(logs.create_export_task, destinationPrefix="p" * 1024, **REQUEST) == (
        "InvalidParameterException",
        "PutObject call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation.",
    )
    assert refusal(logs.create_export_task, **{**REQUEST, "logGroupName": "none"}) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    assert refusal(logs.create_export_task, **{**REQUEST, "to": 1})[0] == "InvalidParameterException"
    assert refusal(logs.cancel_export_task, taskId="none") == ("ResourceNotFoundException", "The specified export task does not exist.")
    assert refusal(logs.describe_export_tasks, nextToken="none")[0] == "InvalidParameterException"
    assert logs.describe_export_tasks(taskId="none") == {"exportTasks": []}
