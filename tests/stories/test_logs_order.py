"""Whatever comes in, in whatever order, is read in one order: a naive model beside pages of all kinds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stories.here import BEGIN, Here

NOW = int(BEGIN * 1000)
BATCHES = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 6000), min_size=1, max_size=8).map(sorted)), min_size=1, max_size=8
)


def filtered(here: Here, request: dict[str, Any]) -> list[str]:
    found: list[str] = []
    while True:
        page = here.logs.filter_log_events(logGroupName="g", **request)
        found += [event["message"] for event in page["events"]]
        if "nextToken" not in page:
            return found
        request = {**request, "nextToken": page["nextToken"]}


def paged(here: Here, stream: str, limit: int, *, ahead: bool) -> list[str]:
    found: list[str] = []
    request: dict[str, Any] = {"logGroupName": "g", "logStreamName": stream, "limit": limit, "startFromHead": ahead}
    word = "nextForwardToken" if ahead else "nextBackwardToken"
    while (page := here.logs.get_log_events(**request))[word] != request.get("nextToken"):
        texts = [event["message"] for event in page["events"]]
        found = found + texts if ahead else texts + found
        request["nextToken"] = page[word]
    return found


@settings(max_examples=15, deadline=None, derandomize=True)
@given(batches=BATCHES, limit=st.integers(1, 5), start=st.integers(0, 6000), end=st.integers(0, 6000))
def test_every_way_of_reading_agrees_with_sorting(batches: list[tuple[str, list[int]]], limit: int, start: int, end: int) -> None:
    with TemporaryDirectory() as folder:
        here = Here(Path(folder))
        here.logs.create_log_group(logGroupName="g")
        for stream in "abc":
            here.logs.create_log_stream(logGroupName="g", logStreamName=stream)
        model: list[tuple[int, int, str, str]] = []
        for number, (stream, times) in enumerate(batches):
            events = [{"timestamp": NOW + time, "message": f"{number}/{place}"} for place, time in enumerate(times)]
            here.logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=events)
            model += [(NOW + time, number, stream, f"{number}/{place}") for place, time in enumerate(times)]
        model.sort(key=lambda event: event[:2])
        everything = [text for *_, text in model]
        inside = [text for time, _, _, text in model if start <= time - NOW <= end]
        some = [text for *_, stream, text in model if stream in "ab"]
        assert filtered(here, {"limit": limit}) == everything
        assert filtered(here, {"limit": limit, "startFromHead": False}) == everything[::-1]
        assert filtered(here, {"limit": limit, "startTime": NOW + start, "endTime": NOW + end}) == inside
        assert filtered(here, {"limit": limit, "logStreamNames": ["a", "b"]}) == some
        for stream in "abc":
            own = [text for *_, its, text in model if its == stream]
            assert paged(here, stream, limit, ahead=True) == own
            assert paged(here, stream, limit, ahead=False) == own
        here.close()
