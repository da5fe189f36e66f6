"""What happened to an item, written into its table's stream in the transaction of the write, and handed to Kinesis where that is wanted.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from windtunnel.aws.dynamodb.values import Item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.state import CHANGES, Change, TableRow

RETENTION_SECONDS = 24 * 3_600


def note(tx: Tx, row: TableRow, old: Item | None, new: Item | None, by: str) -> None:
    """Writes down that an item changed."""
    if row.stream:
        change = changed(tx, row, row.view, old, new, by)
        tx.put(CHANGES, row.stream, tx.serial(), value=change)
        tx.wake(*channel(row.stream))


def changed(tx: Tx, row: TableRow, view: str, old: Item | None, new: Item | None, by: str) -> Change:
    """The change as a view shows it."""
    whole = old if new is None else new
    assert whole is not None, "something has changed"
    keys = {name: whole[name] for name in row.keys}
    shown_new = new if view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES") else None
    shown_old = old if view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") else None
    size = size_of(keys) + sum(size_of(image) for image in (shown_new, shown_old) if image is not None)
    event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    return Change(tx.now, event, keys, shown_new, shown_old, size, tx.new_id().replace("-", ""), by)


def channel(stream: int) -> tuple[str, int]:
    """What is woken when a stream has grown."""
    return ("dynamodb.stream", stream)
