"""Stories of Logs Insights: queries run beside everything else, and say what the language says."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.refusals import refusal
from windtunnel.fabric import Fault

NOW = int(BEGIN * 1000)
REQUESTS = (("/a", 200, 10), ("/b", 500, 250), ("/a", 200, 30), ("/c", 404, 5), ("/a", 503, 400))
REPORT = (
    "REPORT RequestId: 8f5b\tDuration: 12.50 ms\tBilled Duration: 13 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 90.10 ms"
)


@pytest.fixture
def logs(logs: Any) -> Any:
    events = [
        {"timestamp": NOW + number * 60_000, "message": orjson.dumps({"path": path, "res": {"status": status}, "ms": ms}).decode()}
        for number, (path, status, ms) in enumerate(REQUESTS)
    ]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    return logs


def ask(here: Here, text: str, **request: Any) -> Any:
    where = {"logGroupName": "g"} if "logGroupNames" not in request else {}
    started = here.logs.start_query(queryString=text, startTime=NOW // 1000, endTime=NOW // 1000 + 3600, **where, **request)
    here.rest()
    found = here.logs.get_query_results(queryId=started["queryId"])
    assert found["status"] == "Complete"
    return found


def rows(here: Here, text: str, **request: Any) -> list[dict[str, str]]:
    """The rows of a query's result, without their pointers."""
    return [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in ask(here, text, **request)["results"]]


def test_a_query_shows_the_newest_events_first_with_what_it_cost(here: Here, logs: Any) -> None:
    found = ask(here, "fields @timestamp, path | limit 2")
    assert [[one["value"] for one in row[:2]] for row in found["results"]] == [
        ["2026-01-01 00:04:00.000", "/a"],
        ["2026-01-01 00:03:00.000", "/c"],
    ]
    assert found["statistics"]["recordsScanned"] == 5.0
    assert found["statistics"]["logGroupsScanned"] == 1.0


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields ms | filter res.status >= 500 and path != '/b'", [{"ms": "400"}]),
        ("fields ms | filter path in ['/b', '/c'] | sort ms", [{"ms": "5"}, {"ms": "250"}]),
        ("fields ms | filter @message like /\"path\":\"\\/b/", [{"ms": "250"}]),
        ("fields ms | filter path not like 'a' and ispresent(res.status) | sort ms desc | limit 1", [{"ms": "250"}]),
        ("fields path, ms / 100 + 1 as seconds | filter ms > 300", [{"path": "/a", "seconds": "5"}]),
        ("fields strlen(path) as n | filter not (ms < 400)", [{"n": "2"}]),
        ("stats count(*), avg(ms) as mean, max(ms) by path | sort path", [
            {"path": "/a", "count(*)": "3", "mean": "146.6667", "max(ms)": "400"},
            {"path": "/b", "count(*)": "1", "mean": "250", "max(ms)": "250"},
            {"path": "/c", "count(*)": "1", "mean": "5", "max(ms)": "5"},
        ]),
        ("stats sum(ms) as total by bin(2m) as slot | sort slot asc", [
            {"slot": "2026-01-01 00:00:00.000", "total": "260"},
            {"slot": "2026-01-01 00:02:00.000", "total": "35"},
            {"slot": "2026-01-01 00:04:00.000", "total": "400"},
        ]),
        ("stats count_distinct(path) as paths, pct(ms, 50) as half, latest(path) as last", [{"paths": "3", "half": "30", "last": "/a"}]),
        ("stats count(*) as n by path | filter n > 1 | display path", [{"path": "/a"}]),
        ('parse @message "\\"path\\":\\"*\\"" as p | display p | dedup p | sort p', [{"p": "/a"}, {"p": "/b"}, {"p": "/c"}]),
        (r"parse @message /status\":(?<code>\d)/ | stats count(*) as n by code | sort code", [
            {"code": "2", "n": "2"},
            {"code": "4", "n": "1"},
            {"code": "5", "n": "2"},
        ]),
        ("filter path = 'none' # nobody\n| stats count() as n", [{"n": "0"}]),
    ],
)  # fmt: skip
def test_the_language(here: Here, text: str, expected: list[dict[str, str]]) -> None:
    assert rows(here, text) == expected


def test_fields_of_lambdas_reports_are_discovered(here: Here, logs: Any) -> None:
    logs.create_log_stream(logGroupName="g", logStreamName="f")
    logs.put_log_events(logGroupName="g", logStreamName="f", logEvents=[{"timestamp": NOW, "message": REPORT}])
    text = 'filter @type = "REPORT" | stats max(@billedDuration), max(@maxMemoryUsed / 1000 / 1000) as used, avg(@initDuration) as cold'
    assert rows(here, text) == [{"max(@billedDuration)": "13", "used": "40", "cold": "90.1"}]


