"""How messages with a group lie in a standard queue: each group by itself, so that a noisy one can be passed over whatever its backlog.

A message lies in FAIR under `(store, group, visible at, serial)`; HEADS has the first of each group, by whether the group is noisy. A
receive looks at the first few quiet groups (a message without a group is a tenant of its own), and at noisy ones when there is nothing
else. A group is noisy from when it has 30 messages and more than a tenth of what is in flight, until its backlog is consumed or nothing of
it has been in flight for five minutes:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
"""

from __future__ import annotations

from math import inf, nextafter

from windtunnel.fabric import Tx
from windtunnel.services.sqs.state import FAIR, HEADS, NOISY, NUMBERS, Message, Queue

QUIET_KIND, NOISY_KIND = 0, 1
NOISY_SHARE = 0.1
NOISY_MESSAGES_MIN = 30
CALM_SECONDS = 300.0
NOISY_GROUPS_MAX = 32
"""So many noisy groups are looked at; those that have waited longest."""
Row = tuple[float, int, Message]
Front = tuple[float, int]


def put(tx: Tx, store: int, visible: float, serial: int, message: Message) -> None:
    group = message.group
    first = _first(tx, store, group)
    tx.put(FAIR, store, group, visible, serial, value=message)
    if first is None or (visible, serial) < first:
        _set_front(tx, store, group, first, (visible, serial))


def drop(tx: Tx, store: int, visible: float, serial: int, group: str) -> None:
    first = _first(tx, store, group)
    tx.delete(FAIR, store, group, visible, serial)
    if first == (visible, serial):
        _set_front(tx, store, group, first, _first(tx, store, group))


def ready(tx: Tx, queue: Queue, limit: int, alone: list[Row]) -> list[Row]:
    """Messages that can be received now, quiet tenants' first; `alone` are those without a group."""
    store, end = queue.store, (nextafter(tx.now, inf),)
    noisy: list[str] = []
    for key, _ in list(tx.scan(HEADS, store, NOISY_KIND, end=end, limit=NOISY_GROUPS_MAX)):
        group = str(key[4])
        if tx.now > (tx.get(NOISY, store, group) or 0.0) + CALM_SECONDS:
            _calm(tx, store, group)
        else:
            noisy.append(group)
    rows = list(alone)
    for key, _ in tx.scan(HEADS, store, QUIET_KIND, end=end, limit=limit):
        rows += _page(tx, store, str(key[4]), limit)
    rows.sort(key=lambda row: row[:2])
    del rows[limit:]
    for group in sorted(noisy, key=lambda group: tx.amount(NUMBERS, store, "of", group)):
        if len(rows) < limit:
            rows += _page(tx, store, group, limit - len(rows))
    return rows


def soonest(tx: Tx, queue: Queue) -> float:
    """When the next message with a group can be received."""
    start = (nextafter(tx.now, inf),)
    heads = [next(tx.scan(HEADS, queue.store, kind, start=start, limit=1), None) for kind in (QUIET_KIND, NOISY_KIND)]
    return min((float(head[0][2] or 0) for head in heads if head is not None), default=inf)


def notice(tx: Tx, queue: Queue, group: str, ends: float) -> None:
    """A message of a group is in flight until `ends`: the group may be a noisy neighbour by now."""
    store = queue.store
    before = tx.get(NOISY, store, group)
    if before is None:
        mine, first = tx.amount(NUMBERS, store, "of", group), _first(tx, store, group)
        few = mine < NOISY_MESSAGES_MIN or mine <= tx.amount(NUMBERS, store, "held") * NOISY_SHARE
        if few or first is None or first[0] > tx.now:
            return
        tx.delete(HEADS, store, QUIET_KIND, *first, group)
        tx.put(HEADS, store, NOISY_KIND, *first, group, value=True)
    tx.put(NOISY, store, group, value=max(before or 0.0, ends))


def _calm(tx: Tx, store: int, group: str) -> None:
    first = _first(tx, store, group)
    tx.delete(NOISY, store, group)
    if first is not None:
        tx.delete(HEADS, store, NOISY_KIND, *first, group)
        tx.put(HEADS, store, QUIET_KIND, *first, group, value=True)


def _first(tx: Tx, store: int, group: str) -> Front | None:
    row = next(tx.scan(FAIR, store, group, limit=1), None)
    return None if row is None else (float(row[0][2] or 0), int(row[0][3] or 0))


def _page(tx: Tx, store: int, group: str, limit: int) -> list[Row]:
    page = tx.scan(FAIR, store, group, end=(nextafter(tx.now, inf),), limit=limit)
    return [(float(key[2] or 0), int(key[3] or 0), message) for key, message in page]


def _set_front(tx: Tx, store: int, group: str, was: Front | None, becomes: Front | None) -> None:
    """Another message is a group's first; a noisy group that has none to be received is quiet again."""
    kind = NOISY_KIND if tx.get(NOISY, store, group) is not None else QUIET_KIND
    if was is not None:
        tx.delete(HEADS, store, kind, *was, group)
    if kind == NOISY_KIND and (becomes is None or becomes[0] > tx.now):
        tx.delete(NOISY, store, group)
        kind = QUIET_KIND
    if becomes is not None:
        tx.put(HEADS, store, kind, *becomes, group, value=True)
