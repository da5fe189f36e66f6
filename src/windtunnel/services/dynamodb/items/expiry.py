"""Time to live: an item goes when the time that it names has come, and its stream says that DynamoDB did it.

AWS takes up to some days for it; here an item goes at the moment. One that names a time of more than five years ago stays.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any

from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.keys import Place
from windtunnel.services.dynamodb.state import EXPIRING, ITEMS, TABLES, TableRow

PRINCIPAL = "dynamodb.amazonaws.com"
AGE_SECONDS_MAX = 5 * 365 * 86_400
SECONDS_MAX = 1 << 40
"""Later than any clock that is moved here."""
SLICE_ROWS = 256


def note(tx: Tx, row: TableRow, place: Place, old: Item | None, new: Item | None) -> None:
    """Keeps the list of what expires with an item."""
    before, after = due(row, old), due(row, new)
    if before is not None and before != after:
        tx.delete(EXPIRING, row.number, before, *place)
    if after is not None and before != after:
        first = next((key[1] for key, _ in tx.scan(EXPIRING, row.number, limit=1)), None)
        tx.put(EXPIRING, row.number, after, *place, value=True)
        if first is None or after < int(first or 0):
            watch(tx, row, after)


def due(row: TableRow, item: Item | None) -> int | None:
    """When an item expires, in whole seconds; None where it doesn't."""
    value = None if item is None else item.get(row.ttl)
    if value is None or "N" not in value:
        return None
    seconds = Decimal(value["N"])
    return ceil(seconds) if 0 < seconds < SECONDS_MAX else None


def watch(tx: Tx, row: TableRow, at: float) -> None:
    tx.timer(max(at, tx.now), "expire", {"name": row.name, "table": row.number}, name=str(row.number))


def forget(tx: Tx, row: TableRow) -> None:
    tx.cancel_timer("expire", str(row.number))


def expire(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what has expired, a slice at a time, and waits for the next."""
    from windtunnel.services.dynamodb.items.writing import write

    row = tx.get(TABLES, payload["name"])
    if row is None or row.number != payload["table"] or not row.ttl:
        return
    start = (max(int(tx.now) - AGE_SECONDS_MAX, 0),)
    for key, _ in list(tx.scan(EXPIRING, row.number, start=start, end=(int(tx.now) + 1,), limit=SLICE_ROWS)):
        place: Any = key[2:]
        item = tx.get(ITEMS, row.number, *place)
        if item is None or due(row, item) != key[1]:
            tx.delete(EXPIRING, *key)  # left from another time of expiry
        else:
            write(tx, row, place, item, None, by=PRINCIPAL)
    following = next((key[1] for key, _ in tx.scan(EXPIRING, row.number, start=start, limit=1)), None)
    if following is not None:
        watch(tx, row, float(following))
