"""Which groups an account policy is for: `LogGroupNamePrefix IN ["/app/"]`, `LogGroupName NOT IN ["a", "b"]`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_FORM = re.compile(r"\s*(LogGroupName|LogGroupNamePrefix)\s*(NOT\s+IN|IN|=)\s*(.*?)\s*", re.DOTALL)
_TEXT = re.compile(r"\"([^\"]*)\"|'([^']*)'")


class Criteria(NamedTuple):
    field: str
    operator: str
    values: tuple[str, ...]

    def selects(self, name: str) -> bool:
        named = name.startswith(self.values) if self.field == "LogGroupNamePrefix" else name in self.values
        return named != (self.operator == "NOT IN")


@lru_cache(maxsize=256)
def criteria_of(text: str) -> Criteria | None:
    """The criteria of a text; None for one that has none."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    listed = match[3]
    operator = " ".join(match[2].split())
    values = tuple(double or single for double, single in _TEXT.findall(listed))
    rest = re.sub(r"\s+", "", _TEXT.sub("", listed))
    expected = "," * (len(values) - 1) if operator == "=" else f"[{',' * (len(values) - 1)}]"
    return Criteria(match[1], operator, values) if values and rest == expected else None


def selected(criteria: str, name: str) -> bool:
    """Whether a policy with these criteria, or none, is for a group."""
    found = criteria_of(criteria)
    return found is None or found.selects(name)


def overlap(one: Criteria | None, other: Criteria | None) -> bool:
    """Whether two policies might be for the same group."""
    if one is None or other is None:
        return True
    return any(a.startswith(b) or b.startswith(a) for a in one.values for b in other.values)
