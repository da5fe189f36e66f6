"""What Scheduler refuses: each case its request, its code and its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.refusals import Case, refusal, untold
from tests.stories.test_scheduler_schedules import DAY, PREFIX, ROLE

INVALID, MISSING, CONFLICT = "ValidationException", "ResourceNotFoundException", "ConflictException"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
SCHEDULE: dict[str, Any] = {
    "Name": "s",
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": QUEUE, "RoleArn": ROLE},
}
SDK = "arn:aws:scheduler:::aws-sdk:"
NAMED = ("get_schedule", "delete_schedule", "get_schedule_group", "create_schedule_group")
CHANGES = ("update_schedule", "delete_schedule", "delete_schedule_group", "tag_resource", "untag_resource")
NO_GROUP = "Schedule group none does not exist."
NO_SCHEDULE = "Schedule none does not exist."
LONG = "x" * 65
LIMIT = "Member must have length less than or equal to 64"
TOO_LONG = f"1 validation error detected: Value '{LONG}' at 'name' failed to satisfy constraint: {LIMIT}"
UNTAGGABLE = (
    f"1 validation error detected: Value '{PREFIX}schedule/default/s' at 'resourceArn' failed to satisfy constraint: Member must satisfy "
    r"regular expression pattern: arn:aws[a-z-]*:scheduler:[a-z0-9\-]+:\d{12}:schedule-group\/[0-9a-zA-Z-_.]+"
)


def _target(said: str, **members: Any) -> Case:
    return "create_schedule", {**SCHEDULE, "Name": "x", "Target": {**SCHEDULE["Target"], **members}}, INVALID, said


def _schedule(said: str, **members: Any) -> Case:
    return "create_schedule", {**SCHEDULE, "Name": "x", **members}, INVALID, said


CASES: list[Case] = [
    *[
        _schedule(f"Invalid Schedule Expression {text}.", ScheduleExpression=text)
        for text in ("rate(10 seconds)", "cron(0 1 * * * *)", "at(2021-12-31)", "rate()", " rate(1 day)", "at(2021-02-31T00:00:00)")
    ],
    _schedule("The provided value for ScheduleExpressionTimezone is not valid.", ScheduleExpressionTimezone="Mars/North"),
    _schedule("The StartDate you specify must come before the EndDate.", StartDate=DAY, EndDate=DAY),
    _schedule(
        "A MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.", FlexibleTimeWindow={"Mode": "FLEXIBLE"}
    ),
    _schedule(
        "MaximumWindowInMinutes cannot be provided when FlexibleTimeWindow Mode is OFF.",
        FlexibleTimeWindow={"Mode": "OFF", "MaximumWindowInMinutes": 5},
    ),
    _target("Provided Arn is not in correct format: none.", Arn="none"),
    _target(f"Provided Arn is not a supported target: arn:aws:rds:us-east-1:{ACCOUNT}:db:d.", Arn=f"arn:aws:rds:us-east-1:{ACCOUNT}:db:d"),
    *[
        _target(
            f"Provided Arn is not a supported API action: arn:aws:scheduler:::aws-sdk:{name}.", Arn=f"arn:aws:scheduler:::aws-sdk:{name}"
        )
        for name in ("sqs:receiveMessage", "sqs:fly", "none:send", "dynamodb:getItem")
    ],
    _target("Invalid RequestJson provided.", Arn="arn:aws:scheduler:::aws-sdk:sqs:sendMessage", Input="{"),
    _target("Invalid Input provided, it must be well-formed JSON.", Arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f", Input="text"),
    _target("MessageGroupId must be provided for FIFO queue targets.", Arn=f"{QUEUE}.fifo"),
    _target(
        f"KinesisParameters must be provided for target arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/k.",
        Arn=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/k",
    ),
    ("create_schedule", SCHEDULE, CONFLICT, "Schedule s already exists."),
    ("create_schedule", {**SCHEDULE, "GroupName": "none"}, MISSING, NO_GROUP),
    ("update_schedule", {**SCHEDULE, "Name": "none"}, MISSING, NO_SCHEDULE),
    ("update_schedule", {**SCHEDULE, "GroupName": "none"}, MISSING, NO_GROUP),
    ("update_schedule", {**SCHEDULE, "ScheduleExpression": "rate(x)"}, INVALID, "Invalid Schedule Expression rate(x)."),
    ("get_schedule", {"Name": "none"}, MISSING, NO_SCHEDULE),
    ("delete_schedule", {"Name": "none"}, MISSING, NO_SCHEDULE),
    ("list_schedules", {"GroupName": "none"}, MISSING, NO_GROUP),
    ("list_schedules", {"NextToken": "none"}, INVALID, "Invalid NextToken."),
    ("list_schedule_groups", {"NextToken": "none"}, INVALID, "Invalid NextToken."),
    ("create_schedule_group", {"Name": "g"}, CONFLICT, "Schedule group g already exists."),
    ("create_schedule_group", {"Name": "default"}, CONFLICT, "Schedule group default already exists."),
    ("get_schedule_group", {"Name": "none"}, MISSING, NO_GROUP),
    ("delete_schedule_group", {"Name": "none"}, MISSING, NO_GROUP),
    ("delete_schedule_group", {"Name": "default"}, INVALID, "The default schedule group cannot be deleted."),
    *[(operation, {"Name": LONG}, INVALID, TOO_LONG) for operation in NAMED],
    ("tag_resource", {"ResourceArn": f"{PREFIX}schedule-group/none", "Tags": []}, MISSING, NO_GROUP),
    ("tag_resource", {"ResourceArn": f"{PREFIX}schedule/default/s", "Tags": []}, INVALID, UNTAGGABLE),
    ("untag_resource", {"ResourceArn": f"{PREFIX}schedule-group/none", "TagKeys": ["a"]}, MISSING, NO_GROUP),
    ("untag_resource", {"ResourceArn": f"{PREFIX}schedule/default/s", "TagKeys": ["a"]}, INVALID, UNTAGGABLE),
    ("list_tags_for_resource", {"ResourceArn": f"{PREFIX}schedule-group/none"}, MISSING, NO_GROUP),
    ("list_tags_for_resource", {"ResourceArn": f"{PREFIX}schedule/default/s"}, INVALID, UNTAGGABLE),
    (
        "tag_resource",
        {"ResourceArn": f"{PREFIX}schedule-group/g", "Tags": [{"Key": str(n), "Value": "v"} for n in range(51)]},
        "ServiceQuotaExceededException",
        "A resource can have at most 50 tags.",
    ),
]
NEVER = (
    *("InternalServerException", "ThrottlingException", "ServiceQuotaExceededException"),
    *(f"{operation} ConflictException" for operation in CHANGES),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A region that refuses all of this: one for all cases."""
    here = Here(tmp_path_factory.mktemp("refusals"))
    here.scheduler.create_schedule_group(Name="g")
    here.scheduler.create_schedule(**{**SCHEDULE, "State": "DISABLED"})
    yield here
    assert len(here.scheduler.list_schedules()["Schedules"]) == 1
    here.close()


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES)
def test_what_scheduler_refuses_is_refused_with_its_reason(
    world: Here, operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert refusal(getattr(world.scheduler, operation), **request_) == (code, said)


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("scheduler", CASES, {}, NEVER) == []
