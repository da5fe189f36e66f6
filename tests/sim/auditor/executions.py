"""Lambda's durable executions: what was begun goes on to its end, one run at a time, and what was kept of it never changes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.elsewhere import Elsewhere, Places, Troubles
from tests.sim.world.durable import ENDED
from tests.sim.world.events import Played

ABSENT, CONFLICT, KNOWN = "ResourceNotFoundException", "ResourceConflictException", "DurableExecutionAlreadyStartedException"
CLOSED = "CallbackTimeoutException"
TOLD, RULE, TARGET = "told", "statuses", "target"
FUNCTIONS = ("brief", "lasting", "plain")
DAY_SECONDS = 86_400.0
LATE_SECONDS = 5.0
OVER = ("Succeeded", "Failed", "TimedOut", "Stopped", "Cancelled")


@dataclass(eq=False, slots=True)
class Execution:
    """One execution. `operations` is what its function was told of them last, `kept` which it was told are over."""

    arn: str
    name: str
    payload: str
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    run: str = ""
    """The run that is under way."""
    stands: str = ""
    """"ended" or "paused", as somebody was told: no run begins."""
    deleted: bool = False
    gone: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    callbacks: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By the operation's id, how it was answered: acknowledged, so it stays so."""


class Executions(Elsewhere, Places):
    """All executions, in a region of their own, with a queue that is told of their statuses."""

    region = "sa-east-1"

    def __init__(self, ask: Ask, troubles: Troubles, rows: Callable[[str], Any]) -> None:
        Elsewhere.__init__(self, ask, troubles)
        Places.__init__(self, ask)
        self._rows = rows
        self.executions: dict[str, Execution] = {}
        self.asked: set[str] = set()
        """What was ever invoked, by its label: an execution of anything else is nobody's."""
        self.callbacks: dict[str, tuple[str, str]] = {}
        """(execution, operation) of each callback that a function was told of."""
        self._news: list[tuple[Execution, str]] = []

    # ------------------------------------------------------------ what is needed

    def put_rule(self, call: Call) -> None:
        if ended(call):
            self.made.add(RULE)

    def put_rule_unknown(self, call: Call) -> None:
        if not self.ask("events", "DescribeRule", Name=RULE).fault:
            self.made.add(RULE)

    def put_targets(self, call: Call) -> None:
        if ended(call):
            self.made.add(TARGET)

    def put_targets_unknown(self, call: Call) -> None:
        if self.said("events", "ListTargetsByRule", Rule=RULE)["Targets"]:
            self.made.add(TARGET)

    def create_function(self, call: Call) -> None:
        if ended(call, *([CONFLICT] if call.request["FunctionName"] in self.made else [])):
            self.made.add(call.request["FunctionName"])

    def create_function_unknown(self, call: Call) -> None:
        if not self.ask("lambda", "GetFunction", FunctionName=call.request["FunctionName"]).fault:
            self.made.add(call.request["FunctionName"])

    # ------------------------------------------------------------ beginning

    def invoke(self, call: Call) -> None:
        name, payload = call.request.get("DurableExecutionName", ""), call.request["Payload"].decode()
        if call.fault:
            ended(call, KNOWN)
            known = next(iter(self._listed(call.request["FunctionName"], DurableExecutionName=name)), None)
            if known is not None:
                execution = self._execution(known["DurableExecutionArn"])
                holds(execution.payload != payload, f"{call}: it is the same that was begun before")
            return
        arn = call.result["DurableExecutionArn"]
        for other in self.executions.values():
            if name and other.name == name and other.arn != arn and _function(other.arn) == _function(arn):
                holds(self._may_be_gone(other, call.now), f"{call} began another, while {other.arn} is there")
        execution = self._execution(arn)
        same(f"the payload of {arn}", execution.payload, payload)
        if name:
            same(f"the name of {arn}", execution.name, name)
        if "Payload" in call.result and (shown := self._get(execution)) is not None:
            same(f"whether {arn} failed", "FunctionError" in call.result, shown["Status"] != "SUCCEEDED")
            if shown["Status"] == "SUCCEEDED":
                same(f"the result of {arn}", call.result["Payload"].decode(), shown.get("Result", "null"))

    def _execution(self, arn: str) -> Execution:
        """The one of that ARN, which somebody must have asked for."""
        if (known := self.executions.get(arn)) is not None:
            return known
        answer = self.ask("lambda", "GetDurableExecution", DurableExecutionArn=arn)
        shown = {"InputPayload": "", **({} if answer.fault else answer.result)}
        found = self.executions[arn] = Execution(arn, arn.split("/")[-2], shown["InputPayload"])
        label = json.loads(found.payload)["label"] if found.payload else ""
        holds(answer.fault == ABSENT or "." in label or label in self.asked, f"nobody asked for {arn}: {answer.fault} {label}")
        return found

    def _get(self, execution: Execution) -> dict[str, Any] | None:
        answer = self.ask("lambda", "GetDurableExecution", DurableExecutionArn=execution.arn)
        holds(answer.fault in ("", ABSENT), f"{execution.arn}: {answer.fault} {answer.message}")
        if answer.fault:
            holds(execution.gone or self._may_be_gone(execution, self.troubles.now()), f"{execution.arn} is gone: {execution.shown}")
            return None
        holds(not execution.gone, f"{execution.arn} was gone already")
        return answer.result

    def _may_be_gone(self, execution: Execution, now: float) -> bool:
        if execution.deleted:
            return True
        since = execution.shown.get("EndTimestamp", execution.shown.get("StartTimestamp", 0.0))
        return now >= since + DAY_SECONDS

    def _listed(self, function: str, **more: Any) -> Iterator[dict[str, Any]]:
        name, _, qualifier = function.partition(":")
        marker: dict[str, str] = {}
        while True:
            page = self.said(
                "lambda", "ListDurableExecutionsByFunction", FunctionName=name, Qualifier=qualifier, MaxItems=50, **more, **marker
            )
            yield from page["DurableExecutions"]
            if "NextMarker" not in page:
                return
            marker = {"Marker": page["NextMarker"]}

    # ------------------------------------------------------------ what clients do with it

    def _of(self, call: Call, *conflicts: str) -> tuple[Execution, str] | None:
        """The execution that a call was about and the status it has by now; None where it was refused for being gone."""
        execution = self.executions[call.request["DurableExecutionArn"]]
        shown = self._get(execution)
        if call.fault == ABSENT:
            holds(self._may_be_gone(execution, call.now), f"{call}: {execution.shown}")
            return None
        if call.fault not in conflicts:
            ended(call)
        return execution, "" if shown is None else shown["Status"]

    def _ended_now(self, execution: Execution) -> bool:
        """Whether it may have ended in this step, after the call."""
        shown = self._get(execution)
        return shown is None or shown["EndTimestamp"] >= self.troubles.now()

    def stop_durable_execution(self, call: Call) -> None:
        if (found := self._of(call)) is not None:
            holds(found[1] in ("", *ENDED), f"{call}: and it is {found[1]}")
            self._news.append((found[0], "ended"))

    def delete_durable_execution(self, call: Call) -> None:
        if not call.fault:
            self.executions[call.request["DurableExecutionArn"]].deleted = True
        if (found := self._of(call, CONFLICT)) is None:
            return
        execution, status = found
        if call.fault:
            holds(status not in ENDED or self._ended_now(execution), f"{call}: it is {status}")
        else:
            holds(status in ("", "DELETING"), f"{call}: and it is {status}")
            self._news.append((execution, "ended"))

    def delete_durable_execution_unknown(self, call: Call) -> None:
        if self.ask("lambda", "GetDurableExecution", DurableExecutionArn=call.request["DurableExecutionArn"]).fault:
            self.executions[call.request["DurableExecutionArn"]].deleted = True

    def pause_durable_execution(self, call: Call) -> None:
        if (found := self._of(call, CONFLICT)) is not None:
            holds(found[1] != "RUNNING", f"{call}: and it is {found[1]}")
            if found[1] == "PAUSED":
                self._news.append((found[0], "paused"))

    def resume_durable_execution(self, call: Call) -> None:
        if (found := self._of(call, CONFLICT)) is not None:
            holds(found[1] not in ("PAUSED", "PAUSING"), f"{call}: and it is {found[1]}")
            self._goes_on(found[0])

    def resume_durable_execution_unknown(self, call: Call) -> None:
        self._goes_on(self.executions[call.request["DurableExecutionArn"]])

    def _goes_on(self, execution: Execution) -> None:
        self._news = [(one, what) for one, what in self._news if one is not execution or what != "paused"]
        if execution.stands == "paused":
            execution.stands = ""

    def invoke_unknown(self, call: Call) -> None:
        """Whether there is one shows by itself."""

    stop_durable_execution_unknown = pause_durable_execution_unknown = invoke_unknown

    def get_durable_execution(self, call: Call) -> None:
        self._of(call)

    def get_durable_execution_history(self, call: Call) -> None:
        if (found := self._of(call)) is not None:
            numbers = [event["EventId"] for event in call.result["Events"]]
            holds(numbers, f"{call}: no event")
            step = -1 if call.request.get("ReverseOrder") else 1
            same(f"the EventIds of {found[0].arn}", numbers, [numbers[0] + step * at for at in range(len(numbers))])
            holds(step < 0 or numbers[0] == 1, f"{call}: begins with {numbers[0]}")

    def list_durable_executions_by_function(self, call: Call) -> None:
        if ended(call):
            wanted = call.request.get("Statuses", [])
            for one in call.result["DurableExecutions"]:
                holds(not wanted or one["Status"] in wanted, f"{call}: {one}")
                self._execution(one["DurableExecutionArn"])

    # ------------------------------------------------------------ callbacks

    def send_durable_execution_callback_success(self, call: Call) -> None:
        self._answered(call, "CallbackSucceeded")

    def send_durable_execution_callback_failure(self, call: Call) -> None:
        self._answered(call, "CallbackFailed")

    def send_durable_execution_callback_heartbeat(self, call: Call) -> None:
        self._answered(call, "")

    def _answered(self, call: Call, event: str) -> None:
        arn, id = self.callbacks[call.request["CallbackId"]]
        execution = self.executions[arn]
        shown = self._get(execution)
        if shown is None:
            return
        ends = [one for one in self._history(execution) if one.get("Id") == id and one["EventType"] != "CallbackStarted"]
        if call.fault:
            ended(call, CLOSED)
            holds(ends or shown["Status"] in ENDED, f"{call}: {arn} waits for it")
        elif ended(call) and event:
            holds(id not in execution.callbacks, f"{call}: it was answered before, as {execution.callbacks.get(id)}")
            execution.callbacks[id] = (event, call.request.get("Result", b"").decode())

    send_durable_execution_callback_success_unknown = invoke_unknown
    send_durable_execution_callback_failure_unknown = invoke_unknown
    send_durable_execution_callback_heartbeat_unknown = invoke_unknown

    # ------------------------------------------------------------ runs

    def played(self, event: Played) -> None:
        """A function was run, and saw something."""
        execution = self._execution(event.execution)
        if event.what == "begins":
            holds(not execution.run, f"{event}: {execution.run} is under way")
            holds(not execution.stands, f"{event}: it is {execution.stands}")
            execution.run = event.request
            self._begins(execution, event)
        elif event.what == "ends":
            execution.run = ""
        elif event.what == "step":
            id = event.operations[0]["Id"]
            holds(id not in execution.kept, f"{event}: {execution.kept.get(id)} already")
        elif event.what == "kept":
            execution.kept |= {one["Id"]: one["Status"] for one in event.operations}
        elif event.what == "knows":
            self._learn(execution, event)
        else:
            holds(False, f"{event}")

    def _begins(self, execution: Execution, event: Played) -> None:
        self._learn(execution, event)
        there = {one["Id"] for one in event.operations}
        hidden = {id for id, one in execution.operations.items() if one["Type"] == "CONTEXT" and one["Status"] in ENDED}
        hidden |= {id for id, _ in execution.kept.items() if execution.operations.get(id, {"Type": ""})["Type"] == "CONTEXT"}
        lost = [id for id in (execution.operations | execution.kept) if id not in there and id.partition("-")[0] not in hidden]
        same(f"operations that {execution.arn} was told of, and has no more", lost, [])

    def _learn(self, execution: Execution, event: Played) -> None:
        for one in event.operations:
            id, before = one["Id"], execution.operations.get(one["Id"])
            if before is not None and before["Status"] in ENDED:
                same(f"{id} of {execution.arn}, which was over", one, before)
            if id in execution.kept:
                same(f"how {id} of {execution.arn} was kept", one["Status"], execution.kept[id])
            execution.operations[id] = one
            if one["Status"] in ENDED and one["Type"] == "STEP":
                execution.kept[id] = one["Status"]
            if one["Type"] == "CALLBACK":
                self.callbacks[one["CallbackDetails"]["CallbackId"]] = (execution.arn, id)

    def passed(self) -> None:
        """The step is over: what was told in it holds from now on."""
        for execution, what in self._news:
            execution.stands = what
        self._news.clear()

    def crashed(self) -> None:
        for execution in self.executions.values():
            execution.run = ""

    # ------------------------------------------------------------ the whole

    def audit(self) -> None:
        if not self.made >= {TOLD, RULE, TARGET, *FUNCTIONS}:
            return
        rows = self._rows(self.region)
        same("what is amiss in the rows of executions", rows.amiss, [])
        listed: dict[str, dict[str, Any]] = {}
        for function in FUNCTIONS[:2]:
            found = {one["DurableExecutionArn"]: one for one in self._listed(f"{function}:$LATEST")}
            names = Counter(self._execution(arn).name for arn in found)
            holds(max(names.values(), default=1) == 1, f"executions of one name: {names.most_common(1)}")
            listed |= found
        for execution in [one for one in self.executions.values() if not one.gone]:
            summary = listed.get(execution.arn)
            if (
                summary is None
                or execution.shown.get("Status") not in ENDED
                or self.troubles.now() >= execution.shown["EndTimestamp"] + DAY_SECONDS
            ):
                self._audit_one(execution)
            else:
                same(f"{execution.arn}, which had ended", execution.shown | summary, execution.shown)
        self._audit_told()

    def _audit_one(self, execution: Execution) -> None:
        shown = self._get(execution)
        if shown is None:
            answer = self.ask("lambda", "GetDurableExecutionHistory", DurableExecutionArn=execution.arn)
            same(f"the history of {execution.arn}, which is gone", answer.fault, ABSENT)
            execution.gone = True
            return
        now = self.troubles.now()
        if execution.shown.get("Status") in ENDED:
            same(f"{execution.arn}, which had ended", shown, execution.shown)
        execution.shown = shown
        if shown["Status"] in ENDED:
            execution.stands = "ended"
            due = shown["EndTimestamp"] + DAY_SECONDS
            holds(now <= due + LATE_SECONDS and not execution.deleted, f"{execution.arn} is there at {now:.0f}, it had to go by {due:.0f}")
        else:
            due = shown["ExpectedExecutionTimeoutTimestamp"]
            holds(now <= due + LATE_SECONDS, f"{execution.arn} goes on at {now:.0f}, it had to time out by {due:.0f}")
        history = self._history(execution)
        same(f"the history of {execution.arn}, so far", history[: len(execution.history)], execution.history)
        execution.history = history
        self._audit_history(execution, shown["Status"])

    def _history(self, execution: Execution) -> list[dict[str, Any]]:
        events, marker = list[dict[str, Any]](), dict[str, str]()
        while True:
            given = {"DurableExecutionArn": execution.arn, "MaxItems": 20, **marker}
            page = self.said("lambda", "GetDurableExecutionHistory", **given)
            events += page["Events"]
            if "NextMarker" not in page:
                return events
            marker = {"Marker": page["NextMarker"]}

    def _audit_history(self, execution: Execution, status: str) -> None:
        arn, history = execution.arn, execution.history
        same(f"the EventIds of {arn}", [one["EventId"] for one in history], list(range(1, len(history) + 1)))
        same(f"the first event of {arn}", history[0]["EventType"], "ExecutionStarted")
        ends = [one["EventType"] for one in history if one["EventType"] in [f"Execution{what}" for what in OVER]]
        same(f"how {arn} ended", ends, [f"Execution{_past(status)}"] if status in ENDED else [])
        until = 0.0
        over: dict[str, dict[str, Any]] = {}
        for event in history:
            details = event[f"{event['EventType']}Details"]
            if event["EventType"] == "InvocationCompleted":
                holds(details["StartTimestamp"] >= until, f"two runs of {arn} at a time: {details}, the one before until {until}")
                until = details["EndTimestamp"]
            elif "Id" in event and not event["EventType"].startswith("Execution"):
                holds(event["Id"] not in over, f"{event} of {arn} comes after {over.get(event['Id'])}")
                again = details.get("RetryDetails", {}).get("NextAttemptDelaySeconds")
                if event["EventType"].endswith(OVER) and not again:
                    over[event["Id"]] = event
        for id, how in execution.kept.items():
            holds(id in over and over[id]["EventType"].endswith(_past(how)), f"{id} of {arn} was kept as {how}: {over.get(id)}")
        for id, how in json.loads(execution.shown.get("Result", "{}")).items():
            if isinstance(how, str):
                holds(over[id]["EventType"].endswith(_past(how)), f"{arn} takes {id} for {how}: {over[id]}")
        for id, (kind, result) in execution.callbacks.items():
            found = over.get(id, {})
            same(f"how the callback {id} of {arn} was answered", found.get("EventType"), kind)
            if kind == "CallbackSucceeded":
                same(f"what {id} of {arn} was answered", found[f"{kind}Details"]["Result"]["Payload"], result)
        for event in history:
            if event["EventType"] == "ChainedInvokeStarted":
                self._audit_child(execution, event, over.get(event["Id"]))

    def _audit_child(self, execution: Execution, started: dict[str, Any], over: dict[str, Any] | None) -> None:
        """What a child came to, its parent has been told."""
        details = started["ChainedInvokeStartedDetails"]
        if "DurableExecutionArn" not in details:
            if over is not None and over["EventType"] == "ChainedInvokeSucceeded":
                result = over["ChainedInvokeSucceededDetails"]["Result"]["Payload"]
                same(f"what a function answered {execution.arn}", result, details["Input"]["Payload"])
            return
        child = self._execution(details["DurableExecutionArn"])
        shown = self.ask("lambda", "GetDurableExecution", DurableExecutionArn=child.arn)
        if shown.fault or (execution.shown["Status"] in ENDED and over is None):
            return
        status = shown.result["Status"]
        holds((status in ENDED) == (over is not None), f"{child.arn} is {status}, and {execution.arn} was told {over}")
        if over is not None:
            same(f"what {execution.arn} was told of {child.arn}", over["EventType"], f"ChainedInvoke{_past(status)}")
            if status == "SUCCEEDED":
                result = over["ChainedInvokeSucceededDetails"]["Result"].get("Payload")
                same(f"the result of {child.arn} for its parent", result, shown.result.get("Result"))

    def _audit_told(self) -> None:
        """EventBridge has told of each status once."""
        url = {"QueueUrl": f"http://localhost:4566/111111111111/{TOLD}"}
        while messages := self.said("sqs", "ReceiveMessage", **url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                detail = json.loads(message["Body"])["detail"]
                self._execution(detail["durableExecutionArn"]).told[detail["status"]] += 1
            entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
            self.said("sqs", "DeleteMessageBatch", **url, Entries=entries)
        for execution in self.executions.values():
            if (status := execution.shown.get("Status", "")) in ENDED or (not execution.gone and status):
                due = {"RUNNING": 1, **({status: 1} if status in ENDED else {})}
                same(f"what was told of {execution.arn}", execution.told, Counter(due))
            elif execution.gone:
                told = sorted(status in ENDED for status in execution.told.elements())
                same(f"what was told of {execution.arn}, which is gone ({execution.told})", told, [False, True])

    def release(self) -> None:
        """Nothing is paused any more."""
        for execution in self.executions.values():
            answer = self.ask("lambda", "GetDurableExecution", DurableExecutionArn=execution.arn)
            if not answer.fault and answer.result["Status"] in ("PAUSING", "PAUSED"):
                self._goes_on(execution)
                self.said("lambda", "ResumeDurableExecution", DurableExecutionArn=execution.arn)

    def drained(self) -> None:
        same("executions that never ended", self._rows(self.region).live, {})


def _past(status: str) -> str:
    """A status as events have it."""
    return "".join(part.capitalize() for part in status.split("_"))


def _function(arn: str) -> str:
    return arn.split(":")[6]
