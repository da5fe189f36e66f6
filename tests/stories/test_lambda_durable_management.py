"""What is done with durable executions from outside: listed, stopped, paused, resumed, deleted; and runs that come to nothing."""

import json
from typing import Any

import pytest

from tests.stories.durables import ARN, DAY, WAITS, Run, begin, callback, done, get, happened, stage, step, wait
from tests.stories.here import BEGIN, Here
from tests.stories.lambdas import arn, refusal
from windtunnel.services.lambda_.durable import life

ABSENT = ("ResourceNotFoundException", "Durable Execution does not exist")


async def waits(run: Run) -> Any:
    """Waits for a callback for as long as it takes."""
    if not run.status("a"):
        await run.checkpoint(callback("a"))
    return WAITS if run.status("a") == "STARTED" else done()


async def ends(run: Run) -> Any:
    return done(1)


def test_executions_are_listed_the_newest_first(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, f=waits, g=ends)
    started: list[str] = []
    for name in ("a", "b", "c"):
        started.append(begin(here, name=name))
        here.jump(60)
    here.lambda_.stop_durable_execution(DurableExecutionArn=started[1])
    other = begin(here, name="d", function="f:1")
    begin(here, function="g:1")

    def names(**given: Any) -> list[str]:
        listed = here.lambda_.list_durable_executions_by_function(FunctionName="f", **given)["DurableExecutions"]
        return [execution["DurableExecutionName"] for execution in listed]

    (first,) = here.lambda_.list_durable_executions_by_function(FunctionName="f", MaxItems=1, ReverseOrder=True)["DurableExecutions"]
    assert first == {
        "DurableExecutionArn": started[0],
        "DurableExecutionName": "a",
        "FunctionArn": arn("f", "$LATEST"),
        "Status": "RUNNING",
        "StartTimestamp": BEGIN,
    }
    assert names() == ["d", "c", "b", "a"]
    assert names(ReverseOrder=True) == ["a", "b", "c", "d"]
    assert names(Statuses=["RUNNING"]) == ["d", "c", "a"]
    assert names(Statuses=["STOPPED"], Qualifier="$LATEST") == ["b"]
    assert names(Qualifier="1") == ["d"]
    assert names(Qualifier="$LATEST", ReverseOrder=True) == ["a", "b", "c"]
    assert names(StartedAfter=BEGIN) == ["d", "c", "b"]
    assert names(StartedAfter=BEGIN, StartedBefore=BEGIN + 120) == ["b"]
    assert names(DurableExecutionName="b") == ["b"]
    assert names(DurableExecutionName="b", Statuses=["RUNNING"]) == names(DurableExecutionName="z") == []
    assert names(DurableExecutionName="d", Qualifier="1", StartedAfter=BEGIN + 180) == []
    for reverse in (False, True):
        found: list[str] = []
        marker: dict[str, Any] = {}
        while marker or not found:
            page = here.lambda_.list_durable_executions_by_function(FunctionName="f", MaxItems=3, ReverseOrder=reverse, **marker)
            found += [execution["DurableExecutionName"] for execution in page["DurableExecutions"]]
            marker = {"Marker": page["NextMarker"]} if "NextMarker" in page else {}
        assert found == names(ReverseOrder=reverse)
    listing = here.lambda_.list_durable_executions_by_function
    refused = ("InvalidParameterValueException", "Cannot filter by more than one status")
    assert refusal(listing, FunctionName="f", Statuses=["RUNNING", "FAILED"]) == refused
    assert refusal(listing, FunctionName="f", Marker="x") == ("InvalidParameterValueException", "Invalid Marker")
    assert refusal(listing, FunctionName="none")[0] == "ResourceNotFoundException"
    assert other in [execution["DurableExecutionArn"] for execution in listing(FunctionName="f")["DurableExecutions"]]


