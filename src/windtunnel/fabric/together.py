"""Transactions over a store that other processes use as well: by themselves at once or, of those who can wait, all of a turn in one commit.

One that only reads is best run at once, since that locks nobody out; one that writes is best gathered. Nobody can say beforehand which
it will be, so it is taken for what it was the last time. Where that is wrong it costs a little, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from windtunnel.fabric.tx import Tx

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.scope import Scope
    from windtunnel.kernel.store import Overlay
    from windtunnel.kernel.store.shared import SharedStore

Result = TypeVar("Result")
Function = Callable[..., Any]


class Together:
    """The transactions of one process."""

    def __init__(self, cloud: Cloud, store: SharedStore) -> None:
        self._cloud = cloud
        self._store = store
        self._writers: set[object] = set()
        """The code of functions that wrote when they ran last."""

    def gathers(self, by: Function) -> bool:
        """Whether a function's transactions are to be gathered, of those who can wait."""
        return getattr(by, "__code__", None) in self._writers

    def transact(self, function: Callable[[Tx], Result], scope: Scope, service: str, by: Function | None = None) -> Result:
        """Commits at once. `by`: the function that this transaction is known by."""
        return self._ended(*self._store.transact(self._attempt(function, scope, service)), by)

    async def gather(self, function: Callable[[Tx], Result], scope: Scope, service: str, by: Function) -> Result:
        """Returns when it is committed, with all others of this turn."""
        return self._ended(*await self._store.gather(self._attempt(function, scope, service)), by)

    def _attempt(self, function: Callable[[Tx], Result], scope: Scope, service: str) -> Callable[[Overlay], tuple[tuple[Tx, Result], bool]]:
        told: int | None = None

        def attempt(overlay: Overlay) -> tuple[tuple[Tx, Result], bool]:
            nonlocal told
            if told is None:
                told = self._cloud.calls.last
            else:
                self._cloud.calls.forget_after(told)
            tx = Tx(self._cloud, overlay, scope, service)
            result = function(tx)
            if tx.outgoing:
                self._cloud.courier.send(tx)
            return (tx, result), tx.owed

        return attempt

    def _ended(self, tx: Tx, result: Result, by: Function | None) -> Result:
        if by is not None:
            learn = self._writers.add if tx.owed and tx.overlay.changes else self._writers.discard
            learn(getattr(by, "__code__", None))
        if tx.dropped:
            self._store.when_committed(lambda failure: self._cloud.dropped.add(tx.dropped) if failure is None else None)
        return result
