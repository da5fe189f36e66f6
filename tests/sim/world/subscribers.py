"""Who listens at URLs: a stand-in for the network plane's client. How each answers is said by the host's name, and by chance.

`fine` takes everything, `flaky` fails now and then in every way there is, `gone` refuses for good, `dead` doesn't answer at all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.sim.world.events import Posted
from windtunnel.planes.network.client import Answer, HttpError

FAILURES = ("500", "429", "Timeout", "ConnectionFailed", "BadResponse")


class Subscribers:
    """Answers requests, and tells of each."""

    def __init__(self, seed: int, tell: Callable[[Any], None]) -> None:
        self._seed, self._tell = seed, tell
        self._seen: Counter[tuple[str, str]] = Counter()
        self.tokens: dict[str, str] = {}
        """The token of the last question whether a URL wants to be notified."""

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, seconds: float) -> Answer:
        kind, text = headers.get("x-amz-sns-message-type", ""), body.decode()
        if kind == "SubscriptionConfirmation":
            self.tokens[url] = json.loads(text)["Token"]
            return Answer(200, {}, b"")
        label = text if headers.get("x-amz-sns-rawdelivery") else json.loads(text)["Message"]
        self._seen[url, label] += 1
        chance = Random(f"{self._seed}/{url}/{label}/{self._seen[url, label]}")
        outcome = self._outcome(urlsplit(url).hostname or "", chance)
        self._tell(Posted(url, headers["x-amz-sns-subscription-arn"], label, outcome))
        if outcome.isdigit():
            return Answer(int(outcome), {}, b"")
        raise HttpError(outcome, f"{url}: {outcome}")

    async def close(self) -> None:
        """Nothing is held open."""

    @staticmethod
    def _outcome(host: str, chance: Random) -> str:
        if host.startswith("gone"):
            return "410"
        if host.startswith("dead"):
            return "ConnectionFailed"
        return chance.choice(FAILURES) if host.startswith("flaky") and chance.random() < 0.6 else "200"
