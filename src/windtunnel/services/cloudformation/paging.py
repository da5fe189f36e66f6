"""Where a page of a listing begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault


def start_of(req: Mapping[str, Any], skip: int = 0) -> tuple[Any, ...] | None:
    """The key that a request's token holds, without its first parts; None at the first page."""
    token = req.get("NextToken")
    if token is None:
        return None
    try:
        return pages.decode(token)[skip:]
    except ValueError as error:
        raise Fault("ValidationError", f"{token} is not a valid NextToken") from error
