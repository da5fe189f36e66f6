"""Executions that are paused, and go on.

https://docs.aws.amazon.com/lambda/latest/dg/durable-pause-resume.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.durable.ledger import Ledger, by_arn, reason_of
from windtunnel.services.lambda_.durable.rules import REPEAT_SECONDS
from windtunnel.services.lambda_.durable.state import Pause
from windtunnel.services.lambda_.rules import conflict

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


def pause_durable_execution(tx: Tx, req: t.PauseDurableExecutionRequest) -> None:
    ledger = by_arn(tx, req["DurableExecutionArn"])
    if _repeated(ledger, "pause", req):
        return
    if ledger.row.status != "RUNNING":
        raise conflict(f"Durable Execution is {ledger.row.status}, and only RUNNING ones can be paused.")
    ledger.set(status="PAUSING", pause=Pause(tx.now, req.get("ExecutionTimeoutPaused", True), req.get("Reason")))
    if not ledger.row.invocation:
        ledger.set(owed=ledger.row.run > 0, run=0)
        ledger.pause()
    ledger.save()


def resume_durable_execution(tx: Tx, req: t.ResumeDurableExecutionRequest) -> None:
    ledger = by_arn(tx, req["DurableExecutionArn"])
    if _repeated(ledger, "resume", req):
        return
    pause = ledger.row.pause
    if pause is None:
        raise conflict(f"Durable Execution is {ledger.row.status}, and only PAUSED ones can be resumed.")
    ledger.set(status="RUNNING", pause=None)
    if pause.begun:
        ledger.note_itself("Resumed", {"ResumeRequestTimestamp": tx.now}, reason_of(req.get("Reason")))
        if pause.stops_timeout:
            ledger.set(expires=min(ledger.row.expires + tx.now - pause.begun, ledger.latest))
            ledger.expire(ledger.row.expires)
        if ledger.row.owed:
            ledger.owe()
    ledger.save()


def _repeated(ledger: Ledger, what: str, req: Mapping[str, Any]) -> bool:
    """Whether a request was done before; it is remembered if not."""
    now, token = ledger.tx.now, f"{what} {req.get('ClientToken', '')}"
    asked = {known: at for known, at in ledger.row.asked.items() if now - at < REPEAT_SECONDS}
    if req.get("ClientToken"):
        ledger.set(asked={**asked, token: now})
    return token in asked
