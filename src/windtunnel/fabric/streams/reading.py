"""How a stream is read, and what whoever it is read for does with the records."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from windtunnel.fabric.tx import Tx

Records = list[dict[str, Any]]


class Reading(msgspec.Struct, frozen=True):
    """How a stream is read for something of a service: numbers below 0 are no limit."""

    id: str
    """What it is read for, like nothing else of any account, region and service."""
    source: str
    """The stream's ARN, or that of a consumer of it."""
    start: str
    start_at: float | None = None
    batch: int = 100
    window: float = 0
    """For so many seconds a batch is gathered."""
    parallel: int = 1
    """How many batches of a shard are under way at once."""
    retries: int = -1
    age: int = -1
    bisect: bool = False
    """Whether a batch that failed is tried again in halves."""


class Lane(msgspec.Struct, frozen=True):
    """One batch at a time of a shard: of all its records, or of those whose keys belong to the lane."""

    id: str
    shard: str
    number: int = 0


class Batch(msgspec.Struct):
    """Records under way, and how often they were tried."""

    records: Records
    runs: int = 0
    retries: int = 0
    pauses: int = 0
    last: Any = None
    """What the service keeps of the last run."""


class Runs(Protocol):
    """What is done with the batches of one lane."""

    async def run(self, batch: Batch, /) -> int | None:
        """The place of the first record that failed, that after the last where all went well, or None where nothing could be tried."""
        ...

    def note(self, tx: Tx, batch: Batch, done: Records, /) -> None:
        """Writes down what came of a run, and how far the lane has come: to the last of those that are done with."""
        ...

    def give_up(self, tx: Tx, batch: Batch, condition: str, /) -> None:
        """Lets go of a batch, of which the lane has come to the end."""
        ...


class Consumer(Protocol):
    """Whom a stream is read for."""

    def wants(self, record: dict[str, Any], /) -> bool:
        """Whether a record passes the filters."""
        ...

    def ends(self, lane: Lane, /) -> float:
        """When it wants to be called without any records, at the latest; never, if it is infinity."""
        ...

    async def process(self, lane: Lane, records: Records, /) -> None:
        """Returns once the records are done with."""
        ...

    async def close(self, lane: Lane, /) -> None:
        """The shard is at its end."""
        ...
