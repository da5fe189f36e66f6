"""Items copied into backups and out of them, a slice at a time.

The first slice is copied in the transaction of the request, so that a small table is whole at once. Items of a large one may be copied some
moments apart, as in AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from windtunnel.aws.dynamodb.values import Item
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.backups import history
from windtunnel.services.dynamodb.backups.state import BACKED_UP, BACKUPS, Backup
from windtunnel.services.dynamodb.items.writing import write
from windtunnel.services.dynamodb.keys import Place
from windtunnel.services.dynamodb.state import ITEMS, TABLES, TableRow

SLICE_ROWS = 256


def back_up(tx: Tx, backup: Backup) -> None:
    copy_backup(tx, {"id": backup.id, "after": []})


def abandon(tx: Tx, backup: Backup) -> None:
    """Has the items of a deleted backup removed."""
    tx.timer(tx.now, "sweep_backup", {"number": backup.number})


def restore(tx: Tx, row: TableRow, source: Mapping[str, Any]) -> None:
    """Fills a new table: from a backup, `{"backup": number}`, from a table as it was, `{"table": name, "number": …, "at": time}`, or
    from one of another region, `{"table": name, "number": …, "region": …}`."""
    fill_table(tx, {"name": row.name, "number": row.number, "source": dict(source), "after": []})


def copy_backup(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: copies the next items of a table into a backup."""
    backup = tx.get(BACKUPS, payload["id"])
    if backup is None:
        return
    rows = list(tx.scan(ITEMS, backup.row.number, start=_behind(payload), limit=SLICE_ROWS))
    for key, item in rows:
        tx.put(BACKED_UP, backup.number, *key[1:], value=item)
    if len(rows) == SLICE_ROWS:
        tx.timer(tx.now, "copy_backup", {**payload, "after": list(rows[-1][0][1:])})
    else:
        tx.put(BACKUPS, backup.id, value=msgspec.structs.replace(backup, complete=True))


def sweep_backup(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: removes what a deleted backup left."""
    keys = [key for key, _ in tx.scan(BACKED_UP, payload["number"], limit=SLICE_ROWS)]
    for key in keys:
        tx.delete(BACKED_UP, *key)
    if len(keys) == SLICE_ROWS:
        tx.timer(tx.now, "sweep_backup", payload)


def fill_table(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: restores the next items of a table."""
    row = tx.get(TABLES, payload["name"])
    if row is None or row.number != payload["number"]:
        return
    rows = list(_source(tx, payload["source"], payload))
    for place, item in rows:
        if item is not None and tx.get(ITEMS, row.number, *place) is None:  # a replica may have it already
            write(tx, row, place, None, item, replicated=True)
    if len(rows) == SLICE_ROWS:
        tx.timer(tx.now, "fill_table", {**payload, "after": list(rows[-1][0])})
        return
    restored = {**row.restored, "RestoreInProgress": False} if row.restored else {}
    tx.put(TABLES, row.name, value=msgspec.structs.replace(row, restored=restored, filling=False))


def _source(tx: Tx, source: Mapping[str, Any], payload: Mapping[str, Any]) -> Iterable[tuple[Place, Item | None]]:
    if "backup" in source:
        for key, item in tx.scan(BACKED_UP, source["backup"], start=_behind(payload), limit=SLICE_ROWS):
            place: Any = key[1:]
            yield place, item
        return
    tx = tx.at(region=source.get("region"))
    row = tx.get(TABLES, source["table"])
    if row is None or row.number != source["number"]:
        return
    if "at" in source:
        yield from history.states(tx, row, source["at"], tuple(payload["after"]) or None, SLICE_ROWS)
        return
    for key, item in tx.scan(ITEMS, row.number, start=_behind(payload), limit=SLICE_ROWS):
        place = key[1:]
        yield place, item


def _behind(payload: Mapping[str, Any]) -> tuple[Any, ...] | None:
    return (*payload["after"], True) if payload["after"] else None
