"""What happened to an item, written into its table's stream in the transaction of the write, and handed to Kinesis where that is wanted.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.values import Item, size_of
from windtunnel.fabric import Event, Retry, Tx
from windtunnel.services.dynamodb.state import CHANGES, Change, Destination, TableRow, arn_of

SOURCE = "dynamodb.amazonaws.com"
BOTH = "NEW_AND_OLD_IMAGES"
RETENTION_SECONDS = 24 * 3_600


def note(tx: Tx, row: TableRow, old: Item | None, new: Item | None, by: str) -> None:
    """Writes down that an item changed."""
    if row.stream:
        tx.put(CHANGES, row.stream, tx.serial(), value=changed(tx, row, row.view, old, new, by))
        tx.wake(*channel(row.stream))
    for arn, destination in row.destinations.items():
        if destination.status == "ACTIVE":
            _deliver(tx, row, arn, destination, changed(tx, row, BOTH, old, new, by))


def _deliver(tx: Tx, row: TableRow, arn: str, destination: Destination, change: Change) -> None:
    """Hands a change to a Kinesis stream, as a record in JSON."""
    micro = destination.precision == "MICROSECOND"
    data: dict[str, Any] = {"ApproximateCreationDateTime": int(change.at * (1_000_000 if micro else 1_000)), "Keys": change.keys}
    if change.new is not None:
        data["NewImage"] = change.new
    if change.old is not None:
        data["OldImage"] = change.old
    data["SizeBytes"] = change.size
    if destination.precision:
        data["ApproximateCreationDateTimePrecision"] = destination.precision
    record = {
        "awsRegion": tx.region,
        "eventID": change.id,
        "eventName": change.event,
        "userIdentity": {"type": "Service", "principalId": change.by} if change.by else None,
        "recordFormat": "application/json",
        "tableName": row.name,
        "dynamodb": data,
        "eventSource": "aws:dynamodb",
    }
    key = md5(msgspec.json.encode(change.keys), usedforsecurity=False).hexdigest().upper()
    event = Event(msgspec.json.encode(record).decode(), group_id=key)
    table = arn_of(tx.region, tx.account, row.name)
    tx.deliver(arn, event, source=SOURCE, source_arn=table, retry=Retry(((10, 1.0, 300.0),)), order=f"{table}/{arn}")


def changed(tx: Tx, row: TableRow, view: str, old: Item | None, new: Item | None, by: str) -> Change:
    """The change as a view shows it."""
    whole = old if new is None else new
    assert whole is not None, "something has changed"
    keys = {name: whole[name] for name in row.keys}
    shown_new = new if view in ("NEW_IMAGE", BOTH) else None
    shown_old = old if view in ("OLD_IMAGE", BOTH) else None
    size = size_of(keys) + sum(size_of(image) for image in (shown_new, shown_old) if image is not None)
    event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    return Change(tx.now, event, keys, shown_new, shown_old, size, tx.new_id(), by)


def channel(stream: int) -> tuple[str, int]:
    """What is woken when a stream has grown."""
    return ("dynamodb.stream", stream)
