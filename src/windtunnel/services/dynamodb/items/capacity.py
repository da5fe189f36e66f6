"""What reads and writes consume, by table and index.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from windtunnel.aws.dynamodb.values import Item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.keys import indexed_place
from windtunnel.services.dynamodb.state import Index, TableRow

READ_BYTES, WRITE_BYTES = 4_096, 1_024
TRANSACTIONAL = 2
Kind = Literal["Read", "Write"]
Units = dict[str, float]
"""Units by the name of an index; the table's own under ""."""


def read_units(size: int, *, consistent: bool) -> float:
    """Units to read so many bytes; what isn't there costs one as well."""
    units = max(1, -(-size // READ_BYTES))
    return units if consistent else units / 2


def write_units(row: TableRow, old: Item | None, new: Item | None, size: int) -> Units:
    """Units to make one item into another, in the table and in each index that it touches; `size` is that of the larger."""
    units: Units = {"": max(1, -(-size // WRITE_BYTES))}
    for index in row.indexes:
        before = None if old is None else indexed_place(row, index, old)
        after = None if new is None else indexed_place(row, index, new)
        was = projected(row, index, old) if before is not None and old is not None else None
        becomes = projected(row, index, new) if after is not None and new is not None else None
        if was == becomes:
            continue
        sizes = [-(-size_of(part) // WRITE_BYTES) for part in (was, becomes) if part is not None]
        units[index.name] = max(sizes) if before == after else sum(sizes)
    return units


def projected(row: TableRow, index: Index, item: Item) -> Item:
    """What an index holds of an item."""
    if index.projection == "ALL":
        return item
    names = {*row.keys, index.hash, index.range, *index.attributes}
    return {name: value for name, value in item.items() if name in names}


def added(units: Units, more: Mapping[str, float], factor: int = 1) -> None:
    for name, amount in more.items():
        units[name] = units.get(name, 0) + amount * factor


def consumed(row: TableRow, units: Mapping[str, float], asked: str | None, kind: Kind | None = None) -> dict[str, Any] | None:
    """A ConsumedCapacity, where it is asked for; transactions say what kind of units it is."""
    if asked not in ("TOTAL", "INDEXES"):
        return None
    total = {"CapacityUnits": float(sum(units.values()))}
    if kind is not None:
        total[f"{kind}CapacityUnits"] = total["CapacityUnits"]
    shown: dict[str, Any] = {"TableName": row.name, **total}
    if asked == "TOTAL":
        return shown
    shown["Table"] = _capacity(units.get("", 0), kind)
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        names = [index.name for index in row.indexes if index.local == local and index.name in units]
        if names:
            shown[member] = {name: _capacity(units[name], kind) for name in names}
    return shown


def with_consumed(
    result: dict[str, Any], row: TableRow, units: Mapping[str, float], asked: str | None, kind: Kind | None = None
) -> dict[str, Any]:
    """A result and what it has consumed."""
    capacity = consumed(row, units, asked, kind)
    return result if capacity is None else {**result, "ConsumedCapacity": capacity}


def meter(tx: Tx, row: TableRow, kind: Kind, units: float) -> None:
    """The bill of an on-demand table is by units; a provisioned one's is by what was provisioned."""
    if row.on_demand:
        tx.meter(f"{kind}RequestUnits", units, row.name)


def _capacity(units: float, kind: Kind | None) -> dict[str, float]:
    shown = {"CapacityUnits": float(units)}
    return shown if kind is None else {**shown, f"{kind}CapacityUnits": float(units)}
