"""What happens to queues by themselves: messages grow too old, and what a deleted or purged queue left is swept away."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, nextafter
from typing import Any

from windtunnel.fabric import Tx
from windtunnel.services.sqs import fifo, standard
from windtunnel.services.sqs.state import BODIES, DELETED, GROUPED, HEADS, MESSAGES, PLACES, QUEUES, STORED, Queue, forget

SLICE_ROWS = 256
"""So many rows one transaction removes, or others would wait for it."""
SLICE_BODIES = 16
SPACING_SECONDS = 1.0
"""Ages are looked at so often at most; receiving looks at each message by itself and is exact."""


def watch(tx: Tx, name: str, queue: Queue, due: float) -> None:
    """Has the ages of a queue's messages looked at, from `due` on for ever; replaces an earlier date.

    Nothing that is sent after a look can be too old before a whole retention period is over, so sending needs no timer.
    """
    tx.timer(due, "expire", {"name": name, "id": queue.id}, name=str(queue.id))


def watch_age(tx: Tx, name: str, queue: Queue, sent: float) -> None:
    """One look more, for a message that came here older than those that are sent here."""
    due = int(sent + queue.retention) + 1
    tx.timer(due, "expire", {"name": name, "id": queue.id, "once": True}, name=f"{queue.id}/{due}")


def abandon(tx: Tx, store: int) -> None:
    """Has the rows of a store removed that no queue has any more."""
    tx.timer(tx.now, "sweep", {"store": store})


def expire(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes messages that are too old, a slice at a time."""
    name = payload["name"]
    queue = tx.get(QUEUES, name)
    if queue is None or queue.id != payload["id"]:
        return
    remove = _expire_groups if queue.fifo else _expire_messages
    more, oldest = remove(tx, queue, tx.now - queue.retention)
    if more:
        tx.timer(tx.now, "expire", payload, name=None if "once" in payload else str(queue.id))
    elif "once" not in payload:
        watch(tx, name, queue, max(min(oldest, tx.now) + queue.retention, tx.now + SPACING_SECONDS))


def sweep(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted or purged queue left, a slice at a time."""
    store = payload["store"]
    for table in STORED:
        size = SLICE_BODIES if table is BODIES else SLICE_ROWS
        keys = [key for key, _ in tx.scan(table, store, limit=size)]
        if forget(tx, table, keys) == size:
            abandon(tx, store)
            return


def forget_name(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: the name of a deleted queue can be taken again."""
    tx.delete(DELETED, payload["name"])


def _expire_messages(tx: Tx, queue: Queue, cutoff: float) -> tuple[bool, float]:
    """Removes what was sent until `cutoff`; tells whether there is more, and since when the oldest is there."""
    store, end = queue.store, (nextafter(cutoff, inf),)
    untouched = list(tx.scan(MESSAGES, store, end=end, limit=SLICE_ROWS))
    for key, message in untouched:
        visible, serial = float(key[1] or 0), int(key[2] or 0)
        standard.remove(tx, queue, message.sent, serial, standard.place_of(tx, queue, visible, serial, message))
    touched = list(tx.scan(PLACES, store, end=end, limit=SLICE_ROWS))
    for key, place in touched:
        standard.remove(tx, queue, float(key[1] or 0), int(key[2] or 0), place)
    oldest = [float(key[1] or 0) for key, _ in tx.scan(MESSAGES, store, limit=1)]
    oldest += [float(key[1] or 0) for key, _ in tx.scan(PLACES, store, limit=1)]
    return max(len(untouched), len(touched)) == SLICE_ROWS, min(oldest, default=inf)


def _expire_groups(tx: Tx, queue: Queue, cutoff: float) -> tuple[bool, float]:
    """The same for a FIFO queue: the first of a group is its oldest."""
    store, removed = queue.store, 0
    for kind in (fifo.FRESH, fifo.AGED):
        for head, _ in list(tx.scan(HEADS, store, kind, end=(nextafter(cutoff, inf),), limit=SLICE_ROWS)):
            for key, message in list(tx.scan(GROUPED, store, head[4], limit=SLICE_ROWS)):
                if message.sent > cutoff or removed >= SLICE_ROWS:
                    break
                fifo.remove(tx, queue, int(key[2] or 0), message)
                removed += 1
    oldest = [float(key[2] or 0) for kind in (fifo.FRESH, fifo.AGED) for key, _ in tx.scan(HEADS, store, kind, limit=1)]
    return removed >= SLICE_ROWS, min(oldest, default=inf)
