"""Page tokens of SNS's lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from windtunnel.aws import pages
from windtunnel.services.sns.rules import PAGE_ITEMS, invalid

R = TypeVar("R")
_ORDINARY, _URL_SAFE = str.maketrans("-_", "+/"), str.maketrans("+/", "-_")


def start_of(req: Mapping[str, Any], prefix: int = 0, name: str = "NextToken") -> tuple[Any, ...] | None:
    """Where the page that is asked for begins: the key after its first `prefix` parts."""
    token = req.get(name)
    if not token:
        return None
    try:
        return pages.decode(token.translate(_URL_SAFE).rstrip("="))[prefix:]
    except ValueError as error:
        raise invalid(f"{name} Reason: Invalid next token") from error


def page_of(items: Iterator[tuple[tuple[Any, ...], R]], limit: int = PAGE_ITEMS) -> tuple[list[tuple[tuple[Any, ...], R]], dict[str, str]]:
    """A page, and the member of the result that names the next."""
    found, token = pages.page(items, limit)
    # Clients decode SNS's tokens, which are whole base64 of the ordinary alphabet.
    return found, {} if token is None else {"NextToken": token.translate(_ORDINARY) + "=" * (-len(token) % 4)}