def test_what_is_not_there_is_not_found(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, f=ends)
    started = begin(here)
    for missing in (f"{ARN}/one/none", started.replace("one", "two"), started.replace("$LATEST", "1")):
        for operation in ("get", "stop", "pause", "resume", "delete"):
            call = getattr(here.lambda_, f"{operation}_durable_execution")
            assert refusal(call, DurableExecutionArn=missing) == ABSENT
        assert refusal(here.lambda_.get_durable_execution_history, DurableExecutionArn=missing) == ABSENT
    assert refusal(here.at(region="eu-west-1").lambda_.get_durable_execution, DurableExecutionArn=started) == ABSENT


def test_an_execution_is_stopped_for_good(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, f=waits)
    started = begin(here)
    error = {"ErrorType": "Cancelled", "ErrorMessage": "by hand"}
    here.jump(5)
    assert here.lambda_.stop_durable_execution(DurableExecutionArn=started, Error=error) == {"StopTimestamp": BEGIN + 5}
    here.jump(5)
    assert here.lambda_.stop_durable_execution(DurableExecutionArn=started) == {"StopTimestamp": BEGIN + 5}
    shown = get(here, started)
    assert (shown["Status"], shown["Error"], shown["EndTimestamp"]) == ("STOPPED", error, BEGIN + 5)
    assert happened(here, started)[-1] == "ExecutionStopped"
    id = played.runs[0].operations["a"]["CallbackDetails"]["CallbackId"]
    assert refusal(here.lambda_.send_durable_execution_callback_success, CallbackId=id)[0] == "CallbackTimeoutException"
    too_long = {"ErrorMessage": "x" * 1_048_576}
    assert refusal(here.lambda_.stop_durable_execution, DurableExecutionArn=started, Error=too_long)[0] == "InvalidParameterValueException"


