"""The roll of the processes that serve one region, and its call: who answers has followed all that was told before.

So an order (a jump of the clock, a reset) is answered when it holds for every process, whichever a client asks next. A row stands in
the roll for as long as its process runs, and after that where it was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store import Table
from windtunnel.kernel.store.keys import pack

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.tx import Tx

SILENT_SECONDS_MAX = 2.0
"""Who has not answered by then was killed, and is struck off the roll; who was only slow comes back with its answer."""
CALL = Table("fabric.roll.call", int, scope="global")
"""How often the roll was called."""
ROLL = Table("fabric.roll", int, scope="global")
"""process -> the last call that it has answered"""
CLOSED = Table("fabric.closed", bool, scope="global")
"""There while nobody serves the region and all have left by themselves; a start that doesn't find it follows a kill."""
CALL_CHANNEL = ("fabric.roll.call",)
ANSWER_CHANNEL = ("fabric.roll",)


class Roll:
    """One process's part in the roll. `followed` returns once it has followed what it was told."""

    def __init__(self, cloud: Cloud, number: int, followed: Callable[[], Awaitable[None]]) -> None:
        self._cloud = cloud
        self._number = number
        self._followed = followed
        self._answers = asyncio.Event()
        cloud.loop.on(ANSWER_CHANNEL, self._answers.set)

    def enter(self, *, first: bool) -> None:
        """`first`: nobody else runs, so that whoever stands in the roll was killed."""

        def enter(tx: Tx) -> None:
            for key, _ in list(tx.scan(ROLL)) if first else ():
                tx.delete(ROLL, *key)
            self._answer(tx)

        self._cloud.apply(enter)

    def leave(self, tx: Tx) -> None:
        tx.delete(ROLL, self._number)
        if next(tx.scan(ROLL, limit=1), None) is None:
            tx.put(CLOSED, value=True)

    async def answer(self) -> None:
        """Answers the last call."""
        await self._followed()
        self._cloud.apply(self._answer)

    async def call(self) -> None:
        """Returns once all have answered who are going to."""

        def begin(tx: Tx) -> int:
            number = (tx.get(CALL) or 0) + 1
            tx.put(CALL, value=number)
            tx.put(ROLL, self._number, value=number)
            tx.wake(*CALL_CHANNEL)
            return number

        number = self._cloud.apply(begin)
        deadline = stopwatch() + SILENT_SECONDS_MAX
        while silent := self._cloud.apply(lambda tx: [key for key, answered in tx.scan(ROLL) if answered < number]):
            if (left := deadline - stopwatch()) <= 0:
                self._cloud.apply(lambda tx: [tx.delete(ROLL, *key) for key in silent])
                return
            self._answers.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._answers.wait(), left)

    def rows(self, tx: Tx) -> dict[bytes, bytes]:
        """What stays of the roll where the region begins anew."""
        kept = {ROLL.prefix("", "") + pack(key): ROLL.encode(answered) for key, answered in tx.scan(ROLL)}
        return {**kept, CALL.prefix("", ""): CALL.encode(tx.get(CALL) or 0)}

    def forget_others_than(self, rows: Mapping[bytes, bytes]) -> None:
        """Strikes off whom a snapshot brought with it: of its processes none need run any more."""
        prefix = ROLL.prefix("", "")
        self._cloud.apply(lambda tx: [tx.delete(ROLL, *key) for key, _ in list(tx.scan(ROLL)) if prefix + pack(key) not in rows])

    def _answer(self, tx: Tx) -> None:
        tx.put(ROLL, self._number, value=tx.get(CALL) or 0)
        tx.wake(*ANSWER_CHANNEL)
