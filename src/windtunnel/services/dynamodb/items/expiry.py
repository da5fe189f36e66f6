"""Time to live: an item goes when the time that it names has come, and its stream says that DynamoDB did it.

AWS takes up to some days for it; here an item goes at the moment. One that names a time of more than five years ago stays.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from decimal import Decimal
from math import ceil

from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.keys import Place
from windtunnel.services.dynamodb.state import EXPIRING, TableRow

AGE_SECONDS_MAX = 5 * 365 * 86_400
SECONDS_MAX = 1 << 40
"""Later than any clock that is moved here."""


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
