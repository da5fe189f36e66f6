"""Functions that a durable function invokes and waits for."""

import json
from typing import Any

import pytest

from tests.stories.durables import DAY, WAITS, Run, begin, callback, chained, done, get, happened, stage, wait
from tests.stories.here import Here
from tests.stories.lambdas import arn, make


def test_a_function_waits_for_another_durable_one(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asks(run: Run) -> Any:
        if not run.status("i"):
            await run.checkpoint(chained("i", "g:1", Payload='{"a": 1}', Name="ask"))
            return WAITS
        return done(run.operations["i"]["ChainedInvokeDetails"])

    async def answers(run: Run) -> Any:
        if run.status("w") != "SUCCEEDED":
            await run.checkpoint(wait("w", DAY))
            return WAITS
        return {"Status": "SUCCEEDED", "Result": run.itself["ExecutionDetails"]["InputPayload"]}

    played = stage(here, monkeypatch, f=asks, g=answers)
    started = begin(here)
    here.jump(DAY)
    assert json.loads(get(here, started)["Result"]) == {"Result": '{"a": 1}'}
    assert happened(here, started)[1:4] == ["ChainedInvokeStarted", "InvocationCompleted", "ChainedInvokeSucceeded"]
    told = here.lambda_.get_durable_execution_history(DurableExecutionArn=started)["Events"][1]
    assert told["ChainedInvokeStartedDetails"] == {
        "FunctionName": "g:1",
        "ExecutedVersion": "1",
        "DurableExecutionArn": played.runs[1].arn,
        "Input": {"Payload": '{"a": 1}', "Truncated": False},
    }


@pytest.mark.parametrize("end", ["FAILED", "STOPPED", "TIMED_OUT"])
def test_a_function_hears_how_the_other_ended(here: Here, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    async def asks(run: Run) -> Any:
        if not run.status("i"):
            await run.checkpoint(chained("i", "g:1"))
            return WAITS
        return done([run.status("i"), run.operations["i"]["ChainedInvokeDetails"]["Error"]])

    async def answers(run: Run) -> Any:
        if end == "FAILED":
            return {"Status": "FAILED", "Error": {"ErrorType": "E"}}
        await run.checkpoint(callback("c"))
        return WAITS

    played = stage(here, monkeypatch, timeout=60, g=answers)
    asking = stage(here, monkeypatch, f=asks)
    asking.functions["g"] = answers
    started = begin(here)
    if end == "STOPPED":
        here.lambda_.stop_durable_execution(DurableExecutionArn=asking.runs[1].arn, Error={"ErrorType": "E"})
    here.jump(60)
    timeout = {"ErrorType": "ChainedInvoke.Timeout", "ErrorMessage": "CHAINED_INVOKE timed out after 60 seconds."}
    assert json.loads(get(here, started)["Result"]) == [end, timeout if end == "TIMED_OUT" else {"ErrorType": "E"}]
    assert played.runs == []


def test_a_function_waits_for_one_that_is_not_durable(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    make(here, "plain", "def handler(event, context):\n    if event == 'bad':\n        raise ValueError('no')\n    return {'got': event}\n")

    async def asks(run: Run) -> Any:
        if not run.status("i"):
            await run.checkpoint(chained("i", "plain", Payload='"a"'), chained("j", "plain"), chained("k", "plain", Payload='"bad"'))
            return WAITS
        shown = {id: run.operations[id]["ChainedInvokeDetails"] for id in "ijk"}
        return done(shown) if all(shown.values()) else WAITS

    stage(here, monkeypatch, f=asks)
    started = begin(here)
    here.rest()
    told = json.loads(get(here, started)["Result"])
    assert told["i"] == {"Result": '{"got": "a"}'}
    assert told["j"] == {"Result": '{"got": {}}'}
    assert (told["k"]["Error"]["ErrorType"], told["k"]["Error"]["ErrorMessage"]) == ("ValueError", "no")


def test_one_that_has_no_room_is_waited_for(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    make(here, "plain")
    here.lambda_.put_function_concurrency(FunctionName="plain", ReservedConcurrentExecutions=0)

    async def asks(run: Run) -> Any:
        if not run.status("i"):
            await run.checkpoint(chained("i", "plain", Payload='"a"'))
            return WAITS
        return done(run.operations["i"]["ChainedInvokeDetails"]["Result"])

    stage(here, monkeypatch, f=asks)
    started = begin(here)
    here.jump(60)
    assert get(here, started)["Status"] == "RUNNING"
    here.lambda_.delete_function_concurrency(FunctionName="plain")
    here.jump(60)
    assert json.loads(json.loads(get(here, started)["Result"])) == "a"


def test_what_can_not_be_invoked_fails_at_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    async def asks(run: Run) -> Any:
        await run.checkpoint(chained("i", "nowhere"), chained("j", "f"))
        seen.update({id: (run.status(id), run.operations[id]["ChainedInvokeDetails"]["Error"]) for id in "ij"})
        return done()

    stage(here, monkeypatch, f=asks)
    begin(here)
    missing = {"ErrorType": "ResourceNotFoundException", "ErrorMessage": f"Function not found: {arn('nowhere', '$LATEST')}"}
    unqualified = {
        "ErrorType": "InvalidParameterValueException",
        "ErrorMessage": "You cannot invoke a durable function using an unqualified ARN.",
    }
    assert seen == {"i": ("FAILED", missing), "j": ("FAILED", unqualified)}
