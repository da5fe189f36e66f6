"""Buses, rules and what comes to them."""

from __future__ import annotations

import json

import pytest

from tests.stories.events_kit import DEFAULT_BUS, PREFIX, bodies, details, put, queue, rule
from tests.stories.here import ACCOUNT, Here
from tests.stories.refusals import refusal
from windtunnel.aws.patterns import pattern_keys


def test_an_event_comes_to_the_targets_of_the_rules_that_it_matches(here: Here) -> None:
    rule(here, {"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}}, queue(here))
    put(here, {"total": 5})
    id = put(here, {"total": 50}, Resources=["arn:aws:s3:::box"], Time=here.now - 60)
    assert bodies(here) == [
        {
            "version": "0",
            "id": id,
            "detail-type": "Order",
            "source": "shop",
            "account": ACCOUNT,
            "time": "2025-12-31T23:59:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:s3:::box"],
            "detail": {"total": 50},
        }
    ]


def test_rules_are_found_by_whatever_their_patterns_name(here: Here) -> None:
    q = queue(here)
    rule(here, {"source": ["shop"], "detail-type": ["Order", "Return"]}, q, name="both")
    rule(here, {"source": [{"prefix": "sh"}]}, q, name="prefix")
    rule(here, {"detail-type": ["Order"]}, q, name="type")
    rule(here, {"$or": [{"source": ["shop"]}, {"detail": {"n": [1]}}]}, q, name="either")
    rule(here, {"source": ["other"]}, q, name="other")
    put(here, {"n": 1})
    assert len(bodies(here)) == 4
    put(here, {"n": 1}, source="stock", kind="Count")
    assert len(bodies(here)) == 1


def test_a_pattern_of_very_many_sources_is_kept_with_those_for_any() -> None:
    assert pattern_keys('{"source": ["a", "b"], "detail-type": ["c"]}', "source", "detail-type") == {("a", "c"), ("b", "c")}
    many = json.dumps({"source": [str(n) for n in range(9)], "detail-type": [str(n) for n in range(9)]})
    assert pattern_keys(many, "source", "detail-type") == {("", "")}
    assert pattern_keys('{"source": ["a", {"suffix": "b"}]}', "source", "detail-type") == {("", "")}


def test_a_rule_that_was_changed_or_removed_matches_no_more_what_it_did(here: Here) -> None:
    q = queue(here)
    rule(here, {"source": ["shop"]}, q)
    rule(here, {"source": ["stock"]}, q)
    put(here)
    put(here, source="stock")
    assert [body["source"] for body in bodies(here)] == ["stock"]
    here.events.remove_targets(Rule="r", Ids=["0"])
    here.events.delete_rule(Name="r")
    here.events.delete_rule(Name="r")
    put(here, source="stock")
    assert bodies(here) == []


def test_a_disabled_rule_rests_until_it_is_enabled(here: Here) -> None:
    rule(here, {"source": ["shop"]}, queue(here))
    here.events.disable_rule(Name="r")
    put(here)
    assert (here.events.describe_rule(Name="r")["State"], bodies(here)) == ("DISABLED", [])
    here.events.enable_rule(Name="r")
    put(here)
    assert len(bodies(here)) == 1


def test_a_rule_is_described_as_it_was_put_last(here: Here) -> None:
    here.events.create_event_bus(Name="mine")
    pattern = '{"source": ["shop"]}'
    here.events.put_rule(Name="r", EventBusName="mine", EventPattern=pattern, Description="x", RoleArn="arn:aws:iam::000000000000:role/r")
    assert here.events.put_rule(Name="r", EventBusName=f"{PREFIX}event-bus/mine", EventPattern=pattern) == {
        "RuleArn": f"{PREFIX}rule/mine/r"
    }
    shown = {"Name": "r", "Arn": f"{PREFIX}rule/mine/r", "State": "ENABLED", "EventBusName": "mine", "EventPattern": pattern}
    assert here.events.describe_rule(Name="r", EventBusName="mine") == {**shown, "CreatedBy": ACCOUNT}
    assert here.events.list_rules(EventBusName="mine", NamePrefix="r") == {"Rules": [shown]}
    assert here.events.list_rules(EventBusName="mine", NamePrefix="s") == {"Rules": []}


def test_lists_have_pages(here: Here) -> None:
    q = queue(here)
    for name in "abc":
        here.events.create_event_bus(Name=name)
        rule(here, {"source": ["shop"]}, q, q, name=name)
    first = here.events.list_rules(Limit=2)
    rest = here.events.list_rules(Limit=2, NextToken=first["NextToken"])
    assert [[one["Name"] for one in page["Rules"]] for page in (first, rest)] == [["a", "b"], ["c"]]
    first = here.events.list_rule_names_by_target(TargetArn=q, Limit=2)
    rest = here.events.list_rule_names_by_target(TargetArn=q, Limit=2, NextToken=first["NextToken"])
    assert (first["RuleNames"], rest) == (["a", "b"], {"RuleNames": ["c"]})
    first = here.events.list_event_buses(Limit=2)
    rest = here.events.list_event_buses(Limit=2, NextToken=first["NextToken"])
    assert [[one["Name"] for one in page["EventBuses"]] for page in (first, rest)] == [["a", "b"], ["c", "default"]]
    assert [one["Name"] for one in here.events.list_event_buses(NamePrefix="d")["EventBuses"]] == ["default"]
    first = here.events.list_targets_by_rule(Rule="a", Limit=1)
    rest = here.events.list_targets_by_rule(Rule="a", Limit=1, NextToken=first["NextToken"])
    assert [page["Targets"] for page in (first, rest)] == [[{"Id": "0", "Arn": q}], [{"Id": "1", "Arn": q}]]


def test_a_bus_of_ones_own_has_rules_of_its_own(here: Here) -> None:
    made = here.events.create_event_bus(Name="mine", Description="x", Tags=[{"Key": "team", "Value": "blue"}])
    arn = f"{PREFIX}event-bus/mine"
    assert made == {"EventBusArn": arn, "Description": "x"}
    rule(here, {"source": ["shop"]}, queue(here), bus="mine")
    put(here)
    assert bodies(here) == []
    put(here, EventBusName="mine")
    put(here, EventBusName=arn)
    assert len(bodies(here)) == 2
    here.jump(60)
    here.events.update_event_bus(Name="mine", Description="y")
    times = {"CreationTime": here.now - 60, "LastModifiedTime": here.now}
    assert here.events.describe_event_bus(Name="mine") == {"Name": "mine", "Arn": arn, "Description": "y", **times}
    assert refusal(here.events.delete_event_bus, Name="mine") == (
        "ValidationException",
        "EventBus mine can't be deleted since it has rules.",
    )
    here.events.remove_targets(Rule="r", EventBusName="mine", Ids=["0"])
    here.events.delete_rule(Name="r", EventBusName="mine")
    here.events.delete_event_bus(Name="mine")
    assert here.events.list_event_buses() == {"EventBuses": [{"Name": "default", "Arn": DEFAULT_BUS}]}


def test_what_is_put_on_a_bus_that_is_not_there_is_taken_and_lost(here: Here) -> None:
    rule(here, {"source": ["shop"]}, queue(here))
    assert put(here, EventBusName="nowhere")
    assert bodies(here) == []


def test_entries_are_refused_one_by_one(here: Here) -> None:
    rule(here, {"source": ["shop"]}, queue(here))
    good = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
    entries = [
        {**good, "Source": ""},
        {**good, "DetailType": ""},
        {"Source": "shop", "DetailType": "t"},
        {**good, "Detail": "[]"},
        {**good, "Detail": "{"},
        {**good, "Source": "aws.s3"},
        good,
    ]
    answer = here.events.put_events(Entries=entries)
    required = "Parameter {0} is not valid. Reason: {0} is a required argument."
    assert [(one.get("ErrorCode"), one.get("ErrorMessage")) for one in answer["Entries"]] == [
        ("InvalidArgument", required.format("Source")),
        ("InvalidArgument", required.format("DetailType")),
        ("InvalidArgument", required.format("Detail")),
        ("MalformedDetail", "Detail is malformed."),
        ("MalformedDetail", "Detail is malformed."),
        ("NotAuthorizedForSourceException", "Not authorized for the source."),
        (None, None),
    ]
    assert (answer["FailedEntryCount"], details(here)) == (6, [{}])


def test_a_pattern_can_be_tried_out(here: Here) -> None:
    event = {
        "id": "1",
        "account": "1",
        "source": "shop",
        "time": "2026-01-01T00:00:00Z",
        "region": "r",
        "detail-type": "t",
        "detail": {"n": 1},
    }
    assert here.events.test_event_pattern(EventPattern='{"detail": {"n": [1]}}', Event=json.dumps(event)) == {"Result": True}
    assert here.events.test_event_pattern(EventPattern='{"detail": {"n": [2]}}', Event=json.dumps(event)) == {"Result": False}


def test_rules_and_buses_have_tags(here: Here) -> None:
    here.events.put_rule(Name="r", ScheduleExpression="rate(1 day)", Tags=[{"Key": "a", "Value": "1"}])
    for arn in (f"{PREFIX}rule/r", DEFAULT_BUS):
        here.events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
        here.events.untag_resource(ResourceARN=arn, TagKeys=["a", "none"])
        assert here.events.list_tags_for_resource(ResourceARN=arn) == {"Tags": [{"Key": "b", "Value": "3"}]}
    here.events.delete_rule(Name="r")
    here.events.put_rule(Name="r", ScheduleExpression="rate(1 day)")
    assert here.events.list_tags_for_resource(ResourceARN=f"{PREFIX}rule/r") == {"Tags": []}


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        ("rate(1 hour)", ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T03:00:00Z"]),
        ("cron(30 0/2 * * ? *)", ["2026-01-01T00:30:00Z", "2026-01-01T02:30:00Z"]),
        ("cron(0 9 ? * MON *)", []),
    ],
)
def test_a_schedule_sets_off_its_rule_by_the_clock(here: Here, schedule: str, times: list[str]) -> None:
    q = queue(here)
    here.events.put_rule(Name="r", ScheduleExpression=schedule)
    here.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": q}])
    rule(here, {"source": ["aws.events"], "detail-type": ["Scheduled Event"]}, q, name="others")  # sees nothing of it
    here.jump(3 * 3600)
    told = bodies(here)
    assert [body["time"] for body in told] == times
    if told:
        assert {**told[0], "id": None, "time": None} == {
            "version": "0",
            "id": None,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": None,
            "region": "us-east-1",
            "resources": [f"{PREFIX}rule/r"],
            "detail": {},
        }
    here.events.disable_rule(Name="r")
    here.jump(86_400)
    assert bodies(here) == []


def test_a_schedule_runs_through_a_jump_over_a_month_and_a_restart(here: Here) -> None:
    here.events.put_rule(Name="r", ScheduleExpression="cron(0 12 * * ? *)")
    here.logs.create_log_group(logGroupName="/aws/events/days")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/days"
    here.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": group, "InputPath": "$.time"}])
    here.jump(10 * 86_400)
    here.restart()
    here.jump(21 * 86_400)
    said = [event["message"] for event in here.logs.filter_log_events(logGroupName="/aws/events/days")["events"]]
    assert said == [f'"2026-01-{day:02}T12:00:00Z"' for day in range(1, 32)]
