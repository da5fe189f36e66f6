"""Pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.kernel.store import Key
from windtunnel.services.scheduler.state import invalid

RESULTS_MAX = 100


def page_of(req: Mapping[str, Any], member: str, rows: Iterator[tuple[Key, Any]], show: Callable[[Key, Any], Any]) -> Any:
    """A page of rows, as they are shown."""
    page, token = pages.page(rows, req.get("MaxResults", RESULTS_MAX))
    return {member: [show(key, record) for key, record in page], **({"NextToken": token} if token else {})}


def start_of(req: Mapping[str, Any], skip: int) -> Key | None:
    """Where the page that a request asks for begins, without the first parts of its key."""
    try:
        return pages.decode(req["NextToken"])[skip:] if req.get("NextToken") else None
    except ValueError as error:
        raise invalid("Invalid NextToken.") from error
