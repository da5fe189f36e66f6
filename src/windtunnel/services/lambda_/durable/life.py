"""What happens to executions by itself: operations come due, executions time out and are forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.durable.ledger import finish, opened_ledger
from windtunnel.services.lambda_.durable.state import EXECUTIONS, OWNED

FORGOTTEN_AT_ONCE = 1000


def operation_due(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a wait ends, a step may be tried again, a callback has been waited for long enough."""
    *key, number = payload["key"]
    ledger = opened_ledger(tx, tuple(key))
    row = None if ledger is None else ledger.at(number)
    if ledger is None or row is None:
        return
    if row.type == "STEP":
        finish(tx, ledger.key, number, "READY")
    elif row.type == "WAIT":
        finish(tx, ledger.key, number, "SUCCEEDED")
    elif row.due and row.due <= tx.now:
        finish(tx, ledger.key, number, "TIMED_OUT", error={"ErrorType": "Callback.Timeout", "ErrorMessage": "Callback timed out"})
    else:
        error = {"ErrorType": "Callback.Heartbeat", "ErrorMessage": "Callback timed out on heartbeat"}
        finish(tx, ledger.key, number, "TIMED_OUT", error=error)


def execution_due(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: an execution has taken too long, or has been kept for long enough."""
    ledger = opened_ledger(tx, tuple(payload["key"]))
    if ledger is None:
        return
    if ledger.live:
        ledger.close("TIMED_OUT", error={"ErrorMessage": f"Execution timed out after {ledger.row.timeout} seconds."})
        ledger.save()
        return
    if ledger.row.status != "DELETING":
        ledger.set(status="DELETING")
        ledger.save()
    for table in OWNED:
        rows = [key for key, _ in tx.scan(table, *ledger.key, limit=FORGOTTEN_AT_ONCE)]
        for key in rows:
            tx.delete(table, *key)
        if len(rows) == FORGOTTEN_AT_ONCE:
            ledger.expire(tx.now)
            return
    tx.delete(EXECUTIONS, *ledger.key)
