"""One walk for every listing: keys in order, those with a common prefix told once and stepped over in one seek.

So a page costs what is on it, not what lies in the folders between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus

from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import PAGE_KEYS_MAX

Row = TypeVar("Row")
Key = tuple[Any, ...]
Scan = Callable[[Key | None, Key | None, int], list[Row]]
"""(start, end, limit): the rows from `start` (inclusive) to `end` (exclusive), what follows the bucket's name in their keys."""

LAST_CODE_POINT = "\U0010ffff"
NUMBER_MAX = 2_147_483_647
SEEK_ROWS, FIRST_ROWS, ROWS_MAX = 2, 32, 1001


class Page(Generic[Row]):
    """What a walk found."""

    __slots__ = ("items", "last", "marker", "prefixes", "truncated")

    def __init__(self) -> None:
        self.items: list[Row] = []
        self.prefixes: list[str] = []
        self.truncated = False
        self.last: Row | None = None
        """The last item, unless a common prefix came after it."""
        self.marker = ""
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


def walk(
    scan: Scan[Row], prefix: str, delimiter: str, start: Key | None, most: int, *, name: Callable[[Row], str], follow: Callable[[Row], Key]
) -> Page[Row]:
    """A page of at most `most` keys and common prefixes. `name` gives a row's key, `follow` the start after it."""
    page: Page[Row] = Page()
    if not most or start == ():
        return page
    stop = successor(prefix) if prefix else None
    end = None if stop is None else (stop,)
    left, size = most, min(most + 1, FIRST_ROWS) if delimiter else most + 1
    while True:
        rows = scan(start, end, size)
        at, folder = _first_folder(rows, name, prefix, delimiter) if delimiter else (len(rows), "")
        taken = rows[: min(at, left)]
        if taken:
            page.items += taken
            page.last, left = taken[-1], left - len(taken)
            page.marker = name(taken[-1])
        if not left and len(rows) > len(taken):
            page.truncated = True
            return page
        if not folder:
            if len(rows) < size:
                return page
            start, size = follow(rows[-1]), min(size * 4, ROWS_MAX)
            continue
        page.prefixes.append(folder)
        page.last, page.marker = None, folder
        left, size = left - 1, SEEK_ROWS
        beyond = successor(folder)
        if beyond is None:
            return page
        start = (beyond,)


def _first_folder(rows: list[Row], name: Callable[[Row], str], prefix: str, delimiter: str) -> tuple[int, str]:
    """Where the first row stands that lies in a folder, and that folder; all rows are before it where there is none."""
    begin = len(prefix)
    for at, row in enumerate(rows):
        cut = name(row).find(delimiter, begin)
        if cut >= 0:
            return at, name(row)[: cut + len(delimiter)]
    return len(rows), ""


def check_number(value: int, name: str) -> None:
    if not 0 <= value <= NUMBER_MAX:
        message = f"Argument {name} must be an integer between 0 and {NUMBER_MAX}"
        raise Fault("InvalidArgument", message, ArgumentName=name, ArgumentValue=str(value))


def most_of(value: int | None, name: str) -> int:
    """How many a page may have: what was asked for, up to a thousand."""
    if value is None:
        return PAGE_KEYS_MAX
    check_number(value, name)
    return min(value, PAGE_KEYS_MAX)


def writer_of(req: Mapping[str, Any]) -> Callable[[str], str]:
    """How names are written: as they are, or percent-encoded, as XML can't hold every key."""
    kind = req.get("EncodingType")
    if kind is None:
        return str
    if kind != "url":
        message = "Invalid Encoding Method specified in Request"
        raise Fault("InvalidArgument", message, ArgumentName="encoding-type", ArgumentValue=kind)
    return lambda text: quote_plus(text, safe="/*", errors="surrogatepass")


def stays(write: Callable[[str], str], names: Iterable[str]) -> bool:
    """Whether none of many names changes when it is written; most don't, and one look at all of them is far cheaper than one at each."""
    if write is str:
        return True
    joined = "".join(names)
    return write(joined) == joined


def show_folders(result: Any, req: Mapping[str, Any], page: Page[Any], write: Callable[[str], str]) -> None:
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": write(prefix)} for prefix in page.prefixes]
    if req.get("Delimiter"):
        result["Delimiter"] = write(req["Delimiter"])
    if req.get("EncodingType"):
        result["EncodingType"] = req["EncodingType"]
