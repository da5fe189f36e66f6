"""Which events a filter is for by where they come from: `@aws.account IN ["111122223333"] AND @aws.region != "us-east-1"`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from windtunnel.services.logs.insights.expression import Reader
from windtunnel.services.logs.insights.values import truth
from windtunnel.services.logs.insights.words import Malformed, words_of
from windtunnel.services.logs.rules import invalid

SYSTEM_FIELDS = frozenset({"@aws.account", "@aws.region"})


def check_criteria(text: str) -> None:
    if text and _compiled(text) is None:
        raise invalid("The fieldSelectionCriteria are not valid.")


def chosen(text: str, system: Mapping[str, str]) -> bool:
    """Whether a filter with these criteria, or none, is for events of an account and region."""
    holds = _compiled(text) if text else None
    return holds is None or holds(system)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Callable[[Mapping[str, str]], bool] | None:
    try:
        reader = Reader(words_of(text), text)
        expression = reader.expression()
    except Malformed:
        return None
    if reader.word.kind != "end" or not reader.fields <= SYSTEM_FIELDS:
        return None
    return lambda system: truth(expression(dict(system)))
