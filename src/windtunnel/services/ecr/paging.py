"""Pages of ECR's listings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault


def start_of(req: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Where a page begins. Raises InvalidParameterException."""
    if "nextToken" not in req:
        return None
    try:
        return pages.decode(req["nextToken"])
    except ValueError as error:
        raise Fault(
            "InvalidParameterException", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"
        ) from error


def page_of(member: str, items: list[Any], token: str | None) -> Any:
    return {member: items} | ({"nextToken": token} if token is not None else {})
