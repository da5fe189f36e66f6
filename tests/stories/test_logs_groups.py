"""Stories of log groups and streams: made, described, listed in pages, tagged, protected and deleted."""

from __future__ import annotations

from typing import Any

from tests.stories.here import BEGIN, Here
from tests.stories.kms_kit import policy
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
ARN = "arn:aws:logs:us-east-1:000000000000:log-group:"


def test_a_group_is_described_as_it_was_made(here: Here) -> None:
    lets_logs = {"Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": "kms:GenerateDataKey*"}
    key = here.kms.create_key(Policy=policy(lets_logs))["KeyMetadata"]["Arn"]
    here.logs.create_log_group(logGroupName="/app/a", logGroupClass="INFREQUENT_ACCESS", kmsKeyId=key)
    here.logs.put_retention_policy(logGroupName="/app/a", retentionInDays=7)
    assert here.logs.describe_log_groups() == {
        "logGroups": [
            {
                "logGroupName": "/app/a",
                "creationTime": NOW,
                "retentionInDays": 7,
                "metricFilterCount": 0,
                "arn": f"{ARN}/app/a:*",
                "storedBytes": 0,
                "kmsKeyId": key,
                "logGroupClass": "INFREQUENT_ACCESS",
                "logGroupArn": f"{ARN}/app/a",
                "deletionProtectionEnabled": False,
            }
        ]
    }


