"""One walk for every listing: keys in order, those with a common prefix told once and stepped over in one seek.

So a page costs what is on it, not what lies in the folders between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote_plus

from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import PAGE_KEYS_MAX

Record = TypeVar("Record")
Key = tuple[Any, ...]
Scan = Callable[[Key | None, Key | None, int], Iterator[tuple[Key, Record]]]
"""(start, end, limit): the rows from `start` (inclusive) to `end` (exclusive), what follows the bucket's name in their keys."""

LAST_CODE_POINT = "\U0010ffff"
SEEK_ROWS, FIRST_ROWS, ROWS_MAX = 2, 32, 1001


class Page:
    """What a walk found."""

    __slots__ = ("items", "last", "prefixes", "truncated")

    def __init__(self) -> None:
        self.items: list[tuple[Key, Any]] = []
        self.prefixes: list[str] = []
        self.truncated = False
        self.last: Key | str | None = None
        """The key of the last item, or the common prefix, whichever came last."""


def successor(text: str) -> str | None:
    """The first text that sorts after all that begin with this one; None where there is none. UTF-8 sorts as code points do."""
    text = text.rstrip(LAST_CODE_POINT)
    return text[:-1] + chr(ord(text[-1]) + 1) if text else None


def start_of(prefix: str, delimiter: str, after: str) -> Key | None:
    """Where a listing begins that goes on after a key or a common prefix; an empty tuple where nothing can follow."""
    if not after:
        return (prefix,) if prefix else None
    start: str | None = after + "\0"
    if delimiter and after.startswith(prefix):
        cut = after.find(delimiter, len(prefix))
        if cut >= 0:
            start = successor(after[: cut + len(delimiter)])
    if start is None:
        return ()
    return (max(start, prefix),)


def walk(scan: Scan[Any], prefix: str, delimiter: str, start: Key | None, most: int, follow: Callable[[Key], Key]) -> Page:
    """A page of at most `most` keys and common prefixes. `follow` gives the start after a row's key."""
    page = Page()
    if not most or start == ():
        return page
    stop = successor(prefix) if prefix else None
    end = None if stop is None else (stop,)
    if not delimiter:
        rows = list(scan(start, end, most + 1))
        page.items, page.truncated = rows[:most], len(rows) > most
        page.last = page.items[-1][0] if page.items else None
        return page
    left, size = most, min(most + 1, FIRST_ROWS)
    while True:
        count = 0
        key: Key = ()
        for key, row in scan(start, end, size):
            count += 1  # noqa: SIM113
            cut = key[1].find(delimiter, len(prefix))
            if not left:
                page.truncated = True
                return page
            left -= 1
            if cut >= 0:
                break
            page.items.append((key, row))
            page.last = key
        else:
            if count < size:
                return page
            start, size = follow(key), min(size * 4, ROWS_MAX)
            continue
        folder = key[1][: cut + len(delimiter)]
        page.prefixes.append(folder)
        page.last, size = folder, SEEK_ROWS
        beyond = successor(folder)
        if beyond is None:
            return page
        start = (beyond,)


def most_of(value: int | None, name: str) -> int:
    """How many a page may have: what was asked for, up to a thousand."""
    if value is None:
        return PAGE_KEYS_MAX
    if value < 0:
        message = f"Argument {name} must be an integer between 0 and 2147483647"
        raise Fault("InvalidArgument", message, ArgumentName=name, ArgumentValue=str(value))
    return min(value, PAGE_KEYS_MAX)


def writer_of(req: Mapping[str, Any]) -> Callable[[str], str]:
    """How names are written: as they are, or percent-encoded, as XML can't hold every key."""
    kind = req.get("EncodingType")
    if kind is None:
        return str
    if kind != "url":
        message = "Invalid Encoding Method specified in Request"
        raise Fault("InvalidArgument", message, ArgumentName="encoding-type", ArgumentValue=kind or "null")
    return lambda text: quote_plus(text, safe="/*", errors="surrogatepass")


def show_folders(result: Any, req: Mapping[str, Any], page: Page, write: Callable[[str], str]) -> None:
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": write(prefix)} for prefix in page.prefixes]
    if req.get("Delimiter"):
        result["Delimiter"] = write(req["Delimiter"])
    if req.get("EncodingType"):
        result["EncodingType"] = req["EncodingType"]
