"""Transactions of those who can wait: all of a turn of the event loop run one after another, and are committed as one."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from windtunnel.kernel.loop import Outcome
from windtunnel.kernel.store.engine import Conflict, StoreFull
from windtunnel.kernel.store.overlay import Overlay
from windtunnel.kernel.store.store import heard
from windtunnel.kernel.store.syncer import Told

Result = TypeVar("Result")
Attempt = Callable[[Overlay], tuple[Result, bool]]
"""Runs over a transaction; gives a result, and whether what it has written is owed to somebody."""
FIRM_AFTER_CONFLICT = 32
"""So many turns after a conflict lock others out at once: where they write as much to the same rows, running twice costs more."""
GATHERED_MAX = 32
"""So many transactions at the most go together: those that scan pass over what the ones before them wrote."""


class Part(Generic[Result]):
    """One of the transactions that go together."""

    __slots__ = ("attempt", "outcome", "told")

    def __init__(self, attempt: Attempt[Result]) -> None:
        self.attempt = attempt
        self.told: Told = lambda failure: None
        self.outcome: Outcome[tuple[Result, bool]]


class Gathering:
    """What goes together in one store.

    `once` runs an attempt and commits it, firmly or not; what it raises of Conflict or StoreFull has kept nothing. `alone` runs one until
    it stands. `ended` is told at the end of a turn in which something was committed.
    """

    def __init__(
        self, once: Callable[[Attempt[None], bool], None], alone: Callable[[Attempt[Any]], Any], ended: Callable[[], None]
    ) -> None:
        self._once = once
        self._alone = alone
        self._ended = ended
        self._parts: list[Part[Any]] = []
        self._parts_before = 0
        self._firmly = 0
        self.found_nothing = False
        """Whether who found nothing has yet to go on, to wait for what others write."""

    async def run(self, attempt: Attempt[Result]) -> Result:
        """The result of an attempt, once it stands; raises what the attempt raised."""
        part = Part(attempt)

        def ask(told: Told) -> None:
            part.told = told
            self._parts.append(part)
            if len(self._parts) == 1:
                get_running_loop().call_soon(self._turn)

        await heard(ask)
        if part.outcome.error is not None:
            raise part.outcome.error
        return cast("tuple[Result, bool]", part.outcome.value)[0]

    def commit(self) -> None:
        """Commits all at once."""
        while self._parts:
            self._commit_some()

    def _turn(self) -> None:
        """Commits what was gathered, unless the last turn of the loop brought more, as a store does that is not shared."""
        if self._parts_before < len(self._parts) < GATHERED_MAX:
            self._parts_before = len(self._parts)
            get_running_loop().call_soon(self._turn)
        elif self._parts:
            self._commit_some()
            self._ended()
            if self._parts:
                get_running_loop().call_soon(self._turn)

    def _commit_some(self) -> None:
        parts, self._parts, self._parts_before = self._parts[:GATHERED_MAX], self._parts[GATHERED_MAX:], 0
        self._firmly = max(self._firmly - 1, 0)
        try:
            try:
                self._once(lambda whole: self._run_over(whole, parts), self._firmly > 0)
            except Conflict:
                self._firmly = FIRM_AFTER_CONFLICT
                self._once(lambda whole: self._run_over(whole, parts), True)
        except (Conflict, StoreFull):
            self.found_nothing = True
            for part in parts:
                part.outcome = Outcome(self._run_alone, part.attempt)
        for part in parts:
            part.told(None)
        if self.found_nothing:
            with suppress(RuntimeError):
                get_running_loop().call_soon(self._gone_on)

    def _run_over(self, whole: Overlay, parts: list[Part[Any]]) -> tuple[None, bool]:
        """The attempt that they are together: one that fails is undone, and the others stand."""
        owed = False
        for part in parts:
            overlay = Overlay(whole)
            part.outcome = outcome = Outcome(part.attempt, overlay)
            if isinstance(outcome.error, StoreFull):
                raise outcome.error
            wrote = overlay.changes
            self.found_nothing |= not wrote
            if outcome.value is not None:
                owed |= wrote and outcome.value[1]
                whole.merge(overlay)
        return None, owed

    def _run_alone(self, attempt: Attempt[Result]) -> tuple[Result, bool]:
        return self._alone(attempt), True

    def _gone_on(self) -> None:
        self.found_nothing = False
