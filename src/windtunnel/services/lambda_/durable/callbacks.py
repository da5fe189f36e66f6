"""Callbacks: what the outside tells an execution that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.durable.ledger import Ledger, by_id, finish
from windtunnel.services.lambda_.durable.rules import check_error, closed_callback, opened
from windtunnel.services.lambda_.durable.state import Operation
from windtunnel.services.lambda_.durable.updates import ring
from windtunnel.services.lambda_.rules import invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


def send_durable_execution_callback_success(tx: Tx, req: t.SendDurableExecutionCallbackSuccessRequest) -> None:
    ledger, number, _ = _waiting(tx, req["CallbackId"])
    result: bytes | None = req.get("Result")  # pyright: ignore[reportAssignmentType]
    finish(tx, ledger.key, number, "SUCCEEDED", None if result is None else result.decode("utf-8", "replace"))


def send_durable_execution_callback_failure(tx: Tx, req: t.SendDurableExecutionCallbackFailureRequest) -> None:
    error = dict(req.get("Error", {}))
    check_error(error)
    ledger, number, _ = _waiting(tx, req["CallbackId"])
    finish(tx, ledger.key, number, "FAILED", error=error)


def send_durable_execution_callback_heartbeat(tx: Tx, req: t.SendDurableExecutionCallbackHeartbeatRequest) -> None:
    ledger, number, row = _waiting(tx, req["CallbackId"])
    if row.beat:
        beat_due = tx.now + row.beat
        # The function needn't know of it: nothing has changed for it.
        ledger.put(number, msgspec.structs.replace(row, beat_due=beat_due))
        ring(ledger, number, min(beat_due, row.due or beat_due))


def _waiting(tx: Tx, callback: str) -> tuple[Ledger, int, Operation]:
    """The callback that is waited for. Raises InvalidParameterValueException and CallbackTimeoutException."""
    parts = opened(callback, 2)
    if parts is None or not parts[1].isdecimal():
        raise invalid("Invalid callback id")
    ledger, number = by_id(tx, parts[0]), int(parts[1])
    row = None if ledger is None or not ledger.live else ledger.at(number)
    if ledger is None or row is None or row.type != "CALLBACK" or row.status != "STARTED":
        raise closed_callback()
    return ledger, number, row
