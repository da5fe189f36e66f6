"""Lambda: an accepted event runs until it succeeds or its attempts are used up, and what became of it is told to whom it concerns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.messages import Message
from tests.sim.auditor.sqs import Queues
from tests.sim.world.events import Began, Ended

ABSENT = ("ResourceNotFoundException",)
RETRIES = 2
EVENTS_KEPT_MAX = 300
AGE_SECONDS = 6 * 3600
SILENCE_SECONDS = 120 + 400
"""The longest pause between two attempts, and what the fabric waits after four failures of its own."""


@dataclass(eq=False, slots=True)
class Function:
    """One function. `throttled` is when its concurrency was last limited, or its code gone: what waited then may end otherwise."""

    name: str
    made: float
    handler: str
    dead_letter: str = ""
    retries: int = RETRIES
    success: str = ""
    failure: str = ""
    reserved: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    running: int = 0
    limited: int = 0


@dataclass(eq=False, slots=True)
class Event:
    """An event that was accepted."""

    label: str
    function: Function
    accepted: float
    troubles: int
    limited: int
    attempts: int = 0
    over: bool = False
    aged: bool = False
    sure: bool = True
    doubtful: dict[str, Message | None] = field(default_factory=dict)
    running: bool = False
    last: float = 0.0
    boots: int = 0
    """When something was last heard of it, and in which life of the process."""
    told: tuple[int, str, str, str] = (RETRIES, "", "", "")
    """How often it is tried again and who hears of its end, as it was when its last attempt began."""


@dataclass(eq=False, slots=True)
class Item:
    """A message in a queue that a function polls."""

    sent: float
    troubles: int
    sure: bool
    runs: int = 0
    last: float = -1e9
    done: bool = False


class Functions:
    """All functions, the events that wait for them, and the queues that they poll."""

    def __init__(self, ask: Ask, queues: Queues, troubles: Callable[[], int], boots: Callable[[], int]) -> None:
        self._ask, self._queues, self._troubles, self._boots = ask, queues, troubles, boots
        self.functions: dict[str, Function] = {}
        self.events: dict[tuple[str, str], Event] = {}
        self.mapped: dict[str, dict[str, Item]] = {}
        self.mappings: dict[str, str] = {}
        """UUID -> queue"""
        self.outcomes: dict[str, str] = {}

    def _function(self, call: Call) -> Function | None:
        function = self.functions.get(call.request["FunctionName"])
        if function is None:
            ended(call, *ABSENT)
        return function

    # ------------------------------------------------------------ functions

    def create_function(self, call: Call) -> None:
        name, code = call.request["FunctionName"], call.request["Code"]["ZipFile"]
        if name in self.functions:
            ended(call, "ResourceConflictException")
        elif not code.startswith(b"PK"):
            ended(call, "InvalidParameterValueException")
        elif ended(call):
            self._made(call)

    def _made(self, call: Call) -> None:
        request = call.request
        dead_letter = request.get("DeadLetterConfig", {}).get("TargetArn", "").rpartition(":")[2]
        function = Function(request["FunctionName"], call.now, request["Handler"], dead_letter, tags=dict(request.get("Tags", {})))
        self.functions[function.name] = function

    def create_function_unknown(self, call: Call) -> None:
        name = call.request["FunctionName"]
        if name not in self.functions and not self._ask("lambda", "GetFunctionConfiguration", FunctionName=name).fault:
            self._made(call)

    def delete_function(self, call: Call) -> None:
        if (function := self._function(call)) and ended(call):
            del self.functions[function.name]
            function.limited += 1
            for event in self.events.values():
                if event.function is function:
                    # It ends with its function, unless there is one of the same name again by the time that it is tried again.
                    event.sure = False

    def update_function_configuration(self, call: Call) -> None:
        if (function := self._function(call)) and ended(call):
            function.handler = call.request["Handler"]

    def get_function(self, call: Call) -> None:
        if (function := self._function(call)) and ended(call):
            same(f"tags of {function.name}", call.result.get("Tags", {}), function.tags)
            same(f"the handler of {function.name}", call.result["Configuration"]["Handler"], function.handler)

    def list_functions(self, call: Call) -> None:
        ended(call)
        same("functions listed", [one["FunctionName"] for one in call.result["Functions"]], sorted(self.functions))

    def put_function_concurrency(self, call: Call) -> None:
        if (function := self._function(call)) and ended(call):
            function.reserved = call.request["ReservedConcurrentExecutions"]
            function.limited += 1

    def delete_function_concurrency(self, call: Call) -> None:
        if (function := self._function(call)) and ended(call):
            function.reserved = None

    def put_function_event_invoke_config(self, call: Call) -> None:
        if (function := self._function(call)) and ended(call):
            destinations = call.request.get("DestinationConfig", {})
            function.retries = call.request.get("MaximumRetryAttempts", RETRIES)
            function.success = destinations.get("OnSuccess", {}).get("Destination", "").rpartition(":")[2]
            function.failure = destinations.get("OnFailure", {}).get("Destination", "").rpartition(":")[2]
            function.limited += 1

    # ------------------------------------------------------------ invoking

    def invoke(self, call: Call) -> None:
        waits = call.request.get("InvocationType") != "Event"
        if waits and not call.fault:
            # The function may have been deleted while it ran.
            same("whether an invocation is said to have failed", "FunctionError" in call.result, self.outcomes.pop(call.id, "") != "ok")
            return
        function = self._function(call)
        if function is None:
            return
        if not waits:
            if ended(call):
                self.accepted(function.name, _label(call), call.now)
            return
        if function.reserved is not None and call.fault == "TooManyRequestsException":
            return
        ended(call)

    def invoke_unknown(self, call: Call) -> None:
        """An event may have been accepted; what is run at once leaves nothing behind."""
        function = self.functions.get(call.request["FunctionName"])
        if function is not None and call.request.get("InvocationType") == "Event":
            self.accepted(function.name, _label(call), call.now, sure=False)

    def accepted(self, name: str, label: str, now: float, *, sure: bool = True) -> bool:
        """An event waits for a function, if there is one."""
        function = self.functions.get(name)
        if function is not None:
            self.events[name, label] = Event(label, function, now, self._troubles(), function.limited, sure=sure)
        return function is not None

    def began(self, event: Began, now: float) -> None:
        if event.source in self.mapped:
            self._polled(event, now)
            return
        waiting = self.events.get((event.function, event.labels[0]))
        if waiting is not None:
            excused = self._troubles() > waiting.troubles
            holds(excused or not waiting.over, f"{event}: it was done with already")
            waiting.attempts += 1
            waiting.running, waiting.last, waiting.boots = True, now, self._boots()
            function = self.functions.get(event.function, waiting.function)
            if function is not waiting.function:
                # An event belongs to a name: one that waited while its function was made anew runs on the new one, by its rules.
                waiting.function, waiting.limited = function, -1
            waiting.told = function.retries, function.success, function.failure, function.dead_letter
            changed = waiting.limited < waiting.function.limited
            holds(excused or changed or waiting.attempts <= waiting.function.retries + 1, f"{event}: attempt {waiting.attempts}")

    def ended(self, event: Ended, now: float, *, dying: bool) -> None:
        if event.source in self.mapped:
            self._dealt_with(event, now, dying=dying)
            return
        waiting = self.events.get((event.function, event.labels[0]))
        if waiting is None or event.outcome == "killed":
            return
        retries, success, failure, dead_letter = waiting.told
        if dying:
            # What came of it may have been kept before the end; if it was, it does not run again.
            waiting.sure = waiting.sure and event.outcome != "ok" and waiting.attempts <= retries
        else:
            waiting.running, waiting.last, waiting.boots = False, now, self._boots()
        function = waiting.function
        certain = self._troubles() == waiting.troubles and not waiting.over and waiting.limited == function.limited and waiting.sure
        if event.outcome == "ok":
            waiting.over = waiting.over or not dying
            self._told(waiting, success, f"Success:{waiting.label}", now, sure=certain)
        elif waiting.attempts > retries:
            waiting.over = waiting.over or not dying
            self._told(waiting, failure, f"RetriesExhausted:{waiting.label}", now, sure=certain)
            self._told(waiting, dead_letter, waiting.label, now, sure=certain)

    def _aged(self, waiting: Event, now: float) -> None:
        """One that waited so long, for a place or for room on the disk, where its last run could not be kept, ends without another."""
        waiting.aged, waiting.over, waiting.sure = True, True, False
        function = waiting.function
        for queue, label in ((function.failure, f"EventAgeExceeded:{waiting.label}"), (function.dead_letter, waiting.label)):
            self._queues.perhaps(waiting.doubtful, queue, label, now)
            if (message := waiting.doubtful[label]) is not None and not message.came:
                message.undated = True

    def _told(self, waiting: Event, queue: str, label: str, now: float, *, sure: bool) -> None:
        if sure:
            self._queues.follow(queue, label, now)
        else:
            self._queues.perhaps(waiting.doubtful, queue, label, now)

    # ------------------------------------------------------------ polling

    def create_event_source_mapping(self, call: Call) -> None:
        queue, name = call.request["EventSourceArn"].rpartition(":")[2], call.request["FunctionName"]
        if name not in self.functions or queue not in self._queues.queues:
            ended(call, "InvalidParameterValueException")
        elif queue in self.mappings.values():
            ended(call, "ResourceConflictException")
        elif ended(call):
            self.mappings[call.result["UUID"]] = queue
            self.mapped.setdefault(queue, {})

    def sent(self, queue: str, label: str, now: float, sure: bool) -> None:
        """A message was sent to a queue that is polled."""
        self.mapped.setdefault(queue, {})[label] = Item(now, self._troubles(), sure)

    def _polled(self, event: Began, now: float) -> None:
        visibility = self._queues.queues[event.source].number("VisibilityTimeout")
        for label in event.labels:
            item = self.mapped[event.source].get(label)
            if item is None:
                holds(self._troubles(), f"{event}: {label} was never sent to {event.source}")
                continue
            excused = self._troubles() > item.troubles
            holds(excused or not item.done, f"{label} of {event.source} runs again after it was dealt with")
            # One that waited for a place among a function's few was received some time before it ran.
            waited = self.functions[event.function].limited > 0
            holds(
                excused or waited or now >= item.last + visibility,
                f"{label} of {event.source} runs again before its visibility timeout ended",
            )
            item.runs += 1
            item.last = now

    def _dealt_with(self, event: Ended, now: float, *, dying: bool) -> None:
        for label in event.labels:
            item = self.mapped[event.source].get(label)
            if item is not None and event.outcome == "ok":
                item.done = item.done or not dying
                # A dying process may have deleted it.
                item.sure = item.sure and not dying

    def drained(self, now: float) -> None:
        """No event waits any more, and all that was sent to a queue that is polled has been dealt with."""
        late = [event.label for event in self.events.values() if not event.over and event.sure and event.limited == event.function.limited]
        holds(not late, f"events that never came to their end: {late}")
        for uuid, queue in self.mappings.items():
            since = now - self._queues.queues[queue].number("MessageRetentionPeriod")
            left = [label for label, item in self.mapped[queue].items() if item.sure and not item.done and item.sent > since]
            holds(not left, f"mapping {uuid} never dealt with {left} of {queue}")

    def passed(self, now: float) -> None:
        """No event is forgotten while the process lives; what has been over for long can't come back."""
        for event in self.events.values():
            if not event.aged and now > event.accepted + AGE_SECONDS and (not event.over or self._troubles() > event.troubles):
                self._aged(event, now)
            if (
                not event.over
                and event.attempts
                and not event.running
                and event.boots == self._boots()
                and event.limited == event.function.limited
            ):
                # While the disk is full no run can be written down, so none begins.
                holds(
                    now <= max(event.last, self._queues.inexact) + SILENCE_SECONDS,
                    f"nothing was heard of {event.label} for {event.function.name} since {event.last:.0f}",
                )
        if len(self.events) > EVENTS_KEPT_MAX:
            for key in [key for key, event in self.events.items() if event.over and event.accepted < now - AGE_SECONDS]:
                del self.events[key]


def _label(call: Call) -> str:
    return str(json.loads(call.request["Payload"])["label"])
