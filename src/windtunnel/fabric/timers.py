"""What is to happen by itself: rows that come due, run through the one door, and survive a restart.

A row waits in TIMERS under `(due, serial)`. A plain handler runs and removes its row in one transaction. A handler that waits is
claimed first: its row moves to RUNNING, and it runs once that is kept; if the process dies meanwhile the row moves back at the next
start. What such a handler returns, a function of a transaction, is done in the one that removes its row: both or neither. Rows of one
lane (one target of deliveries) beyond LANE_RUNNING_MAX wait in PARKED, so that a slow target delays nothing but itself.
"""

from __future__ import annotations

import logging
from asyncio import Future, get_running_loop
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric.scope import Scope, service_principal
from windtunnel.kernel.store import StoreFull, Table

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.tx import Tx
    from windtunnel.kernel.clock import Alarm

log = logging.getLogger(__name__)
LANE_RUNNING_MAX = 32
BATCH_ROWS_MAX = 256
ATTEMPTS_MAX = 4
"""A handler that fails with a bug is tried again so often in all before its row is dropped, loudly."""
RETRY_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 5.0
LOOK_AGAIN_SECONDS_MAX = 300.0
"""After a commit that failed: rows that were taken in it are due as before, and no alarm rings for them. Twice as long each time that the
next one fails as well, or a jump over a month with a full disk would be half a million attempts; at once when one succeeds."""
CHANNEL = ("fabric.timers",)
ROOM = ("fabric.timers.room",)
"""It is worth while to try again what could not be kept."""


class Timer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to do: a handler of a service, with its payload, in an account and region."""

    service: str
    handler: str
    payload: dict[str, Any]
    account: str
    region: str
    name: str = ""
    lane: str = ""
    attempts: int = 0
    cause: str = ""
    endpoint: str = ""


TIMERS = Table("fabric.timers", Timer, scope="global")
RUNNING = Table("fabric.timers.running", Timer, scope="global")
PARKED = Table("fabric.timers.parked", Timer, scope="global")
NAMES = Table("fabric.timers.names", tuple[float, int], scope="global")
"""(account, region, service, handler, name) -> (due, serial). Serials of several processes are greater than a float can hold."""


def add_timer(
    tx: Tx, due: float, service: str, handler: str, payload: Mapping[str, Any], *, name: str | None = None, lane: str = ""
) -> None:
    """Writes a timer's row."""
    serial = tx.serial()
    timer = Timer(service, handler, dict(payload), tx.account, tx.region, name or "", lane, 0, tx.scope.link, tx.scope.endpoint)
    if name is not None:
        remove_timer(tx, service, handler, name)
        tx.put(NAMES, tx.account, tx.region, service, handler, name, value=(float(due), serial))
    tx.put(TIMERS, float(due), serial, value=timer)
    tx.wake(*CHANNEL)


def remove_timer(tx: Tx, service: str, handler: str, name: str) -> None:
    """Removes a named timer's row, if it has not run."""
    key = (tx.account, tx.region, service, handler, name)
    if (place := tx.get(NAMES, *key)) is not None:
        tx.delete(TIMERS, *place)
        tx.delete(NAMES, *key)


