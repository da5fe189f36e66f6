"""Listing secrets: in an order, and through filters whose words begin what they look for.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import tags_of
from windtunnel.services.secretsmanager.rules import PAGE_DEFAULT
from windtunnel.services.secretsmanager.state import SECRETS, Secret, arn_of

Request = Mapping[str, Any]
Row = tuple[tuple[Any, ...], Secret]
_ORDERS = {"created-date": "created", "last-changed-date": "changed", "last-accessed-date": "accessed"}


def start_of(req: Request) -> tuple[Any, ...] | None:
    """Where a page begins. Raises InvalidNextTokenException."""
    if "NextToken" not in req:
        return None
    try:
        return pages.decode(req["NextToken"])
    except ValueError as error:
        raise Fault("InvalidNextTokenException", "Invalid NextToken.") from error


def page_of(req: Request, member: str, rows: Iterator[Row], shown: Callable[[str, Secret], dict[str, Any]]) -> Any:
    backwards = is_backwards(req)
    page, token = pages.page(rows, req.get("MaxResults", PAGE_DEFAULT), reverse=backwards)
    out: dict[str, Any] = {member: [shown(str(key[0]), secret) for key, secret in page]}
    if token is not None:
        out["NextToken"] = token
    return out


def is_backwards(req: Request) -> bool:
    return req.get("SortOrder", "desc") == "desc"


def listed(tx: Tx, req: Request) -> Iterator[Row]:
    """The secrets that a request asks for, those made last first unless it says otherwise."""
    backwards, order = is_backwards(req), req.get("SortBy", "created-date")
    place = start_of(req)
    bound: tuple[Any, ...] | None = place
    index = _ORDERS.get(order)
    if place is not None and index is not None:
        at = tx.get(SECRETS, *place)
        bound = (getattr(at, index) if at is not None else 0.0, *place)
    limits: dict[str, Any] = {"end" if backwards else "start": bound}
    rows = tx.scan(SECRETS, reverse=backwards, **limits) if index is None else tx.find(SECRETS, index, reverse=backwards, **limits)
    wanted = [_filter(each["Key"], each["Values"]) for each in req.get("Filters") or ()]
    for key, secret in rows:
        if secret.deleted and not req.get("IncludePlannedDeletion"):
            continue
        if all(test(tx, str(key[0]), secret) for test in wanted):
            yield key, secret


def _filter(key: str, values: list[str]) -> Callable[[Tx, str, Secret], bool]:
    """A secret is in where any of the values fits; a value that begins with ! asks for those that don't."""

    def test(tx: Tx, name: str, secret: Secret) -> bool:
        return any(_fits(tx, key, value.removeprefix("!"), name, secret) is not value.startswith("!") for value in values)

    return test


def _fits(tx: Tx, key: str, value: str, name: str, secret: Secret) -> bool:
    if key == "name":
        return name.startswith(value)
    if key == "description":
        return _words(value, [secret.description])
    if key == "primary-region":
        return secret.primary.startswith(value) and bool(secret.primary)
    if key == "owning-service":
        return False
    tags = tags_of(tx, arn_of(tx, name, secret))
    if key in ("tag-key", "tag-value"):
        return any(each.startswith(value) for each in (tags if key == "tag-key" else tags.values()))
    return _words(value, [name, secret.description, *tags, *tags.values()])


def _words(value: str, texts: list[str]) -> bool:
    """Whether each word of a value begins a word of the texts, whatever their capitals."""
    known = [word for text in texts for word in text.lower().split()]
    return all(any(word.startswith(each) for word in known) for each in value.lower().split())
