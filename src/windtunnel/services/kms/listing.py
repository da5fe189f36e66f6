"""Pages of KMS's listings, which all take Limit and Marker and say whether they are truncated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault
from windtunnel.services.kms.rules import PAGE_DEFAULT

Key = tuple[Any, ...]


def page_of(
    req: Mapping[str, Any],
    member: str,
    rows: Callable[[Key | None], Iterator[tuple[Key, Any]]],
    shown: Callable[[Key, Any], Any],
    default: int = PAGE_DEFAULT,
) -> Any:
    """A page of rows, which begin at a key or at the first, each as it is shown."""
    found, token = pages.page(rows(start_of(req)), req.get("Limit", default))
    out: dict[str, Any] = {member: [shown(key, row) for key, row in found], "Truncated": token is not None}
    if token is not None:
        out["NextMarker"] = token
    return out


def start_of(req: Mapping[str, Any]) -> Key | None:
    """Where a page begins. Raises InvalidMarkerException."""
    if "Marker" not in req:
        return None
    try:
        return pages.decode(req["Marker"])
    except ValueError as error:
        raise Fault("InvalidMarkerException", "Invalid Marker") from error