class Timers:
    """Runs the rows that are due, with one alarm at the clock for the next."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._alarm: Alarm | None = None
        self._again: Alarm | None = None
        self._patience = LOOK_AGAIN_SECONDS
        self._lanes: Counter[str] = Counter()
        cloud.loop.on(CHANNEL, self.look)
        cloud.loop.on(ROOM, self.look)

    def start(self) -> None:
        """Puts back what was running or parked when the region stopped, and looks."""
        self._cloud.apply(self._put_back)
        self.look()

    def stop(self) -> None:
        """Looks no more until the next start."""
        for alarm in (self._alarm, self._again):
            if alarm is not None:
                alarm.cancel()
        self._alarm = self._again = None
        self._patience = LOOK_AGAIN_SECONDS

    def look(self) -> None:
        """Runs what is due and sets the alarm for what comes next, if this process leads."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._cloud.leads:
            return
        upcoming = self._cloud.apply(lambda tx: next(tx.scan(TIMERS, limit=1), None))
        if upcoming is not None:
            self._alarm = self._cloud.clock.alarm(float(upcoming[0][0] or 0), self._ring)

    def look_later(self) -> None:
        """What was done in the last turn was not kept; nor were the rows that the next alarm was set for."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._again is None:
            self._again = self._cloud.clock.alarm(self._cloud.clock.now() + self._patience, self._look_again)
            self._patience = min(2 * self._patience, LOOK_AGAIN_SECONDS_MAX)

    def look_at_once(self) -> None:
        """A commit succeeded after one that had failed."""
        self._patience = LOOK_AGAIN_SECONDS
        if self._again is not None:
            self._again.cancel()
        self._look_again()

    def _look_again(self) -> None:
        self._again = None
        self._cloud.loop.wake({ROOM})

    def _ring(self) -> None:
        self._alarm = None
        if not self._cloud.leads:
            return
        try:
            self._run_due()
        except StoreFull:  # a store that is shared says so at once
            self.look_later()

    def _run_due(self) -> None:
        failing = self._patience > LOOK_AGAIN_SECONDS
        due = self._cloud.apply(lambda tx: list(tx.scan(TIMERS, end=(tx.now + 1e-6,), limit=1 if failing else BATCH_ROWS_MAX)))
        for key, timer in due:
            handler = self._cloud.handler(timer.service, timer.handler)
            if not handler.plain:
                if self._cloud.apply(lambda tx, key=key, timer=timer: self._claim(tx, key, timer)):
                    self._lanes[timer.lane] += 1
                    self._cloud.loop.spawn(self._run(int(key[1] or 0), timer, self._kept()))
            elif not self._run_plain(key, timer):
                self._cloud.apply(lambda tx, key=key, timer=timer: self._later(tx, key, timer))
        # While commits fail one row is enough to find out whether they still do; either way there is another look then.
        if not (failing and due):
            self.look()

    def _scope(self, timer: Timer) -> Scope:
        principal = service_principal(f"{timer.service}.amazonaws.com", timer.account)
        endpoint = timer.endpoint or self._cloud.endpoint
        id = self._cloud.ids.uuid()
        return Scope(timer.account, timer.region, principal, id, endpoint=endpoint, cause=timer.cause, unseen=True)

    def _run_plain(self, key: tuple[Any, ...], timer: Timer) -> bool:
        def act(tx: Tx) -> None:
            if tx.get(TIMERS, *key) is None:
                return  # an earlier one of the batch removed it
            self._forget(tx, key, timer)
            handler(tx, timer.payload)

        handler = self._cloud.handler(timer.service, timer.handler).function
        return self._cloud.attempt(act, self._scope(timer), timer.service)

    def _kept(self) -> Future[StoreFull | None]:
        """What became of all that was written so far: None, or why it was not kept."""
        kept: Future[StoreFull | None] = get_running_loop().create_future()
        self._cloud.store.when_committed(lambda failure: None if kept.done() else kept.set_result(failure))
        return kept

    async def _run(self, serial: int, timer: Timer, kept: Future[StoreFull | None]) -> None:
        if await kept is not None:
            # Its row is due as before, and would run once more for each time that it was claimed.
            self._leave(timer.lane)
            return
        scope = self._scope(timer)
        done = await self._cloud.attempt_call(timer.service, timer.handler, timer.payload, scope)
        self._leave(timer.lane)

        def settle(tx: Tx) -> None:
            tx.delete(RUNNING, serial)
            if done is None:
                self._later(tx, None, timer)
            else:
                done(tx)
            parked = next(tx.scan(PARKED, timer.lane, limit=1), None) if timer.lane else None
            if parked is not None:
                tx.delete(PARKED, *parked[0])
                tx.put(TIMERS, *parked[0][1:], value=parked[1])
                tx.wake(*CHANNEL)

        while True:
            try:
                self._cloud.transact(settle, scope, timer.service)
                await self._cloud.store.committed()
                break
            except StoreFull:
                # Its row is still among those that run, where nobody would look at it before the next start.
                self.look_later()
                await self._cloud.loop.wait({ROOM}, None)

    def _leave(self, lane: str) -> None:
        self._lanes[lane] -= 1
        if not self._lanes[lane]:
            del self._lanes[lane]

    def _claim(self, tx: Tx, key: tuple[Any, ...], timer: Timer) -> bool:
        if tx.get(TIMERS, *key) is None:
            return False
        self._forget(tx, key, timer)
        if timer.lane and self._lanes[timer.lane] >= LANE_RUNNING_MAX:
            tx.put(PARKED, timer.lane, *key, value=timer)
            return False
        tx.put(RUNNING, key[1], value=timer)
        return True

    def _forget(self, tx: Tx, key: tuple[Any, ...], timer: Timer) -> None:
        tx.delete(TIMERS, *key)
        if timer.name:
            tx.delete(NAMES, timer.account, timer.region, timer.service, timer.handler, timer.name)

    def _later(self, tx: Tx, key: tuple[Any, ...] | None, timer: Timer) -> None:
        if key is not None:
            self._forget(tx, key, timer)
        if timer.attempts + 1 >= ATTEMPTS_MAX:
            log.error("dropped after %d attempts: %s.%s %r", ATTEMPTS_MAX, timer.service, timer.handler, timer.payload)
            return
        later = msgspec.structs.replace(timer, attempts=timer.attempts + 1)
        tx.put(TIMERS, tx.now + RETRY_SECONDS * 2**timer.attempts, tx.serial(), value=later)
        tx.wake(*CHANNEL)

    def _put_back(self, tx: Tx) -> None:
        for key, timer in list(tx.scan(RUNNING)):
            tx.delete(RUNNING, *key)
            tx.put(TIMERS, tx.now, key[0], value=timer)
        for key, timer in list(tx.scan(PARKED)):
            tx.delete(PARKED, *key)
            tx.put(TIMERS, *key[1:], value=timer)
