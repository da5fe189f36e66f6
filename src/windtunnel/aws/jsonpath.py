"""JSON paths as EventBridge reads them: `$.detail.items[0].id`, `$['detail']`, `$.list[*].id`, compiled once to a function.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html names what is supported: dots, dashes,
underscores, slashes, letters and digits, array indices and wildcards. Brackets with a name in quotes are another spelling of a dot.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

MISSING: Any = object()
"""What a path finds that leads nowhere."""

Step = str | int | None
"""A member's name, an index, or None for each of them."""

_STEP = re.compile(r"\.(?:(\*)|([^.\[\]\s'\"*]+))|\[(?:(\*)|(-?\d+)|'([^']*)'|\"([^\"]*)\")\]")


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Callable[[Any], Any]:
    """The function that gives what lies at a path of a document, or MISSING; with a wildcard, a list of all. ValueError: it is no path."""
    steps = _steps(text)
    if None not in steps:
        return lambda document: _walk(document, cast("tuple[str | int, ...]", steps))

    def every(document: Any) -> Any:
        return list(_each(document, steps)) or MISSING

    return every


def is_path(text: str) -> bool:
    """Whether a text is to be read as a path."""
    try:
        compile_path(text)
    except ValueError:
        return False
    return True


def _steps(text: str) -> tuple[Step, ...]:
    if not text.startswith("$"):
        raise ValueError(f"{text!r} is not a JSON path")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is not a JSON path")
        star, name, each, index, quoted, doubly = match.groups()
        if star or each:
            steps.append(None)
        elif index is not None:
            steps.append(int(index))
        else:
            steps.append(next(part for part in (name, quoted, doubly) if part is not None))
        at = match.end()
    return tuple(steps)


def _walk(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = _one(value, step)
        if value is MISSING:
            return MISSING
    return value


def _one(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return cast("dict[str, Any]", value).get(step, MISSING) if type(value) is dict else MISSING
    if type(value) is not list:
        return MISSING
    items = cast("list[Any]", value)
    return items[step] if -len(items) <= step < len(items) else MISSING


def _each(value: Any, steps: tuple[Step, ...]) -> list[Any]:
    found = [value]
    for step in steps:
        if step is not None:
            found = [one for item in found if (one := _one(item, step)) is not MISSING]
        else:
            found = [one for item in found for one in _all(item)]
    return found


def _all(value: Any) -> list[Any]:
    if type(value) is dict:
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if type(value) is list else []
