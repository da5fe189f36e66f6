"""Paths into a log event that is being transformed: `outer.inner`, with numbers for the places of lists."""

from __future__ import annotations

from typing import Any, cast

Document = dict[str, Any]
DEPTH_MAX = 3


class NotTransformed(ValueError):
    """An event that a processor can't make anything of."""


def find(document: Document, path: str) -> Any:
    """What lies at a path; None where there is nothing."""
    if path in document:
        return document[path]
    value: Any = document
    for step in path.split("."):
        if isinstance(value, dict):
            value = cast("Document", value).get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(step)]
        else:
            return None
    return value


def put(document: Document, path: str, value: Any, *, overwrite: bool = True) -> None:
    """Puts a value at a path, with whatever lacks on the way to it."""
    *steps, last = path.split(".")
    for step in steps:
        inner = document.get(step)
        if not isinstance(inner, dict):
            inner = document[step] = {}
        document = cast("Document", inner)
    if overwrite or last not in document:
        document[last] = value


def drop(document: Document, path: str) -> None:
    """Removes what lies at a path; that there is nothing is fine."""
    outer, _, last = path.rpartition(".")
    holder = document if path in document or not outer else find(document, outer)
    if isinstance(holder, dict):
        cast("Document", holder).pop(path if path in document else last, None)
