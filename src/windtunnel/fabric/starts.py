"""What a process learns of its region when it starts: how often that was done before, how it ended, and what time it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric.peers import CLOCK, PROCESSES, TIMED
from windtunnel.fabric.roll import CLOSED
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.store import Table

if TYPE_CHECKING:
    from windtunnel.fabric.tx import Tx

BOOTS = Table("fabric.boots", int, scope="global")
SERIALS_PER_BOOT = 1 << 40


class Start(msgspec.Struct, frozen=True):
    """`process`: its number among those of a region that is served by several, 0 where it is alone."""

    boot: int
    process: int
    timed: bool
    closed: bool
    anchor: Anchor | None


def start(tx: Tx, anchor: Anchor, *, shared: bool, given: bool) -> Start:
    """Counts a start. `anchor` is this process's clock; unless it was `given`, the region's own comes before it."""
    boots, process = tx.get(BOOTS) or 0, 0
    closed = not boots or tx.get(CLOSED) is not None
    tx.put(BOOTS, value=boots + 1)
    tx.delete(CLOSED)
    kept = tx.get(CLOCK)
    if shared:
        process = (tx.get(PROCESSES) or 0) + 1
        tx.put(PROCESSES, value=process)
        if given or kept is None:
            tx.put(CLOCK, value=anchor)
        tx.put(TIMED, value=True)
    return Start(boots + 1, process, tx.get(TIMED) is not None, closed, None if given else kept)
