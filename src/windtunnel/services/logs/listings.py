"""Pages of what lies under names: deliveries, their sources and destinations, and destinations of subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.logs.rules import DESCRIBE_LIMIT


def listed(
    tx: Tx,
    req: Mapping[str, Any],
    name: str,
    table: Table[Any],
    show: Callable[[Tx, str, Any], Any],
    keep: Callable[[str, Any], bool],
    *,
    code: str = "ValidationException",
    by_age: bool = True,
) -> Any:
    """A page of the rows of a table that are to be kept, as they are shown: the oldest first by its index `serial`, or by name."""
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise Fault(code, "The specified nextToken is invalid.") from error
    found = tx.find(table, "serial", start=start) if by_age else tx.scan(table, start=start)
    # A page's token holds the index's key, which is where the next page goes on.
    rows = (((record.serial, *key) if by_age else key, record) for key, record in found if keep(str(key[0]), record))
    page, token = pages.page(rows, req.get("limit", DESCRIBE_LIMIT))
    return {name: [show(tx, str(key[-1]), record) for key, record in page], **({"nextToken": token} if token else {})}
