"""What a durable function says while it runs, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.durable.ledger import Ledger, by_id
from windtunnel.services.lambda_.durable.rules import INVALID_TOKEN, OTHERS_TOKEN, PAGE_DEFAULT, PAGE_MAX, opened, seconds
from windtunnel.services.lambda_.durable.runs import page_of
from windtunnel.services.lambda_.durable.state import Checkpoint
from windtunnel.services.lambda_.durable.updates import apply
from windtunnel.services.lambda_.rules import invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


def checkpoint_durable_execution(tx: Tx, req: t.CheckpointDurableExecutionRequest) -> dict[str, Any]:
    ledger, current = _under_way(tx, req)
    token, client, last = req["CheckpointToken"], req.get("ClientToken", ""), ledger.row.last
    if client and last is not None and (last.client, last.token) == (client, token):
        return _answer(ledger, last.told)
    if not current:
        raise invalid(INVALID_TOKEN)
    apply(ledger, req.get("Updates", []))
    told = [number for number, _ in ledger.unseen()]
    ledger.set(sequence=ledger.row.sequence + 1, last=Checkpoint(client, token, told))
    pausing = ledger.row.pause is not None
    if pausing:
        # Without another token the function can't go on: it ends its run.
        ledger.pause()
        ledger.set(owed=True, last=None)
    else:
        ledger.set(seen=ledger.row.changes)
    ledger.save()
    return {"NewExecutionState": {"Operations": []}} if pausing else _answer(ledger, told)


def get_durable_execution_state(tx: Tx, req: t.GetDurableExecutionStateRequest) -> dict[str, Any]:
    ledger, current = _under_way(tx, req)
    if not current:
        raise invalid(INVALID_TOKEN)
    marker = req.get("Marker") or "0"
    if not marker.isdecimal():
        raise invalid("Invalid Marker")
    rows, rest = page_of(ledger, int(marker), min(req.get("MaxItems") or PAGE_DEFAULT, PAGE_MAX))
    shown = [ledger.print(number, row, seconds) for number, row in rows]
    return {"Operations": shown, **({} if rest is None else {"NextMarker": str(rest)})}


def _under_way(tx: Tx, req: Mapping[str, Any]) -> tuple[Ledger, bool]:
    """The execution whose function asks, and whether its token is the current one. Raises InvalidParameterValueException."""
    parts = opened(req["CheckpointToken"], 3)
    ledger = None if parts is None else by_id(tx, parts[0])
    if ledger is None or parts is None:
        raise invalid(INVALID_TOKEN)
    if ledger.arn != req["DurableExecutionArn"]:
        raise invalid(OTHERS_TOKEN)
    row = ledger.row
    if not ledger.live or not row.invocation or parts[1] != row.invocation:
        raise invalid(INVALID_TOKEN)
    return ledger, parts[2] == str(row.sequence) and (row.pause is None or not row.pause.begun)


def _answer(ledger: Ledger, told: list[int]) -> dict[str, Any]:
    rows = [(number, row) for number in told if (row := ledger.at(number)) is not None]
    shown = {"NewExecutionState": {"Operations": [ledger.print(number, row, seconds) for number, row in rows]}}
    return {"CheckpointToken": ledger.token(), **shown} if ledger.live else shown