def test_a_run_that_is_under_way_when_it_is_stopped_changes_nothing(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stops(run: Run) -> Any:
        await run.call("StopDurableExecution")
        return done("too late")

    stage(here, monkeypatch, f=stops)
    started = begin(here)
    assert (get(here, started)["Status"], get(here, started)["Error"]) == ("STOPPED", {})
    assert happened(here, started) == ["ExecutionStarted", "ExecutionStopped", "InvocationCompleted"]


def test_an_execution_that_takes_too_long_times_out(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, timeout=60, f=waits)
    task = here.begin.lambda_.invoke(FunctionName="f:1", Payload=b"{}")
    here.jump(60)
    answer = here.result(task)
    assert (answer["FunctionError"], json.loads(answer["Payload"])) == (
        "Unhandled",
        {"errorMessage": "Execution timed out after 60 seconds."},
    )
    shown = get(here, answer["DurableExecutionArn"])
    assert (shown["Status"], shown["EndTimestamp"]) == ("TIMED_OUT", BEGIN + 60)
    assert happened(here, answer["DurableExecutionArn"])[-1] == "ExecutionTimedOut"


def test_an_execution_that_waits_is_paused_at_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleeps(run: Run) -> Any:
        if run.status("w") != "SUCCEEDED":
            await run.checkpoint(wait("w", 60))
            return WAITS
        return done()

    played = stage(here, monkeypatch, timeout=DAY, f=sleeps)
    started = begin(here)
    here.lambda_.pause_durable_execution(DurableExecutionArn=started, Reason="later")
    shown = get(here, started)
    assert (shown["Status"], shown["PauseDetails"]) == (
        "PAUSED",
        {"PauseRequestTimestamp": BEGIN, "Reason": "later", "ExecutionTimeoutPaused": True},
    )
    assert "Reason" not in get(here, started, IncludeExecutionData=False)["PauseDetails"]
    here.jump(100)
    assert (happened(here, started)[-1], len(played.runs)) == ("WaitSucceeded", 1)
    here.lambda_.resume_durable_execution(DurableExecutionArn=started, Reason="now")
    here.rest()
    assert get(here, started)["Status"] == "SUCCEEDED"
    events = {event["EventType"]: event for event in here.lambda_.get_durable_execution_history(DurableExecutionArn=started)["Events"]}
    assert events["ExecutionPaused"]["ExecutionPausedDetails"] == {
        "PauseRequestTimestamp": BEGIN,
        "ExecutionTimeoutPaused": True,
        "Reason": {"Payload": "later", "Truncated": False},
    }
    assert events["ExecutionResumed"]["ExecutionResumedDetails"] == {
        "ResumeRequestTimestamp": BEGIN + 100,
        "Reason": {"Payload": "now", "Truncated": False},
    }


def test_a_pause_of_which_nothing_comes_due_is_only_a_pause(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, timeout=100, f=waits)
    started = begin(here)
    here.lambda_.pause_durable_execution(DurableExecutionArn=started)
    assert get(here, started)["ExpectedExecutionTimeoutTimestamp"] == BEGIN + 366 * DAY
    here.jump(50)
    here.lambda_.resume_durable_execution(DurableExecutionArn=started)
    here.rest()
    assert (get(here, started)["Status"], len(played.runs)) == ("RUNNING", 1)
    here.lambda_.pause_durable_execution(DurableExecutionArn=started, ExecutionTimeoutPaused=False)
    assert get(here, started)["ExpectedExecutionTimeoutTimestamp"] == BEGIN + 150
    here.jump(100)
    shown = get(here, started)
    assert (shown["Status"], shown["EndTimestamp"]) == ("TIMED_OUT", BEGIN + 150)  # its time went on


def test_a_paused_execution_times_out_after_366_days(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, timeout=360 * DAY, f=waits)
    started = begin(here)
    here.lambda_.pause_durable_execution(DurableExecutionArn=started)
    here.jump(10 * DAY)
    here.lambda_.resume_durable_execution(DurableExecutionArn=started)
    assert get(here, started)["ExpectedExecutionTimeoutTimestamp"] == BEGIN + 366 * DAY
    here.lambda_.pause_durable_execution(DurableExecutionArn=started)
    here.jump(356 * DAY)
    shown = get(here, started)
    assert (shown["Status"], shown["EndTimestamp"]) == ("TIMED_OUT", BEGIN + 366 * DAY)


def test_a_run_that_is_under_way_is_paused_by_its_next_checkpoint(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[str] = []

    async def works(run: Run) -> Any:
        if run.status("s"):
            return done(run.status("s"))
        await run.call("PauseDurableExecution", Reason="r")
        statuses.append((await run.call("GetDurableExecution"))["Status"])
        answer = await run.checkpoint(step("s"), step("s", "SUCCEED"))
        assert answer == {"NewExecutionState": {"Operations": []}}
        statuses.append((await run.call("GetDurableExecution"))["Status"])
        return WAITS

    played = stage(here, monkeypatch, f=works)
    started = begin(here)
    assert statuses == ["PAUSING", "PAUSED"]
    here.jump(DAY)
    assert len(played.runs) == 1
    here.lambda_.resume_durable_execution(DurableExecutionArn=started)
    here.rest()
    assert get(here, started)["Result"] == '"SUCCEEDED"'


def test_a_run_whose_execution_is_paused_and_resumed_meanwhile_is_followed_by_another(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        if len(played.runs) == 2:
            return done()
        await run.call("PauseDurableExecution")
        await run.checkpoint()
        await run.call("ResumeDurableExecution")
        return WAITS

    played = stage(here, monkeypatch, f=works)
    started = begin(here)
    assert (get(here, started)["Status"], len(played.runs)) == ("SUCCEEDED", 2)


def test_a_run_that_is_planned_waits_for_the_end_of_a_pause(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        return done() if len(played.runs) == 2 else b"{}"

    played = stage(here, monkeypatch, f=works)
    started = begin(here)
    here.lambda_.pause_durable_execution(DurableExecutionArn=started)
    here.jump(60)
    assert len(played.runs) == 1
    here.lambda_.resume_durable_execution(DurableExecutionArn=started)
    here.rest()
    assert get(here, started)["Status"] == "SUCCEEDED"


def test_a_pause_that_was_not_yet_is_taken_back(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        await run.call("PauseDurableExecution")
        await run.call("ResumeDurableExecution")
        await run.checkpoint(step("s"))
        return done(run.token != "")

    stage(here, monkeypatch, f=works)
    started = begin(here)
    assert get(here, started)["Result"] == "true"
    assert "ExecutionPaused" not in happened(here, started)


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_that_ends_without_a_checkpoint_is_paused_then(here: Here, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    async def works(run: Run) -> Any:
        if run.status("a"):
            return done(len(played.runs))
        await run.checkpoint(callback("a"))
        await run.call("PauseDurableExecution")
        return b"{}" if fails else WAITS

    played = stage(here, monkeypatch, f=works)
    started = begin(here)
    here.jump(DAY)
    assert (get(here, started)["Status"], len(played.runs)) == ("PAUSED", 1)
    here.lambda_.resume_durable_execution(DurableExecutionArn=started)
    here.jump(60)
    assert get(here, started)["Status"] == ("SUCCEEDED" if fails else "RUNNING")


def test_only_what_runs_is_paused_and_only_what_is_paused_resumed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, f=waits)
    started = begin(here)
    pause, resume = here.lambda_.pause_durable_execution, here.lambda_.resume_durable_execution
    conflict = "ResourceConflictException"
    assert refusal(resume, DurableExecutionArn=started)[0] == conflict
    pause(DurableExecutionArn=started, ClientToken="a")
    pause(DurableExecutionArn=started, ClientToken="a")  # the same request again
    assert refusal(pause, DurableExecutionArn=started, ClientToken="b")[0] == conflict
    assert refusal(here.lambda_.delete_durable_execution, DurableExecutionArn=started)[0] == conflict
    resume(DurableExecutionArn=started, ClientToken="a")
    resume(DurableExecutionArn=started, ClientToken="a")
    assert get(here, started)["Status"] == "RUNNING"
    here.jump(900)
    assert refusal(resume, DurableExecutionArn=started, ClientToken="a")[0] == conflict
    pause(DurableExecutionArn=started)
    here.lambda_.stop_durable_execution(DurableExecutionArn=started)
    assert refusal(pause, DurableExecutionArn=started)[0] == refusal(resume, DurableExecutionArn=started)[0] == conflict


def test_an_execution_is_deleted_with_all_it_had(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "FORGOTTEN_AT_ONCE", 3)

    async def works(run: Run) -> Any:
        await run.checkpoint(*(step(f"s{number}", "SUCCEED") for number in range(10)))
        return done()

    stage(here, monkeypatch, f=works)
    started = begin(here)
    named = {"DurableExecutionArn": started}
    invoked = {"FunctionName": "f:$LATEST", "InvocationType": "Event", "DurableExecutionName": "one"}

    async def story() -> Any:
        operations = (("DeleteDurableExecution", named), ("GetDurableExecution", named), ("Invoke", invoked))
        return [await here.cloud.run("lambda", operation, request, here.scope) for operation, request in operations]

    deleted, shown, again = here.run(story())
    assert (deleted, shown["Status"]) == ({"DeletionRequestTimestamp": BEGIN}, "DELETING")
    assert again["DurableExecutionArn"] != started  # its name is free at once
    here.rest()
    assert refusal(here.lambda_.get_durable_execution, DurableExecutionArn=started) == ABSENT
    (left,) = here.lambda_.list_durable_executions_by_function(FunctionName="f")["DurableExecutions"]
    assert left["DurableExecutionArn"] == again["DurableExecutionArn"]


def test_an_execution_is_forgotten_when_its_retention_is_over(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, f=ends)
    started = begin(here)
    here.jump(14 * DAY - 1)
    assert get(here, started)["Status"] == "SUCCEEDED"
    here.jump(1)
    assert refusal(here.lambda_.get_durable_execution, DurableExecutionArn=started) == ABSENT
    assert here.lambda_.list_durable_executions_by_function(FunctionName="f") == {"DurableExecutions": []}


def test_a_run_that_fails_is_tried_again_four_times(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(run: Run) -> Any:
        return json.dumps({"errorType": "E", "errorMessage": "no", "stackTrace": []}).encode()

    played = stage(here, monkeypatch, f=fails)
    started = begin(here)
    counts: list[int] = []
    for seconds in (4, 1, 10, 20, 40):
        here.jump(seconds)
        counts.append(len(played.runs))
    assert counts == [1, 2, 3, 4, 5]
    shown = get(here, started)
    assert (shown["Status"], shown["Error"]) == ("FAILED", {"ErrorType": "E", "ErrorMessage": "no"})
    first = here.lambda_.get_durable_execution_history(DurableExecutionArn=started)["Events"][1]
    assert first["InvocationCompletedDetails"]["Error"] == {"Payload": {"ErrorType": "E", "ErrorMessage": "no"}, "Truncated": False}


def test_failures_are_counted_anew_after_one_that_went_well(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(run: Run) -> Any:
        if len(played.runs) == 4:
            await run.checkpoint(wait("w", 1))
            return WAITS
        return done() if len(played.runs) == 9 else b"not JSON"

    played = stage(here, monkeypatch, f=fails)
    started = begin(here)
    here.jump(DAY)
    assert (get(here, started)["Status"], len(played.runs)) == ("SUCCEEDED", 9)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "Invalid Status in invocation output."),
        ({"Status": "DONE"}, "Invalid Status in invocation output."),
        ([], "Invalid Status in invocation output."),
        ({"Status": "SUCCEEDED", "Error": {}}, "Cannot provide an Error for SUCCEEDED status."),
        ({"Status": "FAILED", "Result": "1"}, "Cannot provide a Result for FAILED status."),
        ({"Status": "SUCCEEDED", "Result": "x" * 1_048_577}, "Execution output payload size must be less than or equal to 1048576 bytes."),
        (WAITS, "Cannot return PENDING status with no pending operations."),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_an_answer_that_is_none_fails_the_execution(here: Here, monkeypatch: pytest.MonkeyPatch, answer: Any, message: str) -> None:
    async def answers(run: Run) -> Any:
        return answer

    played = stage(here, monkeypatch, f=answers)
    started = begin(here)
    here.jump(60)
    assert get(here, started)["Error"] == {"ErrorType": "InvalidParameterValueException", "ErrorMessage": message}
    assert len(played.runs) == (3 if answer == WAITS else 1)


def test_an_execution_of_a_function_that_is_gone_fails_when_it_would_go_on(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleeps(run: Run) -> Any:
        await run.checkpoint(wait("w", 60))
        return WAITS

    stage(here, monkeypatch, f=sleeps)
    started = begin(here)
    here.lambda_.delete_function(FunctionName="f")
    here.jump(60)
    error = {"ErrorType": "ResourceNotFoundException", "ErrorMessage": f"Function not found: {arn('f', '$LATEST')}"}
    assert (get(here, started)["Status"], get(here, started)["Error"]) == ("FAILED", error)


def test_a_run_waits_until_its_function_has_room(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    async def works(run: Run) -> Any:
        order.append(f"in {run.itself['Name']}")
        await here.cloud.loop.wait([("go", run.itself["Name"])], None)
        order.append(f"out {run.itself['Name']}")
        return done()

    stage(here, monkeypatch, f=works)
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)

    async def story() -> None:
        for name in ("a", "b"):
            request = {"FunctionName": "f:1", "InvocationType": "Event", "DurableExecutionName": name}
            await here.cloud.run("lambda", "Invoke", request, here.scope)
        await here.cloud.store.committed()
        for name in ("a", "b"):
            while f"in {name}" not in order:
                await here.cloud.loop.wait([("nothing",)], here.now)
            here.cloud.loop.wake([("go", name)])
        await here.cloud.rest()

    here.run(story())
    assert order == ["in a", "out a", "in b", "out b"]
