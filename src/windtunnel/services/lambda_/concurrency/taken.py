"""Places among a function's reserved concurrency where several processes run it: each is a row, for as long as its run may last.

A process that dies leaves its rows behind; they are over when the function's time is.
"""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.rules import throttled
from windtunnel.services.lambda_.state import TAKEN


def take(tx: Tx, name: str, reserved: int, now: float, until: float) -> int:
    """Takes a place, by its serial number. Raises TooManyRequestsException where all are taken."""
    places = list(tx.scan(TAKEN, name))
    over = [key for key, end in places if end <= now]
    if len(places) - len(over) >= reserved:
        raise throttled(reserved=True)
    for key in over:
        tx.delete(TAKEN, *key)
    serial = tx.serial()
    tx.put(TAKEN, name, serial, value=until)
    return serial


def leave(tx: Tx, name: str, serial: int) -> None:
    tx.delete(TAKEN, name, serial)
