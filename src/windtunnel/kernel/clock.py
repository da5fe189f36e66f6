"""The region's time: it runs as the world's does, faster, stands still, or jumps, and it never goes back.

Time is an anchor (the region's time at a moment of the machine's) and a rate. Alarms wait for region time; a jump rings all that
fall due on the way, in order, each at its own time, and lets everything that one sets off come to rest before the next.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count

import msgspec

TIMER_SECONDS_MAX = 86_400.0
"""Longer waits of the machine's own timers are split: event loops count milliseconds in a limited number."""

ANCHORS_KEPT_MAX = 1_000
CANCELLED_KEPT_MAX = 256
"""Alarms that were called off lie among the others until they would ring; with more of them than this, and than others, they go at once."""


def wall() -> float:
    """The machine's time, seconds since 1970: what other machines show as well, more or less."""
    return time.time()


def pause(seconds: float) -> None:
    """Stops the whole process for a moment."""
    time.sleep(seconds)


def stopwatch() -> float:
    """Seconds of the machine's clock from an unknown beginning, to tell how long something took."""
    return time.perf_counter()


class Anchor(msgspec.Struct, frozen=True):
    """What the clock remembers across restarts. Seconds since 1970; `rate` region seconds a second, 0 where it stands."""

    region: float
    machine: float
    rate: float


class Alarm:
    """A function to be called at a region time."""

    __slots__ = ("_cancelled", "due", "ring")

    def __init__(self, due: float, ring: Callable[[], None] | None, cancelled: Callable[[], None]) -> None:
        self.due = due
        self.ring = ring
        self._cancelled = cancelled

    def cancel(self) -> None:
        if self.ring is not None:
            self.ring = None
            self._cancelled()


class Clock:
    """`changed` is told the new anchor whenever the clock is set, so that it can be kept."""

    def __init__(self, anchor: Anchor | None = None) -> None:
        moment = time.time()
        self._anchor = anchor or Anchor(moment, moment, 1.0)
        self._latest = self._anchor.region
        self._past: deque[Anchor] = deque(maxlen=ANCHORS_KEPT_MAX)
        self.changed: Callable[[Anchor], None] = lambda _: None
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._cancelled = 0
        self._serial = count()
        self._timer: asyncio.TimerHandle | None = None
        self._jumping = False

    @property
    def rate(self) -> float:
        """Region seconds a second; 0 where the clock stands."""
        return self._anchor.rate

    @property
    def anchor(self) -> Anchor:
        return self._anchor

    def now(self) -> float:
        anchor = self._anchor
        if anchor.rate == 0:
            return anchor.region
        # The machine's clock may be set back; the region's doesn't follow.
        moment = anchor.region + (time.time() - anchor.machine) * anchor.rate
        if moment > self._latest:
            self._latest = moment
        return self._latest

    def machine(self) -> float:
        """The machine's time, seconds since 1970: what a client's clock shows."""
        return time.time()

    def region_at(self, machine: float) -> float:
        """The region's time at a past moment of the machine's, as far back as the clock's changes are remembered."""
        anchor = self._anchor
        for earlier in reversed(self._past):
            if machine >= anchor.machine:
                break
            anchor = earlier
        return anchor.region + (machine - anchor.machine) * anchor.rate

    def alarm(self, due: float, ring: Callable[[], None]) -> Alarm:
        """Calls `ring` once the region's time has reached `due`; never at once, even if that is past."""
        alarm = Alarm(due, ring, self._forget)
        heapq.heappush(self._alarms, (due, next(self._serial), alarm))
        if self._next() is alarm:
            self._arm()
        return alarm

    async def rung(self) -> bool:
        """Lets ring what is due, for that it is due is known a turn of the loop before it rings; False where nothing is."""
        alarm = self._next()
        if self._jumping or alarm is None or alarm.due > self.now():
            return False
        await asyncio.sleep(0)
        return True

    def run(self, rate: float) -> None:
        """Goes on from now at so many region seconds a second; 0 stands still."""
        assert rate >= 0, "time doesn't go back"
        self._set(self.now(), rate)
        self._arm()

    def restore(self, anchor: Anchor) -> None:
        """Takes up where a clock was left; time has passed meanwhile unless it stood."""
        self._anchor = anchor
        self._latest = anchor.region
        # What this clock showed before belongs to another region's past.
        self._past.clear()
        self._arm()

    def follow(self, anchor: Anchor) -> None:
        """Takes over how another process of the region has set its clock."""
        if anchor != self._anchor:
            self._past.append(self._anchor)
            self._anchor = anchor
            self._latest = anchor.region
            self._arm()

    async def jump(self, target: float, rest: Callable[[], Awaitable[None]]) -> None:
        """Moves to a later time, ringing on the way all that falls due. `rest` waits until nothing is under way."""
        rate = self._anchor.rate
        self._jumping = True
        try:
            self._set(self.now(), 0)
            await rest()
            while (alarm := self._next()) is not None and alarm.due <= target:
                heapq.heappop(self._alarms)
                self._set(max(alarm.due, self._anchor.region), 0)
                ring, alarm.ring = alarm.ring, None
                if ring is not None:
                    ring()
                    await rest()
            self._set(max(target, self._anchor.region), 0)
        finally:
            self._jumping = False
            self._set(self._anchor.region, rate)
            self._arm()

    def _set(self, region: float, rate: float) -> None:
        self._past.append(self._anchor)
        self._anchor = Anchor(region, time.time(), rate)
        self._latest = region
        self.changed(self._anchor)

    def _next(self) -> Alarm | None:
        while self._alarms and self._alarms[0][2].ring is None:
            heapq.heappop(self._alarms)
            self._cancelled -= 1
        return self._alarms[0][2] if self._alarms else None

    def _forget(self) -> None:
        self._cancelled += 1
        if self._cancelled > max(CANCELLED_KEPT_MAX, len(self._alarms) // 2):
            self._alarms = [entry for entry in self._alarms if entry[2].ring is not None]
            heapq.heapify(self._alarms)
            self._cancelled = 0

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._jumping:
            return
        alarm = self._next()
        if alarm is None:
            return
        loop = asyncio.get_running_loop()
        if alarm.due <= self.now():
            self._timer = loop.call_later(0, self._ring_due)
        elif self._anchor.rate > 0:
            delay = (alarm.due - self.now()) / self._anchor.rate
            self._timer = loop.call_later(min(delay, TIMER_SECONDS_MAX), self._ring_due)

    def _ring_due(self) -> None:
        self._timer = None
        now = self.now()
        try:
            while (alarm := self._next()) is not None and alarm.due <= now:
                heapq.heappop(self._alarms)
                ring, alarm.ring = alarm.ring, None
                if ring is not None:
                    ring()
        finally:
            self._arm()
