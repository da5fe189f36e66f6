"""Stories of log events: put, got page by page, searched across streams, and gone after their retention."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from windtunnel.fabric import Fault

NOW = int(BEGIN * 1000)
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000


def put(logs: Any, *events: tuple[int, str], stream: str = "s", group: str = "g") -> Any:
    return logs.put_log_events(
        logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": time, "message": text} for time, text in events]
    )


def texts(page: Any) -> list[str]:
    return [event["message"] for event in page["events"]]


def got(logs: Any, **request: Any) -> list[str]:
    return texts(logs.get_log_events(logGroupName="g", logStreamName="s", **request))


def found(logs: Any, **request: Any) -> list[str]:
    return texts(logs.filter_log_events(logGroupName="g", **request))


def test_events_are_got_in_the_order_of_their_times_whatever_the_order_in_which_they_came(logs: Any) -> None:
    put(logs, (NOW + 10, "c"), (NOW + 5000, "e"))
    put(logs, (NOW, "a"), (NOW + 10, "d"))
    put(logs, (NOW + 5, "b"))
    page = logs.get_log_events(logGroupName="g", logStreamName="s")
    assert page["events"] == [
        {"timestamp": NOW, "message": "a", "ingestionTime": NOW},
        {"timestamp": NOW + 5, "message": "b", "ingestionTime": NOW},
        {"timestamp": NOW + 10, "message": "c", "ingestionTime": NOW},
        {"timestamp": NOW + 10, "message": "d", "ingestionTime": NOW},
        {"timestamp": NOW + 5000, "message": "e", "ingestionTime": NOW},
    ]


def test_a_batch_out_of_order_is_refused_as_a_whole(logs: Any) -> None:
    with pytest.raises(Fault) as refused:
        put(logs, (NOW, "a"), (NOW - 1, "b"))
    assert refused.value.args == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert got(logs) == []


def test_a_batch_spans_a_day_at_most(logs: Any) -> None:
    put(logs, (NOW - DAY, "a"), (NOW, "b"))
    with pytest.raises(Fault) as refused:
        put(logs, (NOW - DAY - 1, "c"), (NOW, "d"))
    assert refused.value.message == "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
    assert got(logs) == ["a", "b"]


def test_what_is_too_old_or_too_new_is_left_out_and_told(logs: Any) -> None:
    times = (NOW - 14 * DAY - 1, NOW - 14 * DAY, NOW - 14 * DAY + 1)
    assert put(logs, *((time, str(number)) for number, time in enumerate(times)))["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    times = (NOW + 2 * HOUR, NOW + 2 * HOUR + 1)
    assert put(logs, *((time, f"n{number}") for number, time in enumerate(times)))["rejectedLogEventsInfo"] == {
        "tooNewLogEventStartIndex": 1
    }
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert put(logs, (NOW - DAY - 1, "x"), (NOW - DAY, "y"))["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert put(logs, (NOW - 20 * DAY, "z"))["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 1}
    assert got(logs) == ["y", "n0"]


def test_a_batch_larger_than_a_megabyte_is_refused_and_26_bytes_count_for_each_event(logs: Any) -> None:
    half = "x" * (524_288 - 26)
    put(logs, (NOW, half), (NOW, half))
    with pytest.raises(Fault) as refused:
        put(logs, (NOW, half), (NOW, half + "é"))
    assert refused.value.args == ("InvalidParameterException", "Upload too large: 1048578 bytes exceeds limit of 1048576")
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 1_048_576


def test_events_need_a_group_and_a_stream(logs: Any) -> None:
    for group, stream, text in (
        ("x", "s", "The specified log group does not exist."),
        ("g", "x", "The specified log stream does not exist."),
    ):
        for call in (
            lambda group=group, stream=stream: put(logs, (NOW, "a"), group=group, stream=stream),
            lambda group=group, stream=stream: logs.get_log_events(logGroupName=group, logStreamName=stream),
            lambda group=group, stream=stream: logs.filter_log_events(logGroupName=group, logStreamNames=[stream]),
        ):
            with pytest.raises(Fault) as refused:
                call()
            assert refused.value.args == ("ResourceNotFoundException", text)


def test_pages_go_backwards_from_the_end_and_forwards_from_the_head(logs: Any) -> None:
    put(logs, *((NOW + number * 400, str(number)) for number in range(10)))
    assert got(logs, limit=4) == ["6", "7", "8", "9"]
    assert got(logs, limit=4, startFromHead=True) == ["0", "1", "2", "3"]
    assert got(logs, startTime=NOW + 800, endTime=NOW + 1600) == ["2", "3"]
    pages: list[list[str]] = []
    request: dict[str, Any] = {"logGroupName": "g", "logStreamName": "s", "limit": 4}
    while (page := logs.get_log_events(**request))["nextBackwardToken"] != request.get("nextToken"):
        pages.append(texts(page))
        request["nextToken"] = page["nextBackwardToken"]
    assert (pages, texts(page)) == ([["6", "7", "8", "9"], ["2", "3", "4", "5"], ["0", "1"]], [])
    assert texts(logs.get_log_events(**(request | {"nextToken": page["nextForwardToken"]}))) == ["0", "1", "2", "3"]


def test_the_forward_token_is_the_same_at_the_end_and_finds_what_comes_later(logs: Any) -> None:
    empty = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    put(logs, (NOW, "a"), (NOW + 1, "b"))
    page = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, nextToken=empty["nextForwardToken"])
    assert texts(page) == ["a", "b"]
    end = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, nextToken=page["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], page["nextForwardToken"])
    put(logs, (NOW + 1, "c"))
    assert got(logs, startFromHead=True, nextToken=end["nextForwardToken"]) == ["c"]
    assert got(logs, nextToken=end["nextBackwardToken"]) == ["a", "b"]


def test_a_token_that_is_none_is_refused(logs: Any) -> None:
    for call in (lambda: got(logs, nextToken="invalid-token"), lambda: found(logs, nextToken="invalid-token")):
        with pytest.raises(Fault) as refused:
            call()
        assert refused.value.args == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_a_search_goes_across_streams_in_the_order_of_time(logs: Any) -> None:
    logs.create_log_stream(logGroupName="g", logStreamName="other")
    put(logs, (NOW, "a"), (NOW + 900, "c"), (NOW + 5000, "e"))
    put(logs, (NOW + 1, "b"), (NOW + 4000, "d"), stream="other")
    assert found(logs) == ["a", "b", "c", "d", "e"]
    assert found(logs, startFromHead=False) == ["e", "d", "c", "b", "a"]
    assert found(logs, logStreamNames=["other"]) == ["b", "d"]
    assert found(logs, logStreamNames=["other", "s"]) == ["a", "b", "c", "d", "e"]
    assert found(logs, logStreamNamePrefix="o") == ["b", "d"]
    assert found(logs, startTime=NOW + 1, endTime=NOW + 4000) == ["b", "c", "d"]
    assert texts(logs.filter_log_events(logGroupIdentifier="arn:aws:logs:us-east-1:000000000000:log-group:g", limit=1)) == ["a"]


def test_a_search_by_pattern_goes_on_where_its_page_ended(logs: Any) -> None:
    put(logs, *((NOW + number * 100, f"{'ERROR' if number % 3 == 0 else 'INFO'} {number}") for number in range(20)))
    for ahead, expected in ((True, [0, 3, 6, 9, 12, 15, 18]), (False, [18, 15, 12, 9, 6, 3, 0])):
        pages: list[list[str]] = []
        request: dict[str, Any] = {"logGroupName": "g", "filterPattern": "ERROR", "limit": 3, "startFromHead": ahead}
        while True:
            page = logs.filter_log_events(**request)
            pages.append(texts(page))
            if "nextToken" not in page:
                break
            request["nextToken"] = page["nextToken"]
        messages = [f"ERROR {number}" for number in expected]
        assert pages == [messages[:3], messages[3:6], messages[6:]]


def test_event_ids_rise_with_time_and_begin_with_it(logs: Any) -> None:
    put(logs, (NOW, "a"), (NOW, "b"), (NOW + 1, "c"))
    put(logs, (NOW, "d"))
    events = logs.filter_log_events(logGroupName="g")["events"]
    ids = [int(event["eventId"]) for event in events]
    assert texts({"events": events}) == ["a", "b", "d", "c"]
    assert ids == sorted(set(ids))
    assert [number >> 144 for number in ids] == [NOW, NOW, NOW, NOW + 1]


def test_json_messages_are_searched_by_their_members(logs: Any) -> None:
    put(logs, (NOW, '{"status": 200}'), (NOW, '{"status": 503}'), (NOW, "plain"))
    assert found(logs, filterPattern="{ $.status >= 500 }") == ['{"status": 503}']


def test_events_are_gone_when_their_retention_ends_and_their_bytes_after_it(here: Here, logs: Any) -> None:
    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    put(logs, (NOW, "old"))
    here.jump(2 * DAY / 1000)
    put(logs, (NOW + 2 * DAY, "new"))
    here.jump(DAY / 1000 - 1)
    assert found(logs) == ["old", "new"]
    here.jump(1.001)
    assert (found(logs), got(logs)) == (["new"], ["new"])
    here.jump(DAY / 1000)
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 29
    here.jump(2 * DAY / 1000)
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0
    logs.delete_retention_policy(logGroupName="g")
    put(logs, (NOW + 4 * DAY, "kept"))
    here.jump(400 * DAY / 1000)
    assert found(logs) == ["kept"]


def test_events_of_a_deleted_stream_are_out_of_sight_at_once_and_its_name_begins_anew(here: Here, logs: Any) -> None:
    put(logs, (NOW, "a"))
    logs.delete_log_stream(logGroupName="g", logStreamName="s")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert (found(logs), got(logs)) == ([], [])
    here.rest()
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0


def test_events_outlive_a_kill(here: Here, logs: Any) -> None:
    put(logs, (NOW, "a"))
    here.restart()
    put(here.logs, (NOW, "b"))
    assert found(here.logs) == ["a", "b"]


def test_a_follower_that_asks_from_its_newest_event_on_misses_nothing_and_knows_repeats_by_their_ids(here: Here, logs: Any) -> None:
    logs.create_log_stream(logGroupName="g", logStreamName="other")
    newest, known, followed = NOW, set[str](), list[str]()
    for turn in range(3):
        put(logs, (NOW + turn * SECOND, f"a{turn}"), (NOW + turn * SECOND, f"b{turn}"))
        put(logs, (NOW + turn * SECOND, f"c{turn}"), stream="other")
        for event in logs.filter_log_events(logGroupName="g", interleaved=True, startTime=newest)["events"]:
            if event["eventId"] not in known:
                followed.append(event["message"])
            known.add(event["eventId"])
            newest = max(newest, event["timestamp"])
        put(logs, (NOW + turn * SECOND, f"late{turn}"))
        here.jump(5)
    assert followed == ["a0", "b0", "c0", "late0", "a1", "b1", "c1", "late1", "a2", "b2", "c2"]


def test_tokens_of_times_beyond_all_times_hold_as_well(logs: Any) -> None:
    far = {"logGroupName": "g", "logStreamName": "s", "endTime": 10**15}
    page = logs.get_log_events(**far)
    put(logs, (NOW, "a"))
    assert texts(logs.get_log_events(**far, nextToken=page["nextBackwardToken"])) == ["a"]
    assert found(logs, startTime=10**15) == []
