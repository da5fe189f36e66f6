"""Tokens of Parameter Store's listings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault


def start_of(req: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Where a page begins. Raises InvalidNextToken."""
    if not req.get("NextToken"):
        return None
    try:
        return pages.decode(req["NextToken"])
    except ValueError as error:
        raise Fault("InvalidNextToken", "The specified token isn't valid.") from error
