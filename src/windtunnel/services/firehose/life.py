"""What a deleted stream left is swept away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.services.firehose.state import STORED

SLICE_ROWS = 256


def sweep(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes the rows of a stream that is no more, a slice at a time."""
    for table in STORED:
        keys = [key for key, _ in tx.scan(table, payload["id"], limit=SLICE_ROWS)]
        for key in keys:
            tx.delete(table, *key)
        if len(keys) == SLICE_ROWS:
            tx.timer(tx.now, "sweep", payload)
            return
