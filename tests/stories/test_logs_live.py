"""Stories of live sessions: events as they come in, whatever their times, until the watcher goes or three hours are over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from windtunnel.fabric import Fault

NOW = int(BEGIN * 1000)
ARN = "arn:aws:logs:us-east-1:000000000000:log-group:g"


@pytest.fixture
def logs(here: Here) -> Any:
    here.logs.create_log_group(logGroupName="g")
    for name in ("a", "b"):
        here.logs.create_log_stream(logGroupName="g", logStreamName=name)
    return here.logs


def put(logs: Any, stream: str, time: int, text: str) -> None:
    logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=[{"timestamp": time, "message": text}])


def start(logs: Any, **request: Any) -> Any:
    return logs.start_live_tail(logGroupIdentifiers=[ARN], **request)["responseStream"]


def following(here: Here, stream: Any, seconds: float = 1) -> Any:
    """What a session sends next, once so much time has passed."""

    async def both() -> Any:
        coming = here.cloud.loop.spawn(anext(stream))
        await here.cloud.jump(here.now + seconds)
        return await coming

    return here.run(both())


def test_a_session_is_sent_what_comes_in_every_second(here: Here, logs: Any) -> None:
    put(logs, "a", NOW, "before")
    stream = start(logs, logEventFilterPattern="-no")
    assert here.run(anext(stream))["sessionStart"]["logGroupIdentifiers"] == [ARN]
    put(logs, "b", NOW, "new")
    put(logs, "a", NOW - 3_600_000, "late")
    put(logs, "a", NOW, "no")
    told = {"logGroupIdentifier": "000000000000:g", "ingestionTime": NOW}
    assert following(here, stream) == {
        "sessionUpdate": {
            "sessionMetadata": {"sampled": False},
            "sessionResults": [
                {"logStreamName": "b", "message": "new", "timestamp": NOW, **told},
                {"logStreamName": "a", "message": "late", "timestamp": NOW - 3_600_000, **told},
            ],
        }
    }
    assert following(here, stream)["sessionUpdate"]["sessionResults"] == []
    here.run(stream.aclose())


def test_a_session_may_watch_some_streams_only(here: Here, logs: Any) -> None:
    streams = [start(logs, logStreamNames=["a"]), start(logs, logStreamNamePrefixes=["b", "c"])]
    for stream in streams:
        here.run(anext(stream))
    put(logs, "a", NOW, "in a")
    put(logs, "b", NOW, "in b")
    updates = [following(here, stream)["sessionUpdate"]["sessionResults"] for stream in streams]
    assert [[event["message"] for event in update] for update in updates] == [["in a"], ["in b"]]
    for stream in streams:
        here.run(stream.aclose())


def test_a_session_that_is_behind_is_sent_a_sample(here: Here, logs: Any) -> None:
    stream = start(logs)
    here.run(anext(stream))
    events = [{"timestamp": NOW, "message": str(number)} for number in range(1200)]
    logs.put_log_events(logGroupName="g", logStreamName="a", logEvents=events)
    update = following(here, stream)["sessionUpdate"]
    assert (update["sessionMetadata"], len(update["sessionResults"])) == ({"sampled": True}, 500)
    here.run(stream.aclose())


def test_a_session_ends_after_three_hours(here: Here, logs: Any) -> None:
    stream = start(logs)
    here.run(anext(stream))
    following(here, stream, 3 * 3600)
    with pytest.raises(Fault) as ended:
        here.run(anext(stream))
    assert ended.value.code == "SessionTimeoutException"


def test_a_session_names_groups_by_their_arns(logs: Any) -> None:
    with pytest.raises(Fault) as refused:
        logs.start_live_tail(logGroupIdentifiers=["g"])
    assert refused.value.code == "InvalidParameterException"


def test_fifteen_sessions_at_once_are_enough(here: Here, logs: Any) -> None:
    streams = [start(logs) for _ in range(15)]
    with pytest.raises(Fault) as refused:
        start(logs)
    assert refused.value.args == ("LimitExceededException", "Resource limit exceeded.")
    here.run(anext(streams[0]))
    here.run(streams[0].aclose())
    start(logs)
    here.jump(3 * 3600)
    start(logs)


def test_a_group_is_named_by_an_arn_without_an_asterisk(logs: Any) -> None:
    with pytest.raises(Fault) as refused:
        logs.start_live_tail(logGroupIdentifiers=[f"{ARN}:*"])
    assert refused.value.code == "InvalidParameterException"
