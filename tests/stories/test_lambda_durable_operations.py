"""Operations of durable executions: what a checkpoint may say, what comes due, and what the outside tells."""

import json
from typing import Any

import pytest

from tests.stories.durables import ARN, DAY, WAITS, Run, begin, callback, chained, context, done, get, happened, stage, step, wait
from tests.stories.here import BEGIN, Here
from tests.stories.lambdas import refusal
from windtunnel.fabric import Fault

INVALID = "InvalidParameterValueException"


def ended(kind: str, **given: Any) -> dict[str, Any]:
    return {"Id": "x", "Type": "EXECUTION", "Action": kind, **given}


def test_a_step_is_tried_again_when_its_time_has_come(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def tries(run: Run) -> Any:
        if run.status("s") == "PENDING":
            return WAITS
        await run.checkpoint(step("s"))
        attempt = run.operations["s"]["StepDetails"]["Attempt"]
        if attempt < 2:
            retry = {"StepOptions": {"NextAttemptDelaySeconds": 60 * (attempt + 1)}, "Error": {"ErrorType": "E"}}
            await run.checkpoint(step("s", "RETRY", **retry))
            return WAITS
        await run.checkpoint(step("s", "SUCCEED", Payload="1"))
        return done()

    played = stage(here, monkeypatch, f=tries)
    started = begin(here)
    assert played.runs[0].operations["s"] == {
        "Id": "s",
        "Type": "STEP",
        "StartTimestamp": BEGIN,
        "Status": "PENDING",
        "StepDetails": {"Attempt": 1, "Error": {"ErrorType": "E"}, "NextAttemptTimestamp": BEGIN + 60},
    }
    counts: list[int] = []
    for seconds in (59, 1, 119, 1):
        here.jump(seconds)
        counts.append(len(played.runs))
    assert counts == [1, 2, 2, 3]
    ready = played.runs[1].event["InitialExecutionState"]["Operations"][1]
    assert (ready["Status"], ready["StepDetails"]) == ("READY", {"Attempt": 1, "Error": {"ErrorType": "E"}})
    assert played.runs[1].event["UpdatedOperationIds"] == ["s"]
    assert [each for each in happened(here, started) if each.startswith("Step")] == ["StepStarted", "StepFailed"] * 2 + [
        "StepStarted",
        "StepSucceeded",
    ]
    failed = here.lambda_.get_durable_execution_history(DurableExecutionArn=started)["Events"][2]["StepFailedDetails"]
    assert failed == {
        "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 60},
        "Error": {"Payload": {"ErrorType": "E"}, "Truncated": False},
    }


def test_a_condition_is_looked_at_again_with_what_was_found(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def polls(run: Run) -> Any:
        await run.checkpoint(step("s"))
        found = int(run.operations["s"]["StepDetails"].get("Result", "0")) + 1
        if found < 3:
            await run.checkpoint(step("s", "RETRY", Payload=str(found), StepOptions={"NextAttemptDelaySeconds": 10}))
            return WAITS
        await run.checkpoint(step("s", "FAIL", Error={"ErrorMessage": "never"}))
        return done(run.operations["s"])

    stage(here, monkeypatch, f=polls)
    started = begin(here)
    here.jump(20)
    step_then = json.loads(get(here, started)["Result"])
    assert (step_then["Status"], step_then["StepDetails"]) == ("FAILED", {"Attempt": 3, "Error": {"ErrorMessage": "never"}})
    assert happened(here, started).count("StepSucceeded") == 2


def test_a_callback_is_answered_from_outside(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asks(run: Run) -> Any:
        if not run.status("a"):
            await run.checkpoint(callback("a", TimeoutSeconds=DAY, HeartbeatTimeoutSeconds=60), callback("b"), callback("c"))
        details = [run.operations[id]["CallbackDetails"] for id in "abc"]
        return done(details) if all(run.status(id) != "STARTED" for id in "abc") else WAITS

    played = stage(here, monkeypatch, f=asks)
    started = begin(here)
    ids = [played.runs[0].operations[id]["CallbackDetails"]["CallbackId"] for id in "abc"]
    here.lambda_.send_durable_execution_callback_success(CallbackId=ids[0], Result=b'{"ok": true}')
    here.rest()
    assert played.runs[1].event["UpdatedOperationIds"] == ["a"]
    here.lambda_.send_durable_execution_callback_failure(CallbackId=ids[1], Error={"ErrorType": "No"})
    here.lambda_.send_durable_execution_callback_success(CallbackId=ids[2])
    here.rest()
    assert json.loads(get(here, started)["Result"]) == [
        {"CallbackId": ids[0], "Result": '{"ok": true}'},
        {"CallbackId": ids[1], "Error": {"ErrorType": "No"}},
        {"CallbackId": ids[2]},
    ]
    events = here.lambda_.get_durable_execution_history(DurableExecutionArn=started)["Events"]
    assert events[1]["CallbackStartedDetails"] == {"CallbackId": ids[0], "Timeout": DAY, "HeartbeatTimeout": 60}
    assert events[2]["CallbackStartedDetails"] == {"CallbackId": ids[1]}
    over = ("CallbackTimeoutException", "The callback is either timed out or already completed")
    assert refusal(here.lambda_.send_durable_execution_callback_success, CallbackId=ids[0]) == over
    assert refusal(here.lambda_.send_durable_execution_callback_failure, CallbackId=ids[0]) == over
    assert refusal(here.lambda_.send_durable_execution_callback_heartbeat, CallbackId=ids[0]) == over
    assert refusal(here.lambda_.send_durable_execution_callback_success, CallbackId="abcd") == (INVALID, "Invalid callback id")


def test_a_callback_that_is_silent_times_out(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asks(run: Run) -> Any:
        if not run.status("a"):
            await run.checkpoint(callback("a", TimeoutSeconds=150, HeartbeatTimeoutSeconds=60))
        return WAITS if run.status("a") == "STARTED" else done([run.status("a"), run.operations["a"]["CallbackDetails"]["Error"]])

    played = stage(here, monkeypatch, f=asks)
    silent, lively = begin(here), begin(here, name="two")
    id = played.runs[1].operations["a"]["CallbackDetails"]["CallbackId"]
    for _ in range(3):
        here.jump(40)
        here.lambda_.send_durable_execution_callback_heartbeat(CallbackId=id)
    assert json.loads(get(here, silent)["Result"]) == [
        "TIMED_OUT",
        {"ErrorType": "Callback.Heartbeat", "ErrorMessage": "Callback timed out on heartbeat"},
    ]
    assert get(here, silent)["EndTimestamp"] == BEGIN + 60
    assert get(here, lively)["Status"] == "RUNNING"
    here.jump(30)
    assert json.loads(get(here, lively)["Result"]) == ["TIMED_OUT", {"ErrorType": "Callback.Timeout", "ErrorMessage": "Callback timed out"}]
    assert happened(here, lively).count("CallbackTimedOut") == 1


def test_a_beat_of_a_callback_that_has_no_pulse_is_nothing(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asks(run: Run) -> Any:
        await run.checkpoint(callback("a"))
        return WAITS

    played = stage(here, monkeypatch, f=asks)
    started = begin(here)
    id = played.runs[0].operations["a"]["CallbackDetails"]["CallbackId"]
    here.lambda_.send_durable_execution_callback_heartbeat(CallbackId=id)
    here.jump(DAY)
    assert (get(here, started)["Status"], len(played.runs)) == ("RUNNING", 1)


def test_what_ends_while_the_function_runs_is_told_with_its_next_checkpoint(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        await run.checkpoint(callback("a"), wait("w", DAY))
        id = run.operations["a"]["CallbackDetails"]["CallbackId"]
        await here.cloud.run("lambda", "SendDurableExecutionCallbackSuccess", {"CallbackId": id, "Result": b"1"}, here.scope)
        answer = await run.checkpoint()
        assert [row["Id"] for row in answer["NewExecutionState"]["Operations"]] == ["a"]
        await run.checkpoint({"Id": "w", "Type": "WAIT", "Action": "CANCEL"})
        return done(run.status("w"))

    played = stage(here, monkeypatch, f=works)
    started = begin(here)
    assert get(here, started)["Result"] == '"CANCELLED"'
    assert "WaitCancelled" in happened(here, started)
    here.jump(DAY)
    assert len(played.runs) == 1


def test_what_ends_while_the_function_says_good_bye_runs_it_again(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        if not run.status("a"):
            await run.checkpoint(callback("a"))
            id = run.operations["a"]["CallbackDetails"]["CallbackId"]
            await here.cloud.run("lambda", "SendDurableExecutionCallbackSuccess", {"CallbackId": id}, here.scope)
            return WAITS
        return done(run.status("a"))

    played = stage(here, monkeypatch, f=works)
    assert get(here, begin(here))["Result"] == '"SUCCEEDED"'
    assert len(played.runs) == 2


def test_what_lies_within_a_context_that_is_over_is_not_replayed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nests(run: Run) -> Any:
        if not run.status("w"):
            await run.checkpoint(
                *(context("a"), step("a1", ParentId="a"), step("a1", "SUCCEED", ParentId="a")),
                *(context("a2", ParentId="a"), step("a3", ParentId="a2"), context("a", "SUCCEED", Payload="1")),
                *(
                    context("b"),
                    step("b1", ParentId="b"),
                    context("b", "FAIL", Error={"ErrorType": "E"}, ContextOptions={"ReplayChildren": True}),
                ),
                *(context("c"), step("c1", ParentId="c"), wait("w", 1)),
            )
            return WAITS
        return done()

    played = stage(here, monkeypatch, f=nests)
    begin(here)
    here.jump(1)
    rows = played.runs[1].event["InitialExecutionState"]["Operations"]
    assert [row["Id"] for row in rows[1:]] == ["a", "b", "b1", "c", "c1", "w"]
    assert rows[1]["ContextDetails"] == {"Result": "1"}
    assert rows[2]["ContextDetails"] == {"Error": {"ErrorType": "E"}, "ReplayChildren": True}
    assert rows[3]["ParentId"] == "b"


def test_a_long_state_comes_in_pages(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        if not run.status("s0"):
            for number in range(6):
                await run.checkpoint(step(f"s{number}"), step(f"s{number}", "SUCCEED", Payload="x" * 1_000_000))
            await run.checkpoint(wait("w", 1))
            return WAITS
        state = run.event["InitialExecutionState"]
        told = [row["Id"] for row in state["Operations"][1:]]
        request = {"CheckpointToken": run.token}
        rest = await run.call("GetDurableExecutionState", **request, Marker=state["NextMarker"])
        first = await run.call("GetDurableExecutionState", **request, MaxItems=2)
        second = await run.call("GetDurableExecutionState", **request, MaxItems=1, Marker=first["NextMarker"])
        with pytest.raises(Fault) as raised:
            await run.call("GetDurableExecutionState", **request, Marker="x")
        assert raised.value.message == "Invalid Marker"
        assert "NextMarker" not in rest
        return done([told, [row["Id"] for row in rest["Operations"]], len(first["Operations"]), second["Operations"][0]["Id"]])

    stage(here, monkeypatch, f=works)
    started = begin(here)
    here.jump(1)
    assert json.loads(get(here, started)["Result"]) == [["s0", "s1", "s2", "s3", "s4"], ["s5", "w"], 2, "s1"]


def test_a_checkpoint_has_one_token_and_may_be_sent_again(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        token = run.token
        given = {"CheckpointToken": token, "Updates": [step("s")], "ClientToken": "a"}
        answer = await run.call("CheckpointDurableExecution", **given)
        assert await run.call("CheckpointDurableExecution", **given) == answer
        refused = [given | {"ClientToken": "b"}, {"CheckpointToken": token}, {"CheckpointToken": "abcd"}]
        for request in refused:
            with pytest.raises(Fault) as raised:
                await run.call("CheckpointDurableExecution", **request)
            assert (raised.value.code, raised.value.message) == (INVALID, "Invalid checkpoint token")
        with pytest.raises(Fault) as raised:
            await run.call("GetDurableExecutionState", CheckpointToken=token)
        assert raised.value.message == "Invalid checkpoint token"
        with pytest.raises(Fault) as raised:
            await run.call("CheckpointDurableExecution", DurableExecutionArn=f"{ARN}/other/id", CheckpointToken=answer["CheckpointToken"])
        assert raised.value.message == "Checkpoint token is not valid for the durable execution ARN"
        assert [row["Id"] for row in answer["NewExecutionState"]["Operations"]] == ["s"]
        run.token = token = answer["CheckpointToken"]
        await run.checkpoint()
        with pytest.raises(Fault) as raised:
            await run.call("CheckpointDurableExecution", CheckpointToken=token)  # no word that it is the same
        assert raised.value.message == "Invalid checkpoint token"
        return done()

    played = stage(here, monkeypatch, f=works)
    assert get(here, begin(here))["Status"] == "SUCCEEDED"
    request = {"DurableExecutionArn": played.runs[0].arn, "CheckpointToken": played.runs[0].token}
    assert refusal(here.lambda_.checkpoint_durable_execution, **request) == (INVALID, "Invalid checkpoint token")


def test_a_token_is_good_for_one_run(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        if len(played.runs) == 1:
            return b"{}"
        with pytest.raises(Fault) as raised:
            await run.call("CheckpointDurableExecution", CheckpointToken=played.runs[0].token)
        return done(raised.value.message)

    played = stage(here, monkeypatch, f=works)
    started = begin(here)
    here.jump(5)
    assert get(here, started)["Result"] == '"Invalid checkpoint token"'


BEFORE = (
    *(step("started"), step("over"), step("over", "SUCCEED"), context("in"), context("out"), context("out", "SUCCEED")),
    *(wait("waits", 60, Name="w", SubType="Wait"), callback("asked"), step("parted", ParentId="in")),
    *(chained("invoked", "nowhere"),),
)
LONG = "x" * 1_048_577


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ([ended("SUCCEED"), ended("FAIL")], "Cannot checkpoint multiple EXECUTION updates."),
        ([ended("SUCCEED"), step("s")], "EXECUTION checkpoint must be the last update."),
        ([step("s"), step("s")], "Cannot checkpoint multiple operations with the same ID."),
        ([wait("v", 1), {"Id": "v", "Type": "WAIT", "Action": "CANCEL"}], "Cannot checkpoint multiple operations with the same ID."),
        ([step("s", ParentId="none")], "Invalid parent operation id."),
        ([step("s", ParentId="started")], "Invalid parent operation id."),
        ([context("started")], "Inconsistent operation type."),
        ([wait("waits", 1, SubType="Other")], "Inconsistent operation subtype."),
        ([wait("waits", 1, Name="v")], "Inconsistent operation name."),
        ([step("parted", "SUCCEED", ParentId="out")], "Inconsistent parent operation id."),
        ([step("s", "CANCEL")], "Invalid action for the given operation type."),
        ([ended("START")], "Invalid action for the given operation type."),
        ([step("s", "SUCCEED", Error={})], "Cannot provide an Error for SUCCEED action."),
        ([step("s", "FAIL", Payload="1")], "Cannot provide a Payload for FAIL action."),
        ([step("started")], "Invalid current STEP state to start."),
        ([step("over", "SUCCEED")], "Invalid current STEP state to close."),
        ([step("over", "RETRY", StepOptions={"NextAttemptDelaySeconds": 1})], "Invalid current STEP state to re-attempt."),
        ([step("started", "RETRY")], "Invalid StepOptions for the given action."),
        (
            [step("started", "RETRY", StepOptions={"NextAttemptDelaySeconds": 1}, Payload="1", Error={})],
            "Cannot provide both error and payload to RETRY a STEP.",
        ),
        ([context("in")], "Cannot start a CONTEXT that already exist."),
        ([context("out", "FAIL")], "Invalid current CONTEXT state to close."),
        ([wait("waits", 1)], "Cannot start a WAIT that already exist."),
        ([{"Id": "v", "Type": "WAIT", "Action": "START"}], "Update for WAIT operation requires WaitOptions."),
        ([{"Id": "v", "Type": "WAIT", "Action": "CANCEL"}], "Cannot cancel a WAIT that does not exist or has already completed."),
        ([callback("asked")], "Cannot start a CALLBACK that already exist."),
        ([chained("invoked", "f")], "Cannot start a CHAINED_INVOKE operation that already exists."),
        ([{"Id": "v", "Type": "CHAINED_INVOKE", "Action": "START"}], "Update for CHAINED_INVOKE operation requires ChainedInvokeOptions."),
        ([chained("v", "123456789012:function:f")], "Cannot start a CHAINED_INVOKE on a function in another account."),
        (
            [chained("v", "arn:aws:lambda:eu-west-1:000000000000:function:f")],
            "Cannot start a CHAINED_INVOKE on a function in another region.",
        ),
        ([step("s", "SUCCEED", Payload=LONG)], "STEP payload size must be less than or equal to 1048576 bytes."),
        ([chained("v", "f", Payload=LONG)], "CHAINED_INVOKE input payload size must be less than or equal to 1048576 bytes."),
        ([ended("SUCCEED", Payload=LONG)], "Execution output payload size must be less than or equal to 1048576 bytes."),
        ([step("s", "FAIL", Error={"ErrorMessage": LONG})], "Error object size must be less than or equal to 1048576 bytes."),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_checkpoint_is_refused_as_a_whole(here: Here, monkeypatch: pytest.MonkeyPatch, updates: list[Any], message: str) -> None:
    async def works(run: Run) -> Any:
        await run.checkpoint(*BEFORE)
        with pytest.raises(Fault) as raised:
            await run.checkpoint(step("before"), *updates)
        assert (raised.value.code, raised.value.message) == (INVALID, message)
        state = await run.call("GetDurableExecutionState", CheckpointToken=run.token)
        return done("before" in [row["Id"] for row in state["Operations"]])

    stage(here, monkeypatch, f=works)
    assert get(here, begin(here))["Result"] == "false"


def test_an_execution_has_so_many_operations_and_bytes_at_most(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def counts(run: Run) -> Any:
        for at in range(0, 3000, 500):
            await run.checkpoint(*(step(f"s{number}") for number in range(at, at + 500)))
        return await refused(run, step("more"))

    async def writes(run: Run) -> Any:
        for at in range(0, 100, 5):
            await run.checkpoint(*(step(f"s{number}", "SUCCEED", Payload="x" * 1_048_576) for number in range(at, min(at + 5, 99))))
        return await refused(run, step("more", "SUCCEED", Payload="x" * 1_048_576))

    async def refused(run: Run, update: Any) -> Any:
        with pytest.raises(Fault) as raised:
            await run.checkpoint(update)
        return done([raised.value.code, raised.value.message])

    stage(here, monkeypatch, f=counts, g=writes)
    assert json.loads(get(here, begin(here))["Result"]) == [INVALID, "A durable execution cannot have more than 3000 operations."]
    long = begin(here, function="g:1")
    assert json.loads(get(here, long)["Result"]) == [INVALID, "A durable execution cannot write more than 104857600 bytes."]


def test_an_execution_may_end_with_a_checkpoint(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(run: Run) -> Any:
        answer = await run.checkpoint(step("s"), ended("SUCCEED", Payload='"long"'))
        assert "CheckpointToken" not in answer
        return {"Status": "SUCCEEDED", "Result": ""}

    async def fails(run: Run) -> Any:
        await run.checkpoint(ended("FAIL", Error={"ErrorType": "E"}))
        return {"Status": "FAILED"}

    stage(here, monkeypatch, f=works, g=fails)
    well, badly = begin(here), begin(here, function="g:1")
    assert (get(here, well)["Status"], get(here, well)["Result"]) == ("SUCCEEDED", '"long"')
    assert (get(here, badly)["Status"], get(here, badly)["Error"]) == ("FAILED", {"ErrorType": "E"})
