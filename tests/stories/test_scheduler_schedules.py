"""Schedules: when they run, what they call, and what becomes of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.stories.events_kit import attributes, bodies, letters, queue, rule, unavailable
from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.refusals import refusal

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
PREFIX = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:"
DAY = 86_400
HOUR = 3_600
OFF = {"Mode": "OFF"}


def _create(here: Here, expression: str, arn: str, name: str = "s", target: dict[str, Any] | None = None, **given: Any) -> str:
    whole = {"Arn": arn, "RoleArn": ROLE, "Input": '"<aws.scheduler.scheduled-time>"', **(target or {})}
    request = {"FlexibleTimeWindow": OFF, **given}
    return here.scheduler.create_schedule(Name=name, ScheduleExpression=expression, Target=whole, **request)["ScheduleArn"]


def _hours(here: Here) -> list[float]:
    """When the queue's messages were scheduled, in hours from the beginning."""
    return [round((_moment(text) - BEGIN) / HOUR, 2) for text in bodies(here)]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("expression", "given", "hours"),
    [
        ("rate(6 hours)", {}, [0, 6, 12, 18, 24]),
        ("rate(6 hours)", {"StartDate": BEGIN + HOUR, "EndDate": BEGIN + 13 * HOUR}, [1, 7]),
        ("cron(0 12 * * ? *)", {}, [12]),
        ("cron(0 12 * * ? *)", {"ScheduleExpressionTimezone": "America/New_York"}, [17]),
        ("cron(0 0/6 * * ? *)", {"StartDate": BEGIN + 7 * HOUR, "EndDate": BEGIN + 18 * HOUR}, [12]),
        ("at(2026-01-01T10:30:00)", {}, [10.5]),
        ("at(2026-01-01T10:30:00)", {"ScheduleExpressionTimezone": "Europe/Berlin"}, [9.5]),
        ("at(2025-12-31T10:30:00)", {}, []),
        ("rate(1 hour)", {"State": "DISABLED"}, []),
    ],
)
def test_a_schedule_runs_when_its_expression_says(here: Here, expression: str, given: dict[str, Any], hours: list[float]) -> None:
    _create(here, expression, queue(here), **given)
    here.jump(DAY)
    assert _hours(here) == hours


def test_daylight_saving_time_moves_a_schedule(here: Here) -> None:
    here.jump(86 * DAY)  # the 28th of March
    _create(here, "cron(0 12 * * ? *)", queue(here), ScheduleExpressionTimezone="Europe/Berlin")
    here.jump(2 * DAY)
    assert bodies(here) == ["2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z"]


def test_a_flexible_window_delays_each_run_a_little(here: Here) -> None:
    q = queue(here)
    _create(here, "rate(1 hour)", q, FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15})
    here.jump(DAY)
    request = {"QueueUrl": f"http://localhost:4566/{ACCOUNT}/q", "MaxNumberOfMessages": 10, "AttributeNames": ["SentTimestamp"]}
    delays: set[float] = set()
    while taken := here.sqs.receive_message(**request).get("Messages"):
        for message in taken:
            delays.add(int(message["Attributes"]["SentTimestamp"]) / 1000 - _moment(json.loads(message["Body"])))
            here.sqs.delete_message(QueueUrl=request["QueueUrl"], ReceiptHandle=message["ReceiptHandle"])
    assert (len(delays) > 10, min(delays) >= 0, max(delays) < 900) == (True, True, True)


def test_a_schedule_runs_through_a_jump_over_a_month_and_a_restart(here: Here) -> None:
    here.sqs.create_queue(QueueName="q", Attributes={"MessageRetentionPeriod": str(14 * DAY)})
    _create(here, "cron(0 9 ? * MON-FRI *)", f"arn:aws:sqs:{REGION}:{ACCOUNT}:q")
    here.jump(5 * DAY)
    here.restart()
    here.jump(8 * DAY)
    assert [text[8:10] for text in bodies(here)] == ["01", "02", "05", "06", "07", "08", "09", "12", "13"]


@pytest.mark.parametrize(("action", "left"), [("DELETE", []), ("NONE", ["s"])])
def test_a_schedule_that_is_over_stays_or_goes(here: Here, action: str, left: list[str]) -> None:
    _create(here, "rate(1 hour)", queue(here), EndDate=BEGIN + 2.5 * HOUR, ActionAfterCompletion=action)
    here.jump(HOUR)
    assert len(here.scheduler.list_schedules()["Schedules"]) == 1
    here.jump(DAY)
    assert ([one["Name"] for one in here.scheduler.list_schedules()["Schedules"]], _hours(here)) == (left, [0, 1, 2])


