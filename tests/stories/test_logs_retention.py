"""Stories of the account's retention policies: from a day after they are made they go before what groups say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.refusals import refusal

DAY = 86_400


def policy(here: Here, name: str, days: int | str, mode: str = "RETROACTIVE", prefix: str = "", **more: Any) -> dict[str, Any]:
    if prefix:
        more["selectionCriteria"] = f'LogGroupNamePrefix IN ["{prefix}"]'
    document = json.dumps({"retentionInDays": days, "enforcementMode": mode})
    return here.logs.put_account_policy(policyName=name, policyType="RETENTION_POLICY", policyDocument=document, **more)


def told(here: Here, name: str) -> tuple[int | None, str | None]:
    (group,) = here.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return group.get("retentionInDays"), group.get("retentionPolicyName")


def group(here: Here, name: str, days: int = 0, size: int = 0) -> None:
    here.logs.create_log_group(logGroupName=name)
    if days:
        here.logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    if size:
        here.logs.create_log_stream(logGroupName=name, logStreamName="s")
        event = {"timestamp": int(here.now * 1000), "message": "x" * size}
        here.logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=[event])


def events(here: Here, name: str) -> int:
    return len(here.logs.filter_log_events(logGroupName=name)["events"])


def test_a_policy_goes_before_what_a_group_says_a_day_after_it_was_made(here: Here) -> None:
    group(here, "a", days=3653)
    policy(here, "p", 90)
    here.jump(DAY - 1)
    assert told(here, "a") == (3653, None)
    here.jump(1)
    assert told(here, "a") == (90, "p")
    here.logs.put_retention_policy(logGroupName="a", retentionInDays=1)
    assert told(here, "a") == (90, "p")
    here.logs.delete_account_policy(policyName="p", policyType="RETENTION_POLICY")
    assert told(here, "a") == (1, None)


def test_what_is_older_than_the_policy_lets_it_be_is_gone_and_counts_no_more(here: Here) -> None:
    group(here, "a", size=100)
    policy(here, "p", 30)
    here.jump(30 * DAY - 1)
    assert events(here, "a") == 1
    here.jump(2)
    assert events(here, "a") == 0
    here.jump(2 * DAY)
    assert here.logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0
    old = {"timestamp": int((here.now - 31 * DAY) * 1000), "message": "m"}
    put = {"logGroupName": "a", "logStreamName": "s", "logEvents": [old]}
    assert here.logs.put_log_events(**put)["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}


def test_of_several_policies_the_longest_holds_and_of_equal_ones_the_first(here: Here) -> None:
    group(here, "app/a")
    group(here, "app/keep/b")
    group(here, "c", days=7)
    policy(here, "second", 30)
    here.jump(1)
    policy(here, "base", 30)
    policy(here, "app", 60, prefix="app/")
    policy(here, "keep", "NEVER_EXPIRE", prefix="app/keep/")
    here.jump(DAY)
    assert (told(here, "app/a"), told(here, "app/keep/b"), told(here, "c")) == ((60, "app"), (None, "keep"), (30, "second"))


def test_a_policy_for_new_groups_leaves_those_that_are_there(here: Here) -> None:
    group(here, "old", days=7)
    here.jump(1)
    policy(here, "p", 90, mode="NEW_ONLY")
    here.jump(DAY)
    group(here, "new")
    assert (told(here, "old"), told(here, "new")) == ((7, None), (90, "p"))


def test_a_changed_policy_holds_as_it_was_for_another_day(here: Here) -> None:
    group(here, "a")
    policy(here, "p", 90)
    here.jump(DAY)
    policy(here, "p", 30)
    here.jump(DAY // 2)
    policy(here, "p", 60)
    assert told(here, "a") == (90, "p")
    here.jump(DAY)
    assert told(here, "a") == (60, "p")


def test_a_dry_run_tells_what_would_come_of_it_and_changes_nothing(here: Here) -> None:
    group(here, "a", days=3653, size=10)
    group(here, "b", days=30, size=50)
    group(here, "c", days=90)
    group(here, "other")
    here.logs.create_log_group(logGroupName="delivered", logGroupClass="DELIVERY")
    for name in "abc":
        group(here, f"in/{name}", days={"a": 3653, "b": 30, "c": 90}[name], size={"a": 10, "b": 50, "c": 0}[name])
    assert policy(here, "p", 90, prefix="in/", dryRun=True) == {
        "dryRunResult": {
            "totalMatchedLogGroups": 3,
            "increasedRetentionLogGroupCount": 1,
            "decreasedRetentionLogGroupCount": 1,
            "unchangedRetentionLogGroupCount": 1,
            "failedAnalysisCount": 0,
            "topLogGroupsImpacted": [
                {"logGroupName": "in/b", "currentRetention": "30", "proposedRetention": "90", "storedBytes": 76},
                {"logGroupName": "in/a", "currentRetention": "3653", "proposedRetention": "90", "storedBytes": 36},
                {"logGroupName": "in/c", "currentRetention": "90", "proposedRetention": "90", "storedBytes": 0},
            ],
        }
    }
    assert here.logs.describe_account_policies(policyType="RETENTION_POLICY")["accountPolicies"] == []
    policy(here, "p", "NEVER_EXPIRE", prefix="in/a")
    here.jump(DAY)
    dry = here.logs.delete_account_policy(policyName="p", policyType="RETENTION_POLICY", dryRun=True)["dryRunResult"]
    impacted = [{"logGroupName": "in/a", "currentRetention": "NEVER_EXPIRE", "proposedRetention": "3653", "storedBytes": 36}]
    assert (dry["decreasedRetentionLogGroupCount"], dry["topLogGroupsImpacted"]) == (1, impacted)
    assert told(here, "in/a") == (None, "p")


@pytest.mark.parametrize(
    "request_",
    [
        {"days": 7},
        {"days": 91},
        {"days": "FOREVER"},
        {"days": 90, "mode": "SOMETIMES"},
        {"days": 90, "selectionCriteria": 'LogGroupName NOT IN ["a"]'},
    ],
)
def test_a_policy_that_is_none_is_refused(here: Here, request_: dict[str, Any]) -> None:
    assert refusal(lambda **given: policy(here, "p", **given), **request_)[0] == "InvalidParameterException"


def test_there_are_twenty_policies_and_dry_runs_of_no_other_kind(here: Here) -> None:
    for number in range(20):
        policy(here, f"p{number}", 90)
    assert refusal(lambda: policy(here, "p20", 90)) == ("LimitExceededException", "Resource limit exceeded.")
    other = {"policyName": "t", "policyType": "TRANSFORMER_POLICY", "policyDocument": '[{"csv": {"columns": ["code"]}}]', "dryRun": True}
    said = ("InvalidParameterException", "The dryRun parameter is valid only for a policy of the type RETENTION_POLICY.")
    assert refusal(here.logs.put_account_policy, **other) == said


def test_a_group_for_delivery_keeps_events_for_a_day(here: Here) -> None:
    here.logs.create_log_group(logGroupName="d", logGroupClass="DELIVERY")
    here.logs.create_log_stream(logGroupName="d", logStreamName="s")
    event = {"timestamp": int(here.now * 1000), "message": "m"}
    here.logs.put_log_events(logGroupName="d", logStreamName="s", logEvents=[event])
    assert (told(here, "d"), events(here, "d")) == ((None, None), 1)
    here.jump(DAY + 1)
    assert events(here, "d") == 0
    here.jump(2 * DAY)
    assert here.logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0


def test_who_asks_for_one_lesser_class_is_shown_both(here: Here) -> None:
    for kind in ("STANDARD", "INFREQUENT_ACCESS", "ESSENTIALS"):
        here.logs.create_log_group(logGroupName=kind, logGroupClass=kind)
        here.logs.create_log_stream(logGroupName=kind, logStreamName="s")
        event = {"timestamp": int(here.now * 1000), "message": "m"}
        assert "rejectedLogEventsInfo" not in here.logs.put_log_events(logGroupName=kind, logStreamName="s", logEvents=[event])
    found = here.logs.describe_log_groups(logGroupClass="ESSENTIALS")["logGroups"]
    assert [one["logGroupName"] for one in found] == ["ESSENTIALS", "INFREQUENT_ACCESS"]
    assert [one["logGroupName"] for one in here.logs.describe_log_groups(logGroupClass="STANDARD")["logGroups"]] == ["STANDARD"]
