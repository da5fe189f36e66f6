"""One execution as a transaction reads and changes it: its operations, its history, and when its function runs next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.fabric.timers import add_timer
from windtunnel.kernel.store import Key
from windtunnel.services.lambda_.durable.rules import (
    DAY_SECONDS,
    ENDED,
    LIFE_SECONDS_MAX,
    OPERATIONS_MAX,
    WRITTEN_BYTES_MAX,
    absent,
    execution_arn,
    shown,
    size_of,
    token_of,
)
from windtunnel.services.lambda_.durable.state import EVENTS, EXECUTIONS, OPERATIONS, Error, Execution, Happened, Operation
from windtunnel.services.lambda_.events.destinations import letter
from windtunnel.services.lambda_.events.events import LANES
from windtunnel.services.lambda_.rules import arn_of, invalid, moment_z, shown_number
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.state import VERSIONS, Waiting

CHANNEL = "lambda.durable"
EVENT = "Durable Execution Status Change"
HAPPENED = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "TIMED_OUT": "TimedOut", "STOPPED": "Stopped", "CANCELLED": "Cancelled"}
KINDS = {"EXECUTION": "Execution", "CONTEXT": "Context", "STEP": "Step", "WAIT": "Wait", "CALLBACK": "Callback"}
"""What events call the types of operations; a CHAINED_INVOKE is a ChainedInvoke."""


class Ledger:
    """An execution's rows. `row` is written back by `save`, all else at once."""

    def __init__(self, tx: Tx, key: Key, row: Execution) -> None:
        self.tx, self.key, self.row = tx, key, row

    @property
    def arn(self) -> str:
        row = self.row
        return execution_arn(self.tx.region, self.tx.account, row.function, row.number, row.name, row.id)

    @property
    def channel(self) -> tuple[Any, ...]:
        """What is woken when the execution has ended."""
        return (CHANNEL, self.tx.account, self.tx.region, self.row.id)

    @property
    def started(self) -> float:
        return float(self.key[0] or 0)

    @property
    def latest(self) -> float:
        """When it ends at the latest, however long it was paused."""
        return self.started + LIFE_SECONDS_MAX

    @property
    def live(self) -> bool:
        return not self.row.ended

    def set(self, **fields: Any) -> None:
        self.row = msgspec.structs.replace(self.row, **fields)

    def save(self) -> None:
        self.tx.put(EXECUTIONS, *self.key, value=self.row)

    def find(self, id: str) -> tuple[int, Operation] | None:
        found = next(self.tx.find(OPERATIONS, "id", *self.key, id, limit=1), None)
        return None if found is None else (int(found[0][2] or 0), found[1])

    def at(self, number: int) -> Operation | None:
        return self.tx.get(OPERATIONS, *self.key, number)

    def unseen(self) -> list[tuple[int, Operation]]:
        """What has changed since the function was last told, in the order in which it has."""
        found = self.tx.find(OPERATIONS, "changed", *self.key, start=(self.row.seen + 1,))
        return [(int(key[2] or 0), row) for key, row in found]

    def waits(self) -> bool:
        """Whether something is under way that ends without the function's doing."""
        return self.tx.count(OPERATIONS, "waits", *self.key) > 0

    def add(self, operation: Operation) -> int:
        """Writes a new operation down and answers its number. Raises InvalidParameterValueException where there are too many."""
        number = self.row.operations
        if number > OPERATIONS_MAX:
            raise invalid(f"A durable execution cannot have more than {OPERATIONS_MAX} operations.")
        self.set(operations=number + 1)
        self.change(number, operation)
        return number

    def change(self, number: int, operation: Operation) -> None:
        """Writes down what the function is to know of."""
        self.set(changes=self.row.changes + 1)
        self.put(number, msgspec.structs.replace(operation, changed=self.row.changes))

    def put(self, number: int, operation: Operation) -> None:
        self.tx.put(OPERATIONS, *self.key, number, value=operation)

    def count(self, payload: str | None, error: Error | None = None) -> None:
        """Adds to what the execution has written. Raises InvalidParameterValueException where it is too much."""
        self.set(written=self.row.written + size_of(payload, error))
        if self.row.written > WRITTEN_BYTES_MAX:
            raise invalid(f"A durable execution cannot write more than {WRITTEN_BYTES_MAX} bytes.")

    def end(self, number: int, operation: Operation, status: str, result: str | None = None, error: Error | None = None) -> None:
        """An operation is over, by itself or by somebody else's word."""
        self.change(number, msgspec.structs.replace(operation, status=status, ended=self.tx.now, result=result, error=error, beat_due=0.0))
        data = {"Result": result} if status == "SUCCEEDED" else {"Error": error}
        details: dict[str, Any] = {}
        if operation.type == "WAIT":
            details, data = {"Duration": round(operation.due - operation.started)} if status == "SUCCEEDED" else {}, {}
        self.note(operation, HAPPENED[status], details=details, data=data)

    def note(self, about: Operation, what: str, *, details: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> None:
        """An event of the history, about an operation."""
        kind = KINDS.get(about.type, "ChainedInvoke")
        self._note(Happened(f"{kind}{what}", self.tx.now, about.id, about.name, about.parent, about.subtype, details or {}, data or {}))

    def note_run(self, began: float, request_id: str, error: Error | None) -> None:
        details = {"StartTimestamp": began, "EndTimestamp": self.tx.now, "RequestId": request_id}
        self._note(Happened("InvocationCompleted", self.tx.now, details=details, data={"Error": error} if error else {}))

    def note_itself(self, what: str, details: dict[str, Any], data: dict[str, Any]) -> None:
        """An event about the execution as a whole."""
        self._note(Happened(f"Execution{what}", self.tx.now, self.row.id, self.row.name, details=details, data=data))

    def _note(self, event: Happened) -> None:
        self.set(events=self.row.events + 1)
        self.tx.put(EVENTS, *self.key, self.row.events, value=event)

    def owe(self, delay: float = 0.0) -> None:
        """The function is to run, unless it does: then it is told by its checkpoints, or runs again."""
        row = self.row
        if row.pause is not None and not row.run:
            self.set(owed=True)
        elif not row.run:
            run = self.tx.serial()
            self.set(run=run)
            lane = f"{arn_of(self.tx.region, self.tx.account, row.function)}#durable{(run ^ run >> 10) % LANES}"
            add_timer(self.tx, self.tx.now + delay, self.tx.service, "durable_run", {"key": list(self.key), "run": run}, lane=lane)

    def token(self) -> str:
        return token_of(self.row.id, self.row.invocation, self.row.sequence)

    def callback(self, number: int) -> str:
        return token_of(self.row.id, number)

    def print(self, number: int, operation: Operation, moment: Callable[[float], float]) -> dict[str, Any]:
        return shown(operation, self.callback(number), moment)

    def replayed(self, start: int) -> Iterator[tuple[int, Operation]]:
        """What a function needs to come back to where it was: all but what lies within contexts that are over.

        https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecutionState.html
        """
        over: dict[str, bool] = {"": False}
        for key, operation in self.tx.scan(OPERATIONS, *self.key, start=(start,)):
            within: list[str] = []
            outer = operation.parent
            while outer not in over:
                found = self.find(outer)
                assert found is not None, f"{outer} has operations within, and isn't there"
                if found[1].ended and not found[1].replay:
                    over[outer] = True
                else:
                    within.append(outer)
                    outer = found[1].parent
            over |= dict.fromkeys(within, over[outer])
            if not over[operation.parent]:
                yield int(key[2] or 0), operation

    def tell(self) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html#durable-monitoring-eventbridge"""
        row = self.row
        ended = {"endTimestamp": moment_z(row.ended)} if row.ended else {}
        detail = {
            "durableExecutionArn": self.arn,
            "durableExecutionName": row.name,
            "functionArn": arn_of(self.tx.region, self.tx.account, row.function, row.qualifier),
            "status": row.status,
            "startTimestamp": moment_z(self.started),
        }
        self.tx.emit("aws.lambda", EVENT, {**detail, **ended})

    def expire(self, due: float) -> None:
        """When the execution times out, or, once it has ended, is forgotten."""
        self.tx.timer(due, "durable_execution", {"key": list(self.key)}, name=self.row.id)

    def expected_timeout(self) -> float:
        pause = self.row.pause
        if pause is not None and pause.begun and pause.stops_timeout:
            return self.latest
        return self.row.expires

    def pause(self) -> None:
        """What was to be paused is."""
        pause = self.row.pause
        assert pause is not None, "nobody asked for it"
        self.set(status="PAUSED", pause=msgspec.structs.replace(pause, begun=self.tx.now))
        details = {"PauseRequestTimestamp": pause.requested, "ExecutionTimeoutPaused": pause.stops_timeout}
        self.note_itself("Paused", details, reason_of(pause.reason))
        if pause.stops_timeout:
            self.expire(self.expected_timeout())

    def close(self, status: str, result: str | None = None, error: Error | None = None) -> None:
        """The execution is over."""
        itself = self.at(0)
        assert itself is not None, "an execution is its own first operation"
        assert status in ENDED, status
        self.end(0, itself, status, result, error)
        # A run that is only planned is not wanted any more; one that is under way is told of in the history.
        self.set(status=status, ended=self.tx.now, pause=None, owed=False, run=self.row.run if self.row.invocation else 0)
        self.expire(self.tx.now + self.row.retention * DAY_SECONDS)
        self.tell()
        self.tx.wake(*self.channel)
        if self.row.parent is not None:
            self._answer(self.row.parent, status, result, error)
        elif self.row.request_id and status in ("FAILED", "TIMED_OUT"):
            self._give_up(itself, error)

    def _answer(self, parent: tuple[float, int, int], status: str, result: str | None, error: Error | None) -> None:
        if status == "TIMED_OUT":
            error = {"ErrorType": "ChainedInvoke.Timeout", "ErrorMessage": f"CHAINED_INVOKE timed out after {self.row.timeout} seconds."}
        finish(self.tx, parent[:2], parent[2], status, result, error)

    def _give_up(self, itself: Operation, error: Error | None) -> None:
        """Durable functions have dead letters, but no destinations.

        https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html
        """
        row = self.row
        version = self.tx.get(VERSIONS, row.function, row.number)
        if version is not None and version.dead_letter:
            waiting = Waiting(row.function, row.qualifier, (itself.input or "").encode(), row.request_id, self.started)
            ran = Ran(failure_of(error), "Unhandled", shown_number(row.number), "")
            letter(self.tx, version.dead_letter, waiting, ran, "RetriesExhausted")


def reason_of(reason: str | None) -> dict[str, Any]:
    """Why somebody pauses or resumes, as the history has it."""
    return {} if reason is None else {"Reason": reason}


def failure_of(error: Error | None) -> bytes:
    """An error as whoever invoked a function sees it."""
    names = {"ErrorMessage": "errorMessage", "ErrorType": "errorType", "ErrorData": "errorData", "StackTrace": "stackTrace"}
    return msgspec.json.encode({names[member]: value for member, value in (error or {}).items()})


def error_of(payload: bytes) -> Error:
    """What a run that failed answered, as an error of an execution."""
    try:
        found = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"ErrorMessage": payload.decode("utf-8", "replace")}
    names = {"errorMessage": "ErrorMessage", "errorType": "ErrorType", "stackTrace": "StackTrace"}
    return {name: found[member] for member, name in names.items() if found.get(member)}


def finish(tx: Tx, key: Key, number: int, status: str, result: str | None = None, error: Error | None = None) -> None:
    """An operation that a function waits for is over, and the function is told; nothing happens where nobody waits any more."""
    ledger = opened_ledger(tx, key)
    if ledger is None or not ledger.live:
        return
    operation = ledger.at(number)
    if operation is None or operation.status not in ("STARTED", "PENDING"):
        return
    if status == "READY":
        ledger.change(number, msgspec.structs.replace(operation, status="READY"))
    else:
        ledger.end(number, operation, status, result, error)
    ledger.owe()
    ledger.save()


def opened_ledger(tx: Tx, key: Key) -> Ledger | None:
    row = tx.get(EXECUTIONS, *key)
    return None if row is None else Ledger(tx, key, row)


def by_id(tx: Tx, id: str) -> Ledger | None:
    found = next(tx.find(EXECUTIONS, "id", id, limit=1), None)
    return None if found is None else Ledger(tx, *found)


def by_arn(tx: Tx, arn: str) -> Ledger:
    """Raises ResourceNotFoundException."""
    found = by_id(tx, arn.rpartition("/")[2])
    if found is None or found.arn != arn:
        raise absent()
    return found
