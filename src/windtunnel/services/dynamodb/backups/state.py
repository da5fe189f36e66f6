"""What is remembered of backups, and of how items were.

A backup's items lie under its number, as they lay under their table's. Point-in-time recovery keeps what each write has replaced, under the
item's key and the moment: an item as it was at a time is what the first later write replaced, or what is there now.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Table
from windtunnel.services.dynamodb.state import TableRow


class Backup(msgspec.Struct, frozen=True):
    """A backup: the table as it was, and how far its items are copied."""

    id: str
    number: int
    name: str
    created: float
    row: TableRow
    size: int
    items: int
    complete: bool = False


class Replaced(msgspec.Struct, frozen=True, array_like=True):
    """What a write has replaced; None is no item."""

    item: Item | None


BACKUPS = Table("dynamodb.backups", Backup, indexes={"table": lambda key, backup: (backup.row.name, backup.created, backup.id)})
"""id -> Backup; its beginning is the moment, so that they are in order"""
BACKED_UP: Table[Item] = Table("dynamodb.backed_up", dict[str, Any])
"""(backup, slot, hash[, range]) -> the item"""
HISTORY = Table("dynamodb.history", Replaced, indexes={"at": lambda key, _: (key[0], key[-2])})
"""(table, slot, hash[, range], at, serial) -> Replaced; "at" by the table and the moment, to be forgotten in time"""
