"""A durable function's runs: each goes on where the operations say, and one execution has one at a time.

https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Literal

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.kernel.store import Key
from windtunnel.services.lambda_.durable.ledger import Ledger, error_of, opened_ledger
from windtunnel.services.lambda_.durable.rules import STATE_BYTES_MAX, milliseconds, size_of
from windtunnel.services.lambda_.durable.state import Error, Operation
from windtunnel.services.lambda_.events.events import BACK_OFF_SECONDS_MAX
from windtunnel.services.lambda_.places import Found, find
from windtunnel.services.lambda_.rules import Name, arn_of, shown_number
from windtunnel.services.lambda_.running.execute import Ran, execute
from windtunnel.services.lambda_.running.sandboxes import Concurrency, room

FAILURES_MAX = 5
IDLE_MAX = 3
"""How often in a row a function may say that it waits, and have nothing to wait for."""
RETRY_SECONDS = 5.0
"""Before a run that failed is tried again; twice as long each time."""
BAD_STATUS = "Invalid Status in invocation output."


class ErrorObject(msgspec.Struct, omit_defaults=True):
    """An error, as a durable function answers it."""

    ErrorMessage: str | None = None
    ErrorType: str | None = None
    ErrorData: str | None = None
    StackTrace: list[str] | None = None


class Output(msgspec.Struct):
    """What a durable function answers."""

    Status: Literal["SUCCEEDED", "FAILED", "PENDING"]
    Result: str | None = None
    Error: ErrorObject | None = None


async def run(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None] | None:
    """Timer: one run, as soon as its function has room."""
    key, number, delay = tuple(payload["key"]), int(payload["run"]), 1.0
    while True:
        planned = await call.transact(_planned, key, number)
        if planned is None:
            return None
        found, trace = planned
        try:
            with Concurrency(call, found) as placed:
                return await _run(call.traced(trace), key, number, placed)
        except Fault as fault:
            if fault.code != "TooManyRequestsException":
                error = msgspec.json.encode({"errorType": fault.code, "errorMessage": fault.message})
                ran = Ran(error, "Unhandled", shown_number(found.number), "")
                began = call.now()
                return lambda tx: _finish(tx, key, number, began, ran)
        await call.wait(room(found), until=call.now() + delay)
        delay = min(2 * delay, BACK_OFF_SECONDS_MAX)


async def _run(call: Call, key: Key, number: int, found: Found) -> Callable[[Tx], None]:
    request_id, began = call.ids.uuid(), call.now()
    event = await call.transact(_begin, key, number, request_id)
    if event is None:
        return lambda tx: None
    ran = await execute(call, found, event, request_id, patient=True)
    return lambda tx: _finish(tx, key, number, began, ran)


def _planned(tx: Tx, key: Key, number: int) -> tuple[Found, str] | None:
    """The version to run; None where this run is not wanted any more."""
    ledger = _to_begin(tx, key, number)
    if ledger is None:
        return None
    row = ledger.row
    try:
        return find(tx, Name(tx.region, tx.account, row.function, shown_number(row.number))), row.trace
    except Fault:
        message = f"Function not found: {arn_of(tx.region, tx.account, row.function, shown_number(row.number))}"
        ledger.set(run=0)
        ledger.close("FAILED", error={"ErrorType": "ResourceNotFoundException", "ErrorMessage": message})
        ledger.save()
        return None


def _wanted(tx: Tx, key: Key, number: int) -> Ledger | None:
    """The execution, where it is still this run that it waits for."""
    ledger = opened_ledger(tx, key)
    return ledger if ledger is not None and ledger.row.run == number else None


def _to_begin(tx: Tx, key: Key, number: int) -> Ledger | None:
    """The execution, where this run is to begin: not one that ended during a run which then died with its process."""
    ledger = _wanted(tx, key, number)
    if ledger is None or ledger.live:
        return ledger
    ledger.set(run=0, invocation="")
    ledger.save()
    return None


def _begin(tx: Tx, key: Key, number: int, request_id: str) -> bytes | None:
    """What the function gets: its operations, which it knows from now on."""
    ledger = _to_begin(tx, key, number)
    if ledger is None:
        return None
    changed = [row.id for _, row in ledger.unseen() if row.type != "EXECUTION"]
    ledger.set(invocation=request_id, seen=ledger.row.changes, owed=False)
    ledger.save()
    rows, rest = page_of(ledger, 0, ledger.row.operations)
    state = {"Operations": [ledger.print(at, row, milliseconds) for at, row in rows], "NextMarker": "" if rest is None else str(rest)}
    event = {"DurableExecutionArn": ledger.arn, "CheckpointToken": ledger.token(), "InitialExecutionState": state}
    return msgspec.json.encode({**event, "UpdatedOperationIds": changed})


def page_of(ledger: Ledger, start: int, limit: int) -> tuple[list[tuple[int, Operation]], int | None]:
    """Operations from a number on, so many or so long at most, but one at least; where the rest begins, if there is any."""
    taken: list[tuple[int, Operation]] = []
    size = 0
    for number, row in islice(ledger.replayed(start), limit + 1):
        size += size_of(row.input) + size_of(row.result, row.error)
        if taken and (size > STATE_BYTES_MAX or len(taken) == limit):
            return taken, number
        taken.append((number, row))
    return taken, None


def _finish(tx: Tx, key: Key, number: int, began: float, ran: Ran) -> None:
    """What comes of a run."""
    ledger = _wanted(tx, key, number)
    if ledger is None:
        return
    output, error = _understood(ledger, ran)
    ledger.note_run(began, ledger.row.invocation or tx.new_id(), error)
    again = ledger.row.owed or ledger.row.changes > ledger.row.seen
    ledger.set(run=0, invocation="")
    if ledger.live:
        _settle(ledger, output, error, again=again, failed=bool(ran.error))
    ledger.save()


def _settle(ledger: Ledger, output: Output | None, error: Error | None, *, again: bool, failed: bool) -> None:
    pending = output is not None and output.Status == "PENDING"
    idle = pending and not (again or ledger.waits())
    if ledger.row.status == "PAUSING" and (failed or pending):
        ledger.pause()
    if failed or idle:
        failures = ledger.row.failures + 1
        ledger.set(failures=failures)
        if failures >= (FAILURES_MAX if failed else IDLE_MAX):
            ledger.close("FAILED", error=error or _invalid("Cannot return PENDING status with no pending operations."))
        else:
            ledger.owe(RETRY_SECONDS * 2 ** (failures - 1))
    elif output is None or output.Status == "FAILED":
        ledger.close("FAILED", error=error)
    elif output.Status == "SUCCEEDED":
        ledger.close("SUCCEEDED", output.Result)
    else:
        ledger.set(failures=0)
        if again:
            ledger.owe()


def _understood(ledger: Ledger, ran: Ran) -> tuple[Output | None, Error | None]:
    """What a function says, and the error in it. None where it failed, or can't be understood."""
    if ran.error:
        return None, error_of(ran.payload)
    try:
        output = msgspec.json.decode(ran.payload, type=Output)
    except msgspec.DecodeError:
        return None, _invalid(BAD_STATUS)
    if output.Status == "SUCCEEDED" and output.Error is not None:
        return None, _invalid("Cannot provide an Error for SUCCEEDED status.")
    if output.Status == "FAILED" and output.Result is not None:
        return None, _invalid("Cannot provide a Result for FAILED status.")
    if size_of(output.Result) > ledger.row.limit:
        return None, _invalid(f"Execution output payload size must be less than or equal to {ledger.row.limit} bytes.")
    return output, msgspec.to_builtins(output.Error) if output.Status == "FAILED" else None


def _invalid(message: str) -> Error:
    return {"ErrorType": "InvalidParameterValueException", "ErrorMessage": message}
