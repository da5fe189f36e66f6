"""Functions that a durable function invokes and waits for: durable ones as executions of their own, others by an invocation.

https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html#durable-invoking-chained
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.scope import session_of
from windtunnel.services.lambda_.durable.ledger import Ledger, error_of, finish, opened_ledger
from windtunnel.services.lambda_.durable.rules import PAYLOAD_BYTES_MAX, UNQUALIFIED
from windtunnel.services.lambda_.durable.starting import Beginning, start
from windtunnel.services.lambda_.durable.state import Operation
from windtunnel.services.lambda_.events.events import BACK_OFF_SECONDS_MAX
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import LATEST, Name, arn_of, invalid, name_of, not_found, shown_number

OUTSIDE = "Cannot start a CHAINED_INVOKE on a function in another {}."


def target_of(tx: Tx, function: str) -> Found:
    """Raises the fault that the operation fails with."""
    name = name_of(function)
    target = Name(tx.region, tx.account, name.name, name.qualifier)
    try:
        found = chosen(find(tx, target))
    except Fault as fault:
        raise not_found(f"Function not found: {arn_of(tx.region, tx.account, name.name, name.qualifier or LATEST)}") from fault
    if found.version.durable is not None and not found.qualifier:
        raise invalid(UNQUALIFIED)
    return found


def check_place(tx: Tx, function: str) -> None:
    """Raises InvalidParameterValueException for functions elsewhere."""
    name = name_of(function)
    if name.account not in ("", tx.account):
        raise invalid(OUTSIDE.format("account"))
    if name.region not in ("", tx.region):
        raise invalid(OUTSIDE.format("region"))


def begin(ledger: Ledger, number: int, row: Operation, target: Found) -> dict[str, Any]:
    """Starts what was asked for, and answers what is told of it."""
    told = {"ExecutedVersion": shown_number(target.number)}
    key = (ledger.started, int(ledger.key[1] or 0), number)
    if target.version.durable is None:
        ledger.tx.timer(ledger.tx.now, "durable_invoke", {"key": list(key)})
        return told
    child = start(ledger.tx, target, row.input, Beginning(limit=PAYLOAD_BYTES_MAX, parent=key, trace=ledger.row.trace))
    return {**told, "DurableExecutionArn": child.arn}


async def invoke(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None] | None:
    """Timer: invokes a function that is not durable, in the name of the role of the one that waits for it."""
    *key, number = payload["key"]
    found = call.read(_asked, tuple(key), number)
    if found is None:
        return None
    operation, role, trace = found
    aws = call.traced(trace).aws_as(session_of(role, call.account, "durable"))
    delay = 1.0
    while True:
        try:
            answer: Any = await aws.lambda_.invoke({"FunctionName": operation.target, "Payload": (operation.input or "{}").encode()})
            break
        except Fault as fault:
            if fault.code != "TooManyRequestsException":
                error = {"ErrorType": fault.code, "ErrorMessage": fault.message}
                return lambda tx: finish(tx, tuple(key), number, "FAILED", error=error)
        await call.wait(until=call.now() + delay)
        delay = min(2 * delay, BACK_OFF_SECONDS_MAX)
    result: bytes = answer["Payload"]
    if answer.get("FunctionError"):
        return lambda tx: finish(tx, tuple(key), number, "FAILED", error=error_of(result))
    if len(result) > PAYLOAD_BYTES_MAX:
        too_long = {"ErrorMessage": f"CHAINED_INVOKE output payload size must be less than or equal to {PAYLOAD_BYTES_MAX} bytes."}
        return lambda tx: finish(tx, tuple(key), number, "FAILED", error=too_long)
    return lambda tx: finish(tx, tuple(key), number, "SUCCEEDED", result.decode("utf-8", "replace"))


def _asked(tx: Tx, key: tuple[float, int], number: int) -> tuple[Operation, str, str] | None:
    """What is to be invoked, by which role and in which trace; None where nobody waits for it any more."""
    ledger = opened_ledger(tx, key)
    operation = None if ledger is None else ledger.at(number)
    if ledger is None or not ledger.live or operation is None or operation.status != "STARTED":
        return None
    try:
        caller = find(tx, Name(tx.region, tx.account, ledger.row.function, shown_number(ledger.row.number)))
    except Fault:
        return None
    return operation, caller.version.role, ledger.row.trace
