"""What the generators of all services share: chance, names, and labels that no two messages have in common."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

ACCOUNT, REGION = "000000000000", "us-east-1"


class Wish(NamedTuple):
    """A call that is to be made."""

    service: str
    operation: str
    request: dict[str, Any]
    region: str = REGION
    """Beyond the first one, each region has one kind of things, in an account of their own: nothing else is listed there."""

    @property
    def model(self) -> str:
        """Whose it is to judge: that of the service, or of all services of another region."""
        return self.service if self.region == REGION else self.region


class Chance:
    """Everything a generator draws comes from here. `again` says that something is to happen in so many of a hundred cases."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.labels = 0

    def label(self) -> str:
        self.labels += 1
        return f"m{self.labels}"

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def among(self, choices: Any, default: Any = None) -> Any:
        """One of a collection whose order is certain."""
        choices = list(choices)
        return self.random.choice(choices) if choices else default

    def percent(self, number: float) -> bool:
        return self.random.random() * 100 < number

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def tags(self) -> dict[str, str]:
        return {f"k{self.number(0, 3)}": f"v{self.number(0, 9)}" for _ in range(self.number(0, 2))}

    def pick(self, weighted: dict[Callable[[], Wish | None], int]) -> Wish | None:
        """What one of the generators wishes for."""
        return self.random.choices(list(weighted), list(weighted.values()))[0]()


def url_of(queue: str) -> str:
    return f"http://localhost:4566/{ACCOUNT}/{queue}"


def queue_arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
