"""Pages of what lies under names, as all of EventBridge's lists are: a prefix of names, a limit and a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from windtunnel.aws import pages
from windtunnel.fabric import Table, Tx
from windtunnel.kernel.store import Key
from windtunnel.services.events.state import invalid

LIMIT = 100
Record = TypeVar("Record")


def listed(
    tx: Tx,
    req: Mapping[str, Any],
    member: str,
    table: Table[Record],
    *prefix: str,
    show: Callable[[str, Record], Any],
    keep: Callable[[Record], bool] = lambda _: True,
    limit: str = "Limit",
) -> Any:
    """A page of the rows of a table under `prefix`, those to be kept, in the order of their names."""
    begin: str = req.get("NamePrefix", "")
    rows = tx.scan(table, *prefix, start=start_of(req, len(prefix)) or ((begin,) if begin else None))
    return page_of(req, member, _named(rows, begin, keep), lambda key, record: show(str(key[-1]), record), limit)


def page_of(
    req: Mapping[str, Any], member: str, rows: Iterator[tuple[Key, Any]], show: Callable[[Key, Any], Any], limit: str = "Limit"
) -> Any:
    """A page of rows, as they are shown."""
    page, token = pages.page(rows, req.get(limit, LIMIT))
    return {member: [show(key, record) for key, record in page], **({"NextToken": token} if token else {})}


def start_of(req: Mapping[str, Any], skip: int) -> Key | None:
    """Where the page that a request asks for begins, without the first parts of its key."""
    try:
        return pages.decode(req["NextToken"])[skip:] if req.get("NextToken") else None
    except ValueError as error:
        raise invalid("NextToken is invalid.") from error


def _named(rows: Iterator[tuple[Key, Record]], prefix: str, keep: Callable[[Record], bool]) -> Iterator[tuple[Key, Record]]:
    for key, record in rows:
        if not str(key[-1]).startswith(prefix):
            return
        if keep(record):
            yield key, record
