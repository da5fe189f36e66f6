"""Stories of scheduled queries: they run by the clock, remember how they ran, and hand their results on."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal
from tests.stories.s3_kit import content

NOW = int(BEGIN * 1000)
ROLE = "arn:aws:iam::000000000000:role/r"
REQUEST: dict[str, Any] = {
    "queryLanguage": "CWLI",
    "queryString": "stats count() as n",
    "logGroupIdentifiers": ["g"],
    "scheduleExpression": "cron(0 * * * ? *)",
    "startTimeOffset": 3600,
    "executionRoleArn": ROLE,
}


@pytest.fixture
def logs(logs: Any) -> Any:
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": NOW + 1, "message": '{"id": "1"}'}])
    return logs


def history(logs: Any, **request: Any) -> Any:
    return logs.get_scheduled_query_history(identifier="q", startTime=0, endTime=NOW * 2, **request)["triggerHistory"]


def test_a_query_runs_every_hour_over_the_hour_before(here: Here, logs: Any) -> None:
    arn = logs.create_scheduled_query(name="q", **REQUEST)["scheduledQueryArn"]
    here.jump(2 * 3600)
    newest, first = history(logs)
    assert [(run["executionStatus"], run["triggeredTimestamp"], run["destinations"]) for run in (first, newest)] == [
        ("Complete", NOW + 3_600_000, []),
        ("Complete", NOW + 7_200_000, []),
    ]
    counts = [logs.get_query_results(queryId=run["queryId"])["results"][0][0]["value"] for run in (first, newest)]
    assert counts == ["1", "0"]
    assert logs.get_scheduled_query(identifier=arn) == {
        "scheduledQueryArn": arn,
        "name": "q",
        "state": "ENABLED",
        "scheduleType": "CUSTOMER_MANAGED",
        "creationTime": NOW,
        "lastUpdatedTime": NOW,
        "lastTriggeredTime": NOW + 7_200_000,
        "lastExecutionStatus": "Complete",
        **REQUEST,
    }
    page = logs.get_scheduled_query_history(identifier="q", startTime=0, endTime=NOW * 2, maxResults=1)
    assert (page["name"], page["scheduledQueryArn"], page["triggerHistory"]) == ("q", arn, [newest])
    assert history(logs, maxResults=1, nextToken=page["nextToken"]) == [first]
    assert history(logs, executionStatuses=["Failed"]) == []


def test_results_go_to_a_bucket_and_to_a_table(here: Here, logs: Any) -> None:
    here.s3.create_bucket(Bucket="results")
    bucket = {"destinationIdentifier": "s3://results/daily/", "roleArn": ROLE}
    destination = {"s3Configuration": bucket, "lookupTableConfiguration": {"tableName": "t", "roleArn": ROLE}}
    logs.create_scheduled_query(name="q", destinationConfiguration=destination, **{**REQUEST, "queryString": "display id"})
    here.jump(3600)
    [run] = history(logs)
    key = f"daily/q/{run['queryId']}.json"
    table = "arn:aws:logs:us-east-1:000000000000:lookup-table:t"
    assert run["destinations"] == [
        {
            "destinationType": "S3",
            "destinationIdentifier": "s3://results/daily/",
            "status": "COMPLETE",
            "processedIdentifier": f"s3://results/{key}",
        },
        {"destinationType": "LOOKUP_TABLE", "destinationIdentifier": "t", "status": "COMPLETE", "processedIdentifier": table},
    ]
    written = orjson.loads(content(here.s3.get_object(Bucket="results", Key=key)))
    assert (written["status"], written["results"][0][0]) == ("Complete", {"field": "id", "value": "1"})
    assert logs.get_lookup_table(lookupTableArn=table)["tableBody"] == "id\n1\n"


def test_what_goes_wrong_is_in_the_history(here: Here, logs: Any) -> None:
    bucket = {"s3Configuration": {"destinationIdentifier": "s3://nowhere", "roleArn": ROLE}}
    logs.create_scheduled_query(name="q", destinationConfiguration=bucket, **REQUEST)
    here.jump(3600)
    assert [(one["status"], one["errorMessage"]) for one in history(logs)[0]["destinations"]] == [
        ("CLIENT_ERROR", "The specified bucket does not exist")
    ]
    logs.update_scheduled_query(identifier="q", **{**REQUEST, "queryString": "wish"})
    here.jump(3600)
    assert history(logs)[0]["executionStatus"] == "InvalidQuery"
    logs.update_scheduled_query(identifier="q", **{**REQUEST, "logGroupIdentifiers": ["none"]})
    here.jump(3600)
    assert history(logs)[0]["executionStatus"] == "Failed"


def test_a_schedule_has_a_zone_a_beginning_an_end_and_can_be_paused(here: Here, logs: Any) -> None:
    times = {"scheduleStartTime": NOW // 1000 + 3600, "scheduleEndTime": NOW // 1000 + 7200}
    logs.create_scheduled_query(name="q", **{**REQUEST, **times})
    here.jump(5 * 3600)
    assert [run["triggeredTimestamp"] - NOW for run in history(logs)] == [7_200_000, 3_600_000]
    zoned = {**REQUEST, "scheduleExpression": "cron(0 8 * * ? *)", "timezone": "Europe/Berlin"}
    assert logs.update_scheduled_query(identifier="q", **zoned)["timezone"] == "Europe/Berlin"
    here.jump(3 * 3600)
    assert history(logs)[0]["triggeredTimestamp"] - NOW == 7 * 3_600_000
    logs.update_scheduled_query(identifier="q", state="DISABLED", **REQUEST)
    here.jump(24 * 3600)
    assert len(history(logs)) == 3


def test_scheduled_queries_are_listed_by_name_and_deleted(here: Here, logs: Any) -> None:
    for name in ("b", "a", "c"):
        logs.create_scheduled_query(name=name, state="DISABLED" if name == "c" else "ENABLED", **REQUEST)

    def names(**request: Any) -> list[str]:
        return [one["name"] for one in logs.list_scheduled_queries(**request)["scheduledQueries"]]

    page = logs.list_scheduled_queries(maxResults=2)
    assert [one["name"] for one in page["scheduledQueries"]] + names(nextToken=page["nextToken"]) == ["a", "b", "c"]
    assert "queryString" not in page["scheduledQueries"][0]
    assert (names(state="DISABLED"), names(scheduleType="AWS_MANAGED")) == (["c"], [])
    logs.delete_scheduled_query(identifier="a")
    here.jump(3600)
    none = ("ResourceNotFoundException", "The specified scheduled query does not exist.")
    for call in (logs.get_scheduled_query, logs.delete_scheduled_query):
        assert refusal(call, identifier="a") == none
    assert refusal(logs.update_scheduled_query, identifier="a", **REQUEST) == none
    assert refusal(logs.get_scheduled_query_history, identifier="a", startTime=0, endTime=1) == none


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "taken"}, "ConflictException"),
        ({"scheduleExpression": "rate(5 minutes)"}, "ValidationException"),
        ({"scheduleExpression": "cron(0 * * * * *)"}, "ValidationException"),
        ({"timezone": "Mars/Olympus"}, "ValidationException"),
        ({"startTimeOffset": 10, "endTimeOffset": 20}, "ValidationException"),
        ({"queryLanguage": "SQL"}, "NotImplemented"),
    ],
)
def test_what_can_not_be_scheduled_is_refused(logs: Any, change: dict[str, Any], code: str) -> None:
    logs.create_scheduled_query(name="taken", **REQUEST)
    assert refusal(logs.create_scheduled_query, **{"name": "q", **REQUEST, **change})[0] == code
    assert refusal(logs.list_scheduled_queries, nextToken="x")[0] == "ValidationException"