def test_a_query_goes_across_groups_and_its_pointers_lead_to_whole_records(here: Here, logs: Any) -> None:
    logs.create_log_group(logGroupName="h")
    logs.create_log_stream(logGroupName="h", logStreamName="t")
    logs.put_log_events(logGroupName="h", logStreamName="t", logEvents=[{"timestamp": NOW + 30_000, "message": '{"path": "/h"}'}])
    found = ask(here, "fields path, @log | sort @timestamp asc | limit 2", logGroupNames=["g", "h"])["results"]
    assert [[one["value"] for one in row[:2]] for row in found] == [["/a", "000000000000:g"], ["/h", "000000000000:h"]]
    record = logs.get_log_record(logRecordPointer=found[1][2]["value"])["logRecord"]
    assert {name: record[name] for name in ("@message", "@logStream", "path", "@timestamp")} == {
        "@message": '{"path": "/h"}',
        "@logStream": "t",
        "path": "/h",
        "@timestamp": str(NOW + 30_000),
    }
    logs.put_retention_policy(logGroupName="h", retentionInDays=1)
    here.jump(86_400 + 60)
    pointer = found[1][2]["value"]
    gone = ("ResourceNotFoundException", "The specified log record does not exist.")
    assert refusal(logs.get_log_record, logRecordPointer=pointer) == gone
    logs.delete_log_group(logGroupName="h")
    logs.create_log_group(logGroupName="h")
    assert refusal(logs.get_log_record, logRecordPointer=pointer) == gone


def test_results_that_are_final_are_seen_while_a_query_runs(here: Here, logs: Any) -> None:
    events = [{"timestamp": NOW, "message": "m"} for _ in range(5000)]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)

    async def watch() -> tuple[str, tuple[str, int, float]]:
        request = {"queryString": "fields @message", "logGroupName": "g", "startTime": NOW // 1000, "endTime": NOW // 1000 + 1}
        query = (await here.cloud.run("logs", "start_query", request, here.scope))["queryId"]
        while True:
            await asyncio.sleep(0)
            found = await here.cloud.run("logs", "get_query_results", {"queryId": query}, here.scope)
            if found["results"] or found["status"] == "Complete":
                return query, (found["status"], len(found["results"]), found["statistics"]["recordsScanned"])

    query, seen = here.run(watch())
    assert seen == ("Running", 2000, 2000.0)
    here.rest()
    found = logs.get_query_results(queryId=query)
    assert (found["status"], len(found["results"]), found["statistics"]["recordsScanned"]) == ("Complete", 5001, 5001.0)


def test_what_a_query_needs_beside_its_groups_is_looked_for_when_it_is_started(here: Here, logs: Any) -> None:
    request = {"logGroupName": "g", "startTime": NOW // 1000, "endTime": NOW // 1000 + 1}
    text = "filter path in (SOURCE 'h' | fields path)"
    with pytest.raises(Fault) as refused:
        logs.start_query(queryString=text, **request)
    assert refused.value.code == "ResourceNotFoundException"
    logs.create_log_group(logGroupName="h")

    async def start_and_delete() -> str:
        started = await here.cloud.run("logs", "start_query", {"queryString": text, **request}, here.scope)
        await here.cloud.run("logs", "delete_log_group", {"logGroupName": "h"}, here.scope)
        return started["queryId"]

    query = here.run(start_and_delete())
    here.rest()
    assert logs.get_query_results(queryId=query)["status"] == "Failed"


def test_a_hundred_queries_at_once_are_enough(here: Here, logs: Any) -> None:
    request = {"queryString": "fields @message", "logGroupName": "g", "startTime": NOW // 1000, "endTime": NOW // 1000 + 1}

    async def start() -> str:
        for _ in range(100):
            await here.cloud.run("logs", "start_query", request, here.scope)
        with pytest.raises(Fault) as refused:
            await here.cloud.run("logs", "start_query", request, here.scope)
        return refused.value.code

    assert here.run(start()) == "LimitExceededException"
    here.rest()
    logs.start_query(**request)


def test_queries_are_described_and_stopped(logs: Any) -> None:
    request = {"logGroupName": "g", "startTime": NOW // 1000, "endTime": NOW // 1000 + 1}
    query_id = logs.start_query(queryString="fields @message", **request)["queryId"]
    assert logs.stop_query(queryId=query_id) == {"success": True}
    assert logs.describe_queries(logGroupName="g") == {
        "queries": [
            {
                "queryLanguage": "CWLI",
                "queryId": query_id,
                "queryString": f'SOURCE "g" START={NOW} END={NOW + 1999} | fields @message',
                "status": "Cancelled",
                "createTime": NOW,
                "logGroupName": "g",
            }
        ]
    }
    assert logs.describe_queries(logGroupName="g", status="Scheduled") == {"queries": []}
    with pytest.raises(Fault) as refused:
        logs.stop_query(queryId=query_id)
    assert refused.value.code == "InvalidParameterException"


def test_a_query_that_is_none_says_where_and_what_is_missing_is_said(logs: Any) -> None:
    request = {"logGroupName": "g", "startTime": NOW // 1000, "endTime": NOW // 1000 + 1}
    with pytest.raises(Fault) as refused:
        logs.start_query(queryString="fields @message | wish x", **request)
    assert (refused.value.code, refused.value.members["queryCompileError"]["location"]) == (
        "MalformedQueryException",
        {"startCharOffset": 18, "endCharOffset": 22},
    )
    with pytest.raises(Fault) as refused:
        logs.start_query(queryString="diff", **request)
    assert refused.value.code == "NotImplemented"
    with pytest.raises(Fault) as refused:
        logs.start_query(queryString="fields @message", **(request | {"logGroupName": "none"}))
    assert refused.value.message.startswith("Log group 'none' does not exist for account ID '000000000000' (Service: AWSLogs;")
