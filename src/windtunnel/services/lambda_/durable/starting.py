"""How an execution begins, and how somebody waits for its end.

https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html
"""

from __future__ import annotations

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.kernel.store import Key
from windtunnel.services.lambda_.durable.ledger import Ledger, failure_of
from windtunnel.services.lambda_.durable.rules import PAYLOAD_BYTES_MAX, SYNCHRONOUS_SECONDS_MAX, TOO_LONG, UNQUALIFIED
from windtunnel.services.lambda_.durable.state import EXECUTIONS, OPERATIONS, Execution, Operation
from windtunnel.services.lambda_.places import Found
from windtunnel.services.lambda_.rules import SYNCHRONOUS_BYTES_MAX, invalid, shown_number
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.running.lineage import CODE, STOPPED, stopped


class Beginning(msgspec.Struct, frozen=True):
    """What else is said of an execution when it begins."""

    limit: int
    name: str = ""
    request_id: str = ""
    parent: tuple[float, int, int] | None = None
    trace: str = ""


def check_invocation(found: Found, kind: str) -> None:
    """Raises InvalidParameterValueException where a durable function can't be invoked so."""
    durable = found.version.durable
    if durable is not None and not found.qualifier:
        raise invalid(UNQUALIFIED)
    if durable is not None and kind == "RequestResponse" and durable.timeout > SYNCHRONOUS_SECONDS_MAX:
        raise invalid(TOO_LONG)


def start(tx: Tx, found: Found, payload: str | None, given: Beginning) -> Ledger:
    """A new execution in the function's account, or that of the same name. Raises DurableExecutionAlreadyStartedException."""
    durable = found.version.durable
    assert durable is not None, f"{found.arn} is not durable"
    tx = tx if tx.account == found.tx.account else tx.at(account=found.tx.account)
    if given.name and (known := next(tx.find(EXECUTIONS, "name", found.name, given.name, limit=1), None)) is not None:
        return _same(Ledger(tx, *known), found, payload)
    row = Execution(
        tx.new_id(),
        given.name or tx.new_id(),
        found.name,
        found.qualifier,
        found.number,
        durable.timeout,
        durable.retention,
        given.limit,
        tx.now + durable.timeout,
        kms=durable.kms,
        trace=given.trace,
        request_id=given.request_id,
        parent=given.parent,
    )
    ledger = Ledger(tx, (tx.now, tx.serial()), row)
    itself = Operation(row.id, "EXECUTION", tx.now, name=row.name, input=payload)
    ledger.count(payload)
    ledger.add(itself)
    ledger.note(itself, "Started", details={"ExecutionTimeout": durable.timeout}, data={"Input": payload})
    ledger.expire(row.expires)
    ledger.owe()
    ledger.save()
    ledger.tell()
    return ledger


def _same(known: Ledger, found: Found, payload: str | None) -> Ledger:
    itself = known.at(0)
    if known.row.number != found.number or itself is None or itself.input != payload:
        raise Fault("DurableExecutionAlreadyStartedException", f"Execution already started: {known.arn}", Type="User")
    return known


def accept(tx: Tx, found: Found, payload: bytes, name: str, request_id: str) -> str:
    """Starts an execution that nobody waits for; its ARN."""
    given = Beginning(PAYLOAD_BYTES_MAX, name, request_id, trace=tx.scope.trace)
    return start(tx, found, payload.decode("utf-8", "replace"), given).arn


async def complete(call: Call, found: Found, payload: bytes, name: str = "") -> Ran:
    """A whole execution, from its start to its end, as one run of the function."""
    check_invocation(found, "RequestResponse")
    if stopped(call.scope.trace, found):
        raise Fault(CODE, STOPPED, Type="User")
    call = call.at(account=found.tx.account)
    given = Beginning(SYNCHRONOUS_BYTES_MAX, name, trace=call.scope.trace)
    ledger = await call.transact(start, found, payload.decode("utf-8", "replace"), given)
    while (itself := call.read(_itself, ledger.key)) is not None and itself.status == "STARTED":
        await call.wait(ledger.channel)
    if itself is None or itself.status == "SUCCEEDED":  # one that was deleted meanwhile has nothing to say
        result = "null" if itself is None or itself.result is None else itself.result
        return Ran(result.encode(), "", shown_number(found.number), "", durable=ledger.arn)
    return Ran(failure_of(itself.error), "Unhandled", shown_number(found.number), "", durable=ledger.arn)


def _itself(tx: Tx, key: Key) -> Operation | None:
    return tx.get(OPERATIONS, *key, 0)
