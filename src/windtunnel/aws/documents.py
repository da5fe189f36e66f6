"""JSON documents that users hand in: Python's parser, whose one odd way of failing becomes the usual one."""

import json
from collections.abc import Callable
from typing import Any


def parse_json(text: str | bytes, *, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """As `json.loads`; what is nested beyond all measure raises JSONDecodeError too, and not RecursionError."""
    try:
        return json.loads(text, parse_constant=parse_constant)
    except RecursionError:
        shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
        raise json.JSONDecodeError("Nested too deeply", shown, 0) from None
