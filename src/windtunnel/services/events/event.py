"""An event as EventBridge carries it: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from windtunnel.fabric import Tx


class Coming(msgspec.Struct):
    """An event that comes to a bus, and what rules want to know of its coming. Its text is made once."""

    event: dict[str, Any]
    ingested: float
    forwarded: bool = False
    """It comes from another bus."""
    heard_by: int = 0
    """Where it tells of a call: what a rule's Match must hear at the least."""
    only: frozenset[str] | None = None
    """The ARNs of the rules that may see it; None: all."""
    text: str = ""

    def body(self) -> str:
        if not self.text:
            self.text = orjson.dumps(self.event).decode()
        return self.text


def make_event(
    tx: Tx, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str], *, time: float | None = None
) -> dict[str, Any]:
    """An event of the transaction's account and region."""
    return {
        "version": "0",
        "id": tx.new_id(),
        "detail-type": detail_type,
        "source": source,
        "account": tx.account,
        "time": iso(tx.now if time is None else time),
        "region": tx.region,
        "resources": list(resources),
        "detail": detail,
    }


def iso(moment: float) -> str:
    return _iso(int(moment))


@lru_cache(maxsize=256)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> float:
    """The moment that an event's `time` names."""
    return datetime.fromisoformat(text).timestamp()
