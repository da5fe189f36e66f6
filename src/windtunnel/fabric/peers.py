"""What the processes that serve one region agree on: which of them leads, what time it is, and when the region begins anew.

All of it is rows, and wake-ups tell of their changes. The leader runs the timers, deliveries that wait, pollers, and jumps of the clock;
every process answers requests. A lease is over once nobody has seen it renewed for LEASE_SECONDS of the observer's own watch, so that
machines need not agree on the time.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric.roll import CALL_CHANNEL, Roll
from windtunnel.fabric.sweep import sweep_if_due
from windtunnel.fabric.timers import ROOM
from windtunnel.kernel.clock import Anchor, stopwatch
from windtunnel.kernel.store import StoreAway, StoreFull, Table
from windtunnel.kernel.store.shared import SharedStore

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.tx import Tx

log = logging.getLogger(__name__)
BEAT_SECONDS = 0.5
LEASE_SECONDS = 2.5
TIDY_BEATS = 1_200
CLOCK_CHANNEL = ("fabric.clock",)
EPOCH_CHANNEL = ("fabric.epoch",)
LEASE_CHANNEL = ("fabric.lease",)
ORDERS_CHANNEL = ("fabric.orders",)


class Lease(msgspec.Struct, frozen=True):
    """Who leads; `beat` is another number each time that it is renewed."""

    holder: int
    beat: int


class Order(msgspec.Struct, frozen=True):
    """A jump of the clock that the leader is to make, and the rate at which time goes on after it."""

    target: float
    rate: float


CLOCK = Table("fabric.clock", Anchor, scope="global")
LEASE = Table("fabric.lease", Lease, scope="global")
EPOCH = Table("fabric.epoch", int, scope="global")
"""How often the region began anew."""
PROCESSES = Table("fabric.processes", int, scope="global")
"""How many processes have joined in a region that is served by several."""
TIMED = Table("fabric.timed", bool, scope="global")
"""There once several processes have served the region: from then on serial numbers are moments."""
ORDERS = Table("fabric.orders", Order, scope="global")
"""serial -> Order"""


class Peers:
    """This process among those of its region. `first`: nobody else runs, so that whoever held the lease is gone."""

    def __init__(self, cloud: Cloud, store: SharedStore, number: int, *, first: bool) -> None:
        self._cloud = cloud
        self._store = store
        self._number = number
        self._first = first
        self.leads = False
        self._left = False
        self._lease: Lease | None = None
        self._seen = self._renewed = stopwatch()
        """When the lease was last seen to change, and when this process last renewed it."""
        self._beats = 0
        self._epoch = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._carrying = False
        self._ordered: dict[int, asyncio.Future[None]] = {}
        self._renewing = asyncio.Lock()
        self._roll = Roll(cloud, number, self._follow)
        for channel, told in (
            (CLOCK_CHANNEL, self._follow_clock),
            (EPOCH_CHANNEL, self._follow_epoch),
            (LEASE_CHANNEL, self._beat_now),
            (ORDERS_CHANNEL, self._look_at_orders),
            (CALL_CHANNEL, lambda: self._spawn(self._roll.answer())),
        ):
            cloud.loop.on(channel, told)

    def start(self) -> None:
        """Joins the others, in the running event loop."""
        self._store.start()
        self._epoch = self._cloud.apply(lambda tx: tx.get(EPOCH) or 0)
        self._roll.enter(first=self._first)
        self._follow_clock()
        self._beat()

    async def stop(self) -> None:
        """Leaves; somebody else leads at once."""
        self._left = True
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(StoreFull):
            self._cloud.apply(self._leave)

    async def settle(self) -> None:
        """Returns once what was set or begun anew here holds for every process."""
        await self._roll.call()

    def keep_anchor(self, anchor: Anchor) -> None:
        """The clock was set here: the others follow. Raises StoreFull where they can't, and then it isn't set here either."""
        try:
            self._cloud.apply(lambda tx: (tx.put(CLOCK, value=anchor), tx.wake(*CLOCK_CHANNEL)))
        except StoreFull:
            if not self._carrying:  # the order of a jump says itself how far it goes, until its end is kept
                self._follow_clock()
                raise

    async def jump(self, target: float) -> None:
        """Has the leader move the clock, and returns when it has."""
        rate = self._cloud.clock.rate

        def order(tx: Tx) -> int:
            serial = tx.serial()
            tx.put(ORDERS, serial, value=Order(target, rate))
            tx.wake(*ORDERS_CHANNEL)
            return serial

        serial = self._cloud.apply(order)
        self._ordered[serial] = done = asyncio.get_running_loop().create_future()
        await done

    def rows_to_keep(self, *, time: bool) -> dict[bytes, bytes]:
        """What a region that begins anew has from the start; `time`: its clock goes on."""
        self._epoch += 1
        kept = {EPOCH.prefix("", ""): EPOCH.encode(self._epoch)}

        def keep(tx: Tx) -> None:
            if time and (anchor := tx.get(CLOCK)) is not None:
                kept[CLOCK.prefix("", "")] = CLOCK.encode(anchor)
            if (lease := tx.get(LEASE)) is not None:
                kept[LEASE.prefix("", "")] = LEASE.encode(lease)
            kept[TIMED.prefix("", "")] = TIMED.encode(True)
            kept[PROCESSES.prefix("", "")] = PROCESSES.encode(tx.get(PROCESSES) or 0)
            kept.update(self._roll.rows(tx))

        self._cloud.apply(keep)
        return kept

    def load(self, path: str) -> None:
        """Replaces all rows by those of a snapshot; these processes go on serving them."""
        kept = self.rows_to_keep(time=False)
        self._store.load(path, kept, {EPOCH_CHANNEL})
        self._roll.forget_others_than(kept)

    def begin_again(self) -> None:
        """After this process has emptied the region or loaded another."""
        self._follow_clock()
        if self.leads:
            self._cloud.lead()
        self._look_at_orders()

    def returned(self) -> None:
        """The store can be reached again: what failed meanwhile, timers and pollers among it, begins anew."""
        log.warning("the store can be reached again")
        self._spawn(self._renew(anyway=True))

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)
        self._beat_now()

    def _beat_now(self) -> None:
        if self._left:
            return
        now = stopwatch()
        led = self.leads
        try:
            self.leads = self._claim(now)
            if self.leads:
                if self._beats % TIDY_BEATS == 0:
                    self._store.forget_news()
                    self._spawn(self._sweep())
                self._beats += 1
        except StoreFull as failure:
            log.warning("the lease could not be renewed: %s", failure)
            # Where it can be read, nobody else has taken it.
            mine = not isinstance(failure, StoreAway) and self._lease is not None and self._lease.holder == self._number
            self.leads = led and (mine or now - self._renewed < LEASE_SECONDS)
        if self.leads and not led:
            self._take_over()
        elif led and not self.leads:
            # Others have run the timers meanwhile: what was under way here is theirs by now.
            log.warning("process %d no longer leads the region", self._number)
            self._spawn(self._step_down())

    def _claim(self, now: float) -> bool:
        """Renews the lease, or takes one that is over."""
        lease = self._cloud.apply(lambda tx: tx.get(LEASE))
        if lease != self._lease:
            self._lease, self._seen = lease, now
        mine = lease is not None and lease.holder == self._number
        if lease is not None and not mine and not self._first and now - self._seen < LEASE_SECONDS:
            return False
        self._first = False

        def take(tx: Tx) -> bool:
            if tx.get(LEASE) != lease:
                return False  # somebody was quicker
            tx.put(LEASE, value=Lease(self._number, 0 if lease is None else lease.beat + 1))
            return True

        taken = self._cloud.apply(take)
        if taken:
            self._renewed = now
        return taken

    def _take_over(self) -> None:
        self._follow_clock()
        self._cloud.lead()
        self._look_at_orders()

    async def _step_down(self) -> None:
        await self._cloud.stop_all()
        if self.leads:
            self._cloud.lead()

    async def _sweep(self) -> None:
        try:
            if removed := await sweep_if_due(self._cloud):
                log.warning("%d blobs that no row names were removed", removed)
        except (StoreFull, OSError) as failure:
            log.warning("what no row names could not be swept: %s", failure)

    def _leave(self, tx: Tx) -> None:
        self._roll.leave(tx)
        lease = tx.get(LEASE)
        if lease is not None and lease.holder == self._number:
            tx.delete(LEASE)
            tx.wake(*LEASE_CHANNEL)

    def _follow_clock(self) -> None:
        kept = self._cloud.apply(lambda tx: tx.get(CLOCK))
        if kept is not None and not self._carrying:
            self._cloud.clock.follow(kept)

    def _follow_epoch(self) -> None:
        if self._cloud.apply(lambda tx: tx.get(EPOCH) or 0) != self._epoch:
            self._spawn(self._renew())

    async def _renew(self, *, anyway: bool = False) -> None:
        """What runs here belongs to a region that is no more, where another process has emptied it or loaded another."""
        async with self._renewing:
            epoch = self._cloud.apply(lambda tx: tx.get(EPOCH) or 0)
            if epoch != self._epoch or anyway:
                self._epoch = epoch
                await self._cloud.stop_all()
                self.begin_again()

    async def _follow(self) -> None:
        self._follow_clock()
        await self._renew()

    def _look_at_orders(self) -> None:
        orders = self._cloud.apply(lambda tx: list(tx.scan(ORDERS)))
        for serial in self._ordered.keys() - {int(key[0] or 0) for key, _ in orders}:
            done = self._ordered.pop(serial)
            if not done.done():
                done.set_result(None)
        if orders and self.leads and not self._carrying:
            self._carrying = True
            self._spawn(self._carry_out(int(orders[0][0][0] or 0), orders[0][1]))

    async def _carry_out(self, serial: int, order: Order) -> None:
        clock = self._cloud.clock
        try:
            await clock.jump(max(order.target, clock.now()), self._rest)
            if clock.rate != order.rate:
                clock.run(order.rate)  # a leader before this one died on the way
            while not self._carried_out(serial):
                await self._cloud.loop.wait({ROOM}, None)
        finally:
            self._carrying = False

    def _carried_out(self, serial: int) -> bool:
        """Writes down where a jump has ended; False where there is no room for it."""

        def end(tx: Tx) -> None:
            tx.put(CLOCK, value=self._cloud.clock.anchor)
            tx.delete(ORDERS, serial)
            tx.wake(*ORDERS_CHANNEL)
            tx.wake(*CLOCK_CHANNEL)

        try:
            self._cloud.apply(end)
        except StoreAway:
            raise
        except StoreFull:
            return False
        return True

    async def _rest(self) -> None:
        """As the cloud's; what others have written meanwhile is looked for, as news of it may still be on the way."""
        await self._cloud.rest()
        self._cloud.timers.look()

    def _spawn(self, coroutine: asyncio._CoroutineLike[None]) -> None:  # pyright: ignore[reportPrivateUsage]
        # Not one of the region's own tasks: those are what it stops, and what a jump waits for.
        task = asyncio.get_running_loop().create_task(coroutine)  # pyright: ignore[reportArgumentType]
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task failed", exc_info=error)
