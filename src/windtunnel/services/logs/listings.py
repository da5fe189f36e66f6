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
) -> Any:
    """A page of the rows of a table that are to be kept, as they are shown."""
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise Fault(code, "The specified nextToken is invalid.") from error
    rows = ((key, record) for key, record in tx.scan(table, start=start) if keep(str(key[0]), record))
    page, token = pages.page(rows, req.get("limit", DESCRIBE_LIMIT))
    return {name: [show(tx, str(key[0]), record) for key, record in page], **({"nextToken": token} if token else {})}
