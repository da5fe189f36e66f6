"""What a checkpoint may say of an operation, and what becomes of it.

https://docs.aws.amazon.com/lambda/latest/api/API_OperationUpdate.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.lambda_.durable.chained import begin, check_place, target_of
from windtunnel.services.lambda_.durable.ledger import Ledger
from windtunnel.services.lambda_.durable.rules import PAYLOAD_BYTES_MAX, check_error, size_of
from windtunnel.services.lambda_.durable.state import Operation
from windtunnel.services.lambda_.rules import invalid

Update = Mapping[str, Any]
Found = tuple[int, Operation] | None
ACTIONS = {
    "EXECUTION": ("SUCCEED", "FAIL"),
    "CONTEXT": ("START", "SUCCEED", "FAIL"),
    "STEP": ("START", "SUCCEED", "FAIL", "RETRY"),
    "WAIT": ("START", "CANCEL"),
    "CALLBACK": ("START",),
    "CHAINED_INVOKE": ("START",),
}


def apply(ledger: Ledger, updates: Sequence[Update]) -> None:
    """Does what a checkpoint says, all of it or nothing. Raises InvalidParameterValueException."""
    _check(updates)
    for update in updates:
        kind, error = update["Type"], update.get("Error")
        if update["Action"] not in ACTIONS[kind]:
            raise invalid("Invalid action for the given operation type.")
        check_error(error)
        if update["Action"] == "SUCCEED" and error is not None:
            raise invalid("Cannot provide an Error for SUCCEED action.")
        if update["Action"] == "FAIL" and update.get("Payload") is not None:
            raise invalid("Cannot provide a Payload for FAIL action.")
        limit, what = (ledger.row.limit, "Execution output") if kind == "EXECUTION" else (PAYLOAD_BYTES_MAX, kind)
        if size_of(update.get("Payload")) > limit:
            what = f"{what} input" if kind == "CHAINED_INVOKE" else what
            raise invalid(f"{what} payload size must be less than or equal to {limit} bytes.")
        ledger.count(update.get("Payload"), error)
        if kind == "EXECUTION":
            ledger.close(_outcome(update), update.get("Payload"), error)
        else:
            APPLIED[kind](ledger, update, _found(ledger, update))


def _check(updates: Sequence[Update]) -> None:
    """What must hold of all together."""
    seen: dict[str, Update] = {}
    executions = [update["Type"] == "EXECUTION" for update in updates]
    if sum(executions) > 1:
        raise invalid("Cannot checkpoint multiple EXECUTION updates.")
    if any(executions[:-1]):
        raise invalid("EXECUTION checkpoint must be the last update.")
    for update in updates:
        before = seen.get(update["Id"])
        # What is started may be brought to its end at once.
        begun = before is not None and before["Action"] == "START" and before["Type"] in ("STEP", "CONTEXT")
        if before is not None and not (begun and update["Action"] != "START"):
            raise invalid("Cannot checkpoint multiple operations with the same ID.")
        seen[update["Id"]] = update


def _found(ledger: Ledger, update: Update) -> Found:
    """The operation that an update is about, which must be what it says."""
    if (parent := update.get("ParentId")) is not None:
        context = ledger.find(parent)
        if context is None or context[1].type != "CONTEXT":
            raise invalid("Invalid parent operation id.")
    found = ledger.find(update["Id"])
    if found is not None:
        _, row = found
        for member, known, what in (
            ("Type", row.type, "operation type"),
            ("SubType", row.subtype, "operation subtype"),
            ("Name", row.name, "operation name"),
            ("ParentId", row.parent, "parent operation id"),
        ):
            if update.get(member) not in (None, known):
                raise invalid(f"Inconsistent {what}.")
    return found


def _new(ledger: Ledger, update: Update, **fields: Any) -> tuple[int, Operation]:
    known = (update.get("ParentId", ""), update.get("Name", ""), update.get("SubType", ""))
    row = Operation(update["Id"], update["Type"], ledger.tx.now, *known, **fields)
    return ledger.add(row), row


def _alone(found: Found, kind: str, what: str = "a {} that already exist.") -> None:
    if found is not None:
        raise invalid(f"Cannot start {what.format(kind)}")


def _outcome(update: Update) -> str:
    return "SUCCEEDED" if update["Action"] == "SUCCEED" else "FAILED"


def _context(ledger: Ledger, update: Update, found: Found) -> None:
    if update["Action"] == "START":
        _alone(found, "CONTEXT")
        _, row = _new(ledger, update)
        ledger.note(row, "Started")
        return
    number, row = found or _new(ledger, update)
    if row.status != "STARTED":
        raise invalid("Invalid current CONTEXT state to close.")
    replay = update.get("ContextOptions", {}).get("ReplayChildren", False)
    row = msgspec.structs.replace(row, replay=replay)
    ledger.end(number, row, _outcome(update), update.get("Payload"), update.get("Error"))


def _step(ledger: Ledger, update: Update, found: Found) -> None:
    action = update["Action"]
    if action == "START":
        if found is None:
            _, row = _new(ledger, update)
        elif found[1].status == "READY":
            number, row = found
            ledger.change(number, msgspec.structs.replace(row, status="STARTED"))
        else:
            raise invalid("Invalid current STEP state to start.")
        ledger.note(row, "Started")
        return
    number, row = found or _new(ledger, update)
    if row.status not in ("STARTED", "READY"):
        raise invalid(f"Invalid current STEP state to {'re-attempt' if action == 'RETRY' else 'close'}.")
    delay: int = update.get("StepOptions", {}).get("NextAttemptDelaySeconds", 0)
    if (action == "RETRY") != bool(delay):
        raise invalid("Invalid StepOptions for the given action.")
    payload, error, attempt, now = update.get("Payload"), update.get("Error"), row.attempt + 1, ledger.tx.now
    if payload is not None and error is not None:
        raise invalid("Cannot provide both error and payload to RETRY a STEP.")
    ended: dict[str, Any] = {"status": "PENDING", "due": now + delay} if delay else {"status": _outcome(update), "ended": now}
    ledger.change(number, msgspec.structs.replace(row, attempt=attempt, result=payload, error=error, **ended))
    retry = {"CurrentAttempt": attempt, **({"NextAttemptDelaySeconds": delay} if delay else {})}
    failed = action == "FAIL" or error is not None
    data = {"Error": error} if failed else {"Result": payload}
    ledger.note(row, "Failed" if failed else "Succeeded", details={"RetryDetails": retry}, data=data)
    if delay:
        ring(ledger, number, now + delay)


def _wait(ledger: Ledger, update: Update, found: Found) -> None:
    if update["Action"] == "CANCEL":
        if found is None or found[1].status != "STARTED":
            raise invalid("Cannot cancel a WAIT that does not exist or has already completed.")
        ledger.end(*found, "CANCELLED")
        return
    _alone(found, "WAIT")
    length: int = update.get("WaitOptions", {}).get("WaitSeconds", 0)
    if not length:
        raise invalid("Update for WAIT operation requires WaitOptions.")
    number, row = _new(ledger, update, due=ledger.tx.now + length)
    ledger.note(row, "Started", details={"Duration": length, "ScheduledEndTimestamp": row.due})
    ring(ledger, number, row.due)


def _callback(ledger: Ledger, update: Update, found: Found) -> None:
    _alone(found, "CALLBACK")
    given = update.get("CallbackOptions", {})
    timeout: int = given.get("TimeoutSeconds", 0)
    beat: int = given.get("HeartbeatTimeoutSeconds", 0)
    now = ledger.tx.now
    due, beat_due = now + timeout if timeout else 0.0, now + beat if beat else 0.0
    number, row = _new(ledger, update, due=due, beat=beat, beat_due=beat_due)
    limits = {"Timeout": timeout, "HeartbeatTimeout": beat}
    details = {"CallbackId": ledger.callback(number), **{name: limit for name, limit in limits.items() if limit}}
    ledger.note(row, "Started", details=details)
    if moments := [moment for moment in (due, beat_due) if moment]:
        ring(ledger, number, min(moments))


def _invoke(ledger: Ledger, update: Update, found: Found) -> None:
    _alone(found, "CHAINED_INVOKE", "a {} operation that already exists.")
    options = update.get("ChainedInvokeOptions")
    if options is None:
        raise invalid("Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.")
    function, payload = options["FunctionName"], update.get("Payload")
    check_place(ledger.tx, function)
    details = {"FunctionName": function}
    if "TenantId" in options:
        details["TenantId"] = options["TenantId"]
    try:
        target = target_of(ledger.tx, function)
    except Fault as fault:
        # It comes to nothing, which its function is told with the answer.
        number, row = _new(ledger, update, target=function)
        ledger.note(row, "Started", details=details)
        ledger.end(number, row, "FAILED", error={"ErrorType": fault.code, "ErrorMessage": fault.message})
        return
    number, row = _new(ledger, update, target=function, input=payload)
    details |= begin(ledger, number, row, target)
    ledger.note(row, "Started", details=details, data={"Input": payload})


def ring(ledger: Ledger, number: int, due: float) -> None:
    """An operation's time comes at `due`, and no sooner."""
    ledger.tx.timer(due, "durable_operation", {"key": [*ledger.key, number]}, name=f"{ledger.row.id}/{number}")


APPLIED: dict[str, Callable[[Ledger, Update, Found], None]] = {
    "CONTEXT": _context,
    "STEP": _step,
    "WAIT": _wait,
    "CALLBACK": _callback,
    "CHAINED_INVOKE": _invoke,
}
