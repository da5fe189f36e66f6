"""A stack's drift is looked for, resource by resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.cloudformation.drift.comparing import keep, looked_at, rows
from windtunnel.services.cloudformation.drift.state import DETECTIONS, Drifted
from windtunnel.services.cloudformation.state import STACKS, stack_of

DRIFTED = ("MODIFIED", "DELETED")


async def detect(call: Call, payload: Mapping[str, Any]) -> Callable[[Tx], None]:
    """Timer: looks at a stack."""
    id = payload["id"]
    detection = call.read(Tx.get, DETECTIONS, id)
    if detection is None:
        return lambda _: None
    stack = call.read(stack_of, detection.stack)
    found: dict[str, Drifted] = {}
    why = ""
    for logical, row in call.read(rows, stack).items():
        if payload["logical"] and logical not in payload["logical"]:
            continue
        try:
            found[logical] = await looked_at(call, stack, logical, row)
        except Fault as fault:
            why = f"Failed to detect drift on resource [{logical}]: {fault.message}"
    return partial(_settle, id=id, found=found, why=why)


def _settle(tx: Tx, id: str, found: dict[str, Drifted], why: str) -> None:
    detection = tx.get(DETECTIONS, id)
    assert detection is not None
    stack = stack_of(tx, detection.stack)
    for logical, drifted in found.items():
        keep(tx, stack, logical, drifted)
    number = sum(drifted.status in DRIFTED for drifted in found.values())
    drift = "DRIFTED" if number else "IN_SYNC"
    status = "DETECTION_FAILED" if why else "DETECTION_COMPLETE"
    tx.put(DETECTIONS, id, value=msgspec.structs.replace(detection, status=status, drift=drift, drifted=number, reason=why))
    tx.put(STACKS, stack.uuid, value=msgspec.structs.replace(stack, drift=drift, drift_checked=detection.began))