def test_a_schedule_is_shown_as_it_was_put_last(here: Here) -> None:
    q = queue(here)
    arn = _create(here, "rate(1 day)", q, Description="x", StartDate=BEGIN + DAY)
    assert arn == f"{PREFIX}schedule/default/s"
    here.jump(60)
    target = {"Arn": q, "RoleArn": ROLE, "Input": "changed"}
    here.scheduler.update_schedule(Name="s", ScheduleExpression="rate(2 days)", FlexibleTimeWindow=OFF, Target=target, State="DISABLED")
    common = {"Arn": arn, "GroupName": "default", "Name": "s", "CreationDate": BEGIN, "LastModificationDate": BEGIN + 60}
    assert here.scheduler.get_schedule(Name="s") == {
        **common,
        "ScheduleExpression": "rate(2 days)",
        "ScheduleExpressionTimezone": "UTC",
        "State": "DISABLED",
        "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": OFF,
        "Target": {**target, "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}},
    }
    assert here.scheduler.list_schedules(State="DISABLED") == {"Schedules": [{**common, "State": "DISABLED", "Target": {"Arn": q}}]}
    here.scheduler.delete_schedule(Name="s")
    here.jump(5 * DAY)
    assert (bodies(here), here.scheduler.list_schedules()) == ([], {"Schedules": []})


def test_targets_of_templates_get_their_input(here: Here) -> None:
    q = queue(here)
    here.events.create_event_bus(Name="mine")
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/mine"
    rule(here, {"source": ["clock"]}, q, bus="mine")
    here.kinesis.create_stream(StreamName="k", ShardCount=1)
    here.sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/k"
    here.jump(1)
    own = {"Input": '{"n": 1}', "EventBridgeParameters": {"Source": "clock", "DetailType": "Tick"}}
    _create(here, "rate(1 day)", bus, "bus", own)
    _create(here, "rate(1 day)", stream, "stream", {"Input": "text", "KinesisParameters": {"PartitionKey": "p"}})
    _create(here, "rate(1 day)", f"arn:aws:sqs:{REGION}:{ACCOUNT}:f.fifo", "fifo", {"SqsParameters": {"MessageGroupId": "g"}})
    here.rest()
    (body,) = bodies(here)
    assert (body["detail-type"], body["detail"], body["resources"]) == ("Tick", {"n": 1}, [f"{PREFIX}schedule/default/bus"])
    shard = here.kinesis.get_shard_iterator(StreamName="k", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
    (record,) = here.kinesis.get_records(ShardIterator=shard["ShardIterator"])["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b"text", "p")
    url = here.sqs.get_queue_url(QueueName="f.fifo")["QueueUrl"]
    assert len(here.sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_a_target_without_an_input_is_told_what_woke_it(here: Here) -> None:
    here.scheduler.create_schedule(
        Name="s", ScheduleExpression="at(2026-01-01T01:00:00)", FlexibleTimeWindow=OFF, Target={"Arn": queue(here), "RoleArn": ROLE}
    )
    here.jump(HOUR)
    (body,) = bodies(here)
    assert {**body, "id": ""} == {
        "version": "0",
        "id": "",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-01-01T01:00:00Z",
        "region": REGION,
        "resources": [f"{PREFIX}schedule/default/s"],
        "detail": "{}",
    }


def test_a_universal_target_calls_any_operation(here: Here) -> None:
    queue(here)
    sent = {"QueueUrl": f"http://localhost:4566/{ACCOUNT}/q", "MessageBody": '{"from": "<aws.scheduler.schedule-arn>"}'}
    _create(here, "at(2026-01-01T01:00:00)", "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "send", {"Input": json.dumps(sent)})
    _create(here, "at(2026-01-01T01:00:00)", "arn:aws:scheduler:::aws-sdk:s3:createBucket", "make", {"Input": '{"bucket": "box"}'})
    put = {"Bucket": "box", "Key": "k", "Body": "hello"}
    _create(here, "at(2026-01-01T02:00:00)", "arn:aws:scheduler:::aws-sdk:s3:putObject", "put", {"Input": json.dumps(put)})
    group = {"LogGroupName": "g"}
    _create(
        here, "at(2026-01-01T02:00:00)", "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup", "log", {"Input": json.dumps(group)}
    )
    here.jump(3 * HOUR)
    assert bodies(here) == [{"from": f"{PREFIX}schedule/default/send"}]
    assert here.s3.head_object(Bucket="box", Key="k")["ContentLength"] == 5
    assert [one["logGroupName"] for one in here.logs.describe_log_groups()["logGroups"]] == ["g"]


def test_what_a_target_does_not_take_goes_to_the_dead_letters(here: Here) -> None:
    sent = json.dumps({"QueueUrl": f"http://localhost:4566/{ACCOUNT}/gone", "MessageBody": "m"})
    dead = {"Input": sent, "DeadLetterConfig": {"Arn": queue(here, "dead")}}
    target = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    _create(here, "rate(1 day)", target, target=dead)
    here.rest()
    (letter,) = letters(here, "dead")
    told = attributes(letter)
    assert (letter["Body"], len(told.pop("EXECUTION_ID"))) == (sent, 36)
    assert told == {
        "ERROR_CODE": "QueueDoesNotExist",
        "ERROR_MESSAGE": "The specified queue does not exist.",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": "2026-01-01T00:00:00Z",
        "SCHEDULE_ARN": f"{PREFIX}schedule/default/s",
        "TARGET_ARN": target,
    }


def test_what_fails_for_now_is_tried_again_as_the_policy_says(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here.cloud, "status_of", unavailable)
    given = {"DeadLetterConfig": {"Arn": queue(here, "dead")}, "RetryPolicy": {"MaximumRetryAttempts": 2}, "Input": "{}"}
    _create(here, "at(2026-01-01T00:00:10)", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:none", target=given)
    here.jump(12)
    assert letters(here, "dead") == []
    here.jump(1)
    (letter,) = letters(here, "dead")
    told = attributes(letter)
    assert (told["RETRY_ATTEMPTS"], told["EXHAUSTED_RETRY_CONDITION"]) == ("2", "MaximumRetryAttempts")


def test_a_group_takes_its_schedules_along(here: Here) -> None:
    arn = here.scheduler.create_schedule_group(Name="g", Tags=[{"Key": "a", "Value": "b"}], ClientToken="t")["ScheduleGroupArn"]
    assert here.scheduler.create_schedule_group(Name="g", ClientToken="t") == {"ScheduleGroupArn": f"{PREFIX}schedule-group/g"}
    _create(here, "rate(1 hour)", queue(here), GroupName="g", StartDate=BEGIN + HOUR)
    here.scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    here.scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert here.scheduler.list_tags_for_resource(ResourceArn=arn) == {"Tags": [{"Key": "c", "Value": "d"}]}
    shown = {"Arn": arn, "Name": "g", "State": "ACTIVE", "CreationDate": BEGIN, "LastModificationDate": BEGIN}
    assert here.scheduler.get_schedule_group(Name="g") == shown
    assert [one["Name"] for one in here.scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default", "g"]
    here.scheduler.delete_schedule_group(Name="g")
    here.jump(DAY)
    assert refusal(here.scheduler.get_schedule_group, Name="g") == ("ResourceNotFoundException", "Schedule group g does not exist.")
    assert (bodies(here), here.scheduler.list_schedules()) == ([], {"Schedules": []})


def test_lists_have_pages(here: Here) -> None:
    q = queue(here)
    for group in ("a", "b"):
        here.scheduler.create_schedule_group(Name=group)
        for name in ("x1", "x2", "y"):
            _create(here, "rate(1 day)", q, name, GroupName=group)

    def pages(**request: Any) -> list[list[str]]:
        found, token = list[list[str]](), {}
        while True:
            page = here.scheduler.list_schedules(MaxResults=2, **request, **token)
            found.append([f"{one['GroupName']}/{one['Name']}" for one in page["Schedules"]])
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    assert pages() == [["a/x1", "a/x2"], ["a/y", "b/x1"], ["b/x2", "b/y"]]
    assert pages(GroupName="b", NamePrefix="x") == [["b/x1", "b/x2"]]
    assert pages(NamePrefix="x") == [["a/x1", "a/x2"], ["b/x1", "b/x2"]]
    first = here.scheduler.list_schedule_groups(MaxResults=2)
    rest = here.scheduler.list_schedule_groups(MaxResults=2, NextToken=first["NextToken"])
    assert [[one["Name"] for one in page["ScheduleGroups"]] for page in (first, rest)] == [["a", "b"], ["default"]]