def test_a_name_is_taken_once_and_has_its_form(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    assert refusal(here.logs.create_log_group, logGroupName="g") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    assert refusal(here.logs.create_log_group, logGroupName="aws/x") == (
        "InvalidParameterException",
        "Log groups starting with AWS/ are reserved for AWS.",
    )
    invalid = "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint"
    assert refusal(here.logs.create_log_group, logGroupName="a b") == (
        "InvalidParameterException",
        f"{invalid}: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    )


def test_groups_are_listed_by_prefix_and_by_pattern_in_pages(here: Here) -> None:
    for name in ("b", "a/1", "a/2", "a/3", "c/a/1"):
        here.logs.create_log_group(logGroupName=name)

    def names(**request: Any) -> list[str]:
        return [group["logGroupName"] for group in here.logs.describe_log_groups(**request)["logGroups"]]

    first = here.logs.describe_log_groups(logGroupNamePrefix="a/", limit=2)
    assert [group["logGroupName"] for group in first["logGroups"]] == ["a/1", "a/2"]
    assert names(logGroupNamePrefix="a/", limit=2, nextToken=first["nextToken"]) == ["a/3"]
    assert names(logGroupNamePattern="a/1") == ["a/1", "c/a/1"]
    assert names(logGroupIdentifiers=[f"{ARN}b", "c/a/1", "none"]) == ["b", "c/a/1"]
    assert [group["logGroupName"] for group in here.logs.list_log_groups(logGroupNamePattern="^a/1|a/2")["logGroups"]] == ["a/1", "a/2"]
    assert refusal(here.logs.describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="b") == (
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )


def test_streams_are_listed_by_name_and_by_their_last_events(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    for name, time in (("a", NOW + 2), ("b", 0), ("c", NOW + 1), ("d", NOW + 3)):
        here.logs.create_log_stream(logGroupName="g", logStreamName=name)
        if time:
            here.logs.put_log_events(logGroupName="g", logStreamName=name, logEvents=[{"timestamp": time, "message": "m"}])

    def names(**request: Any) -> list[str]:
        pages: list[str] = []
        while True:
            page = here.logs.describe_log_streams(logGroupName="g", limit=3, **request)
            pages += [stream["logStreamName"] for stream in page["logStreams"]]
            if "nextToken" not in page:
                return pages
            request["nextToken"] = page["nextToken"]

    assert names() == ["a", "b", "c", "d"]
    assert names(descending=True) == ["d", "c", "b", "a"]
    assert names(logStreamNamePrefix="c") == ["c"]
    assert names(logStreamNamePrefix="c", descending=True) == ["c"]
    assert names(orderBy="LastEventTime") == ["b", "c", "a", "d"]
    assert names(orderBy="LastEventTime", descending=True) == ["d", "a", "c", "b"]


def test_a_stream_tells_its_first_and_last_events(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    arn = f"{ARN}g:log-stream:s"
    before = {"logStreamName": "s", "creationTime": NOW, "arn": arn, "storedBytes": 0}
    assert here.logs.describe_log_streams(logGroupIdentifier=f"{ARN}g") == {"logStreams": [before]}
    here.jump(1)
    for time in (NOW - 5, NOW - 9):
        put = here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": time, "message": "m"}])
    assert here.logs.describe_log_streams(logGroupName="g") == {
        "logStreams": [
            {
                **before,
                "firstEventTimestamp": NOW - 9,
                "lastEventTimestamp": NOW - 5,
                "lastIngestionTime": NOW + 1000,
                "uploadSequenceToken": put["nextSequenceToken"],
            }
        ]
    }
    assert refusal(here.logs.create_log_stream, logGroupName="g", logStreamName="s") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    assert refusal(here.logs.describe_log_streams, logGroupName="g", logGroupIdentifier="g") == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )


def test_both_tag_apis_see_the_same_tags_and_they_go_with_the_group(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g", tags={"env": "a"})
    here.logs.tag_resource(resourceArn=f"{ARN}g", tags={"x": "1", "y": "2"})
    here.logs.tag_log_group(logGroupName="g", tags={"z": "3"})
    here.logs.untag_resource(resourceArn=f"{ARN}g", tagKeys=["x"])
    here.logs.untag_log_group(logGroupName="g", tags=["env"])
    assert here.logs.list_tags_for_resource(resourceArn=f"{ARN}g") == {"tags": {"y": "2", "z": "3"}}
    assert here.logs.list_tags_log_group(logGroupName="g") == {"tags": {"y": "2", "z": "3"}}
    here.logs.delete_log_group(logGroupName="g")
    here.logs.create_log_group(logGroupName="g")
    assert here.logs.list_tags_log_group(logGroupName="g") == {"tags": {}}


def test_a_deleted_group_is_gone_with_all_it_held(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": NOW, "message": "m"}])
    here.logs.delete_log_group(logGroupName="g")
    assert refusal(here.logs.delete_log_group, logGroupName="g") == ("ResourceNotFoundException", "The specified log group does not exist.")
    here.logs.create_log_group(logGroupName="g")
    assert here.logs.describe_log_streams(logGroupName="g") == {"logStreams": []}
    assert here.logs.filter_log_events(logGroupName="g")["events"] == []
    assert here.logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0


def test_a_protected_group_is_not_deleted(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g", deletionProtectionEnabled=True)
    assert refusal(here.logs.delete_log_group, logGroupName="g")[0] == "ValidationException"
    here.logs.put_log_group_deletion_protection(logGroupIdentifier="g", deletionProtectionEnabled=False)
    here.logs.delete_log_group(logGroupName="g")
    assert here.logs.describe_log_groups() == {"logGroups": []}


def test_names_that_are_too_long_are_refused_in_one_sentence(here: Here) -> None:
    long = "x" * 513
    here.logs.create_log_group(logGroupName="g")
    expected = ("InvalidParameterException", "Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
    assert refusal(here.logs.create_log_group, logGroupName=long) == expected
    assert refusal(here.logs.delete_metric_filter, logGroupName=long, filterName="f") == expected
    assert refusal(here.logs.create_log_stream, logGroupName="g", logStreamName=long) == expected


def test_fields_are_told_with_how_often_they_are_there(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    messages = (("a", NOW - 16 * 60_000), ('{"code": 1, "id": 2}', NOW - 2), ('{"code": 1}', NOW - 1), ("plain", NOW))
    events = [{"timestamp": time, "message": message} for message, time in messages]
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    generated = [{"name": name, "percent": 100} for name in ("@ingestionTime", "@log", "@logStream", "@message", "@timestamp")]
    found = [*generated, {"name": "code", "percent": 66}, {"name": "id", "percent": 33}]
    assert here.logs.get_log_group_fields(logGroupName="g") == {"logGroupFields": found}
    assert here.logs.get_log_group_fields(logGroupIdentifier=f"{ARN}g", time=NOW // 1000 - 16 * 60) == {"logGroupFields": generated}
    assert here.logs.get_log_group_fields(logGroupName="g", time=2**63 - 1) == {"logGroupFields": []}
    assert refusal(here.logs.get_log_group_fields, logGroupName="x") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )


def test_the_accounts_storage_tier_is_kept(here: Here) -> None:
    assert here.logs.get_storage_tier_policy() == {"storageTier": "STANDARD"}
    kept = {"storageTier": "INTELLIGENT_TIERING", "lastUpdatedTime": NOW}
    assert here.logs.put_storage_tier_policy(storageTier="INTELLIGENT_TIERING") == here.logs.get_storage_tier_policy() == kept
