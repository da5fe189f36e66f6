"""What the stories about durable functions share: functions that run in the test's own process and answer as the runtime would."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import make
from windtunnel.services.lambda_.durable import runs
from windtunnel.services.lambda_.running.execute import Ran

DAY = 86_400
WAITS = {"Status": "PENDING"}
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:$LATEST/durable-execution"


def done(result: Any = None) -> dict[str, Any]:
    return {"Status": "SUCCEEDED", "Result": json.dumps(result)}


def wait(id: str, seconds: int, **given: Any) -> dict[str, Any]:
    return {"Id": id, "Type": "WAIT", "Action": "START", "WaitOptions": {"WaitSeconds": seconds}, **given}


def step(id: str, action: str = "START", **given: Any) -> dict[str, Any]:
    return {"Id": id, "Type": "STEP", "Action": action, **given}


def callback(id: str, **options: int) -> dict[str, Any]:
    return {"Id": id, "Type": "CALLBACK", "Action": "START", "CallbackOptions": options}


def context(id: str, action: str = "START", **given: Any) -> dict[str, Any]:
    return {"Id": id, "Type": "CONTEXT", "Action": action, **given}


def chained(id: str, function: str, **given: Any) -> dict[str, Any]:
    return {"Id": id, "Type": "CHAINED_INVOKE", "Action": "START", "ChainedInvokeOptions": {"FunctionName": function}, **given}


class Run:
    """One run of a function: what it got, and what it says meanwhile."""

    def __init__(self, here: Here, event: dict[str, Any], request_id: str) -> None:
        self._here, self.event, self.request_id = here, event, request_id
        self.arn, self.token = event["DurableExecutionArn"], event["CheckpointToken"]
        self.operations = {row["Id"]: row for row in event["InitialExecutionState"]["Operations"]}
        (self.itself,) = (row for row in self.operations.values() if row["Type"] == "EXECUTION")

    def status(self, id: str) -> str:
        return self.operations[id]["Status"] if id in self.operations else ""

    async def call(self, operation: str, **request: Any) -> Any:
        answer = await self._here.cloud.run("lambda", operation, {"DurableExecutionArn": self.arn, **request}, self._here.scope)
        await self._here.cloud.store.committed()
        return answer

    async def checkpoint(self, *updates: dict[str, Any], **given: Any) -> Any:
        """Raises the fault of a checkpoint that is refused."""
        request = {"CheckpointToken": self.token, "Updates": list(updates), **given}
        answer = await self.call("CheckpointDurableExecution", **request)
        self.token = answer.get("CheckpointToken", "")
        self.operations |= {row["Id"]: row for row in answer["NewExecutionState"]["Operations"]}
        return answer


Function = Callable[[Run], Awaitable[Any]]


class Stage:
    """The functions of a story, by name, and the runs they had. One that returns bytes has failed with them."""

    def __init__(self, here: Here, **functions: Function) -> None:
        self.here, self.functions, self.runs = here, functions, list[Run]()

    async def execute(self, call: Any, found: Any, payload: bytes, request_id: str, **_: Any) -> Ran:
        run = Run(self.here, json.loads(payload), request_id)
        self.runs.append(run)
        answer = await self.functions[found.name](run)
        if isinstance(answer, bytes):
            return Ran(answer, "Unhandled", "", "")
        return Ran(json.dumps(answer).encode(), "", "", "")


def stage(
    here: Here, monkeypatch: pytest.MonkeyPatch, *, timeout: int = 90 * DAY, given: dict[str, Any] | None = None, **functions: Function
) -> Stage:
    """Durable functions that are played by the story."""
    found = Stage(here, **functions)
    monkeypatch.setattr(runs, "execute", found.execute)
    for name in functions:
        make(here, name, DurableConfig={"ExecutionTimeout": timeout}, Publish=True, **(given or {}))
    return found


def begin(here: Here, payload: Any = None, name: str = "one", function: str = "f:$LATEST") -> str:
    """Starts an execution that nobody waits for; its ARN."""
    request = {"FunctionName": function, "InvocationType": "Event", "Payload": json.dumps(payload).encode()}
    arn: str = here.lambda_.invoke(**request, DurableExecutionName=name)["DurableExecutionArn"]
    here.rest()
    return arn


def get(here: Here, arn: str, **given: Any) -> Any:
    return here.lambda_.get_durable_execution(DurableExecutionArn=arn, **given)


def happened(here: Here, arn: str) -> list[str]:
    """The types of all events of an execution's history."""
    events = here.lambda_.get_durable_execution_history(DurableExecutionArn=arn, MaxItems=1000)["Events"]
    return [event["EventType"] for event in events]
