"""The region's time: it stands, jumps and rings in order, and tasks come to rest on the way."""

import asyncio
from collections.abc import Awaitable, Callable

from windtunnel.kernel.clock import Anchor, Clock
from windtunnel.kernel.loop import Loop


def region(story: Callable[[Clock, Loop], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = Clock(Anchor(1_000.0, 1_000.0, 0))
        loop = Loop(clock)
        await story(clock, loop)
        await loop.stop()

    asyncio.run(run())


def test_a_standing_clock_stands() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        assert [clock.now(), clock.now()] == [1_000.0, 1_000.0]

    region(story)


def test_a_jump_rings_what_falls_due_each_at_its_own_time_and_in_order() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        rung: list[tuple[str, float]] = []
        for name, due in (("c", 1_030.0), ("a", 1_010.0), ("b", 1_010.0), ("later", 1_100.5)):
            clock.alarm(due, lambda name=name: rung.append((name, clock.now())))
        await clock.jump(1_100.0, loop.rest)
        assert rung == [("a", 1_010.0), ("b", 1_010.0), ("c", 1_030.0)]
        assert clock.now() == 1_100.0

    region(story)


def test_an_alarm_set_on_the_way_rings_on_the_same_jump() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        rung: list[float] = []

        def again() -> None:
            rung.append(clock.now())
            clock.alarm(clock.now() + 20, again)

        clock.alarm(1_020.0, again)
        await clock.jump(1_070.0, loop.rest)
        assert rung == [1_020.0, 1_040.0, 1_060.0]

    region(story)


def test_a_cancelled_alarm_does_not_ring() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        rung: list[float] = []
        clock.alarm(1_010.0, lambda: rung.append(clock.now())).cancel()
        await clock.jump(1_020.0, loop.rest)
        assert rung == []

    region(story)


def test_an_alarm_rings_whatever_was_set_before_the_clock_was_set_anew() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        rung: list[str] = []
        clock.alarm(1_010.0, lambda: rung.append("cancelled")).cancel()
        clock.alarm(1_020.0, lambda: rung.append("earlier"))
        clock.restore(Anchor(2_000.0, clock.machine(), 0))
        clock.alarm(2_000.0, lambda: rung.append("now"))
        for _ in range(4):
            await clock.rung()
        assert rung == ["earlier", "now"]

    region(story)


def test_an_alarm_rings_after_one_that_was_cancelled() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        rung: list[str] = []
        clock.alarm(1_010.0, lambda: rung.append("cancelled")).cancel()
        clock.restore(Anchor(2_000.0, clock.machine(), 0))
        clock.alarm(2_000.0, lambda: rung.append("now"))
        for _ in range(4):
            await clock.rung()
        assert rung == ["now"]

    region(story)


def test_a_jump_lets_what_it_sets_off_come_to_rest_before_time_goes_on() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        seen: list[tuple[str, float]] = []

        async def work() -> None:
            seen.append(("begins", clock.now()))
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append(("ends", clock.now()))
            await loop.wait([], clock.now() + 15)
            seen.append(("goes on", clock.now()))

        clock.alarm(1_010.0, lambda: loop.spawn(work()) and None)
        clock.alarm(1_011.0, lambda: seen.append(("next", clock.now())))
        await clock.jump(1_100.0, loop.rest)
        assert seen == [("begins", 1_010.0), ("ends", 1_010.0), ("next", 1_011.0), ("goes on", 1_025.0)]

    region(story)


def test_a_wait_ends_when_its_channel_is_woken() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        task = loop.spawn(loop.wait([("a",), ("b",)], None))
        await loop.rest()
        assert not task.done()
        loop.wake([("b",)])
        await loop.rest()
        assert task.done()
        loop.wake([("a",)])

    region(story)


def test_a_cancelled_wait_leaves_the_region_at_rest() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        task = loop.spawn(loop.wait([("a",)], 2_000.0))
        await loop.rest()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        loop.wake([("a",)])
        await clock.jump(3_000.0, loop.rest)
        assert task.cancelled()

    region(story)


def test_time_never_goes_back_when_the_rate_changes() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        moments = [clock.now()]
        for rate in (1.0, 1_000.0, 0.0, 60.0, 0.0):
            clock.run(rate)
            moments.append(clock.now())
        assert moments == sorted(moments)

    region(story)


def test_a_clock_that_is_set_anew_has_no_past() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        before = clock.machine() - 1
        await clock.jump(clock.now() + 86_400, loop.rest)
        clock.restore(Anchor(2_000.0, clock.machine(), 0))
        assert clock.region_at(before) == 2_000.0

    region(story)


def test_the_past_is_read_through_the_jumps_that_were_made() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        clock.run(1.0)
        before = clock.machine()
        region_before = clock.region_at(before)
        await clock.jump(clock.now() + 86_400, loop.rest)
        assert abs(clock.region_at(before) - region_before) < 1
        assert clock.now() - clock.region_at(before) >= 86_400

    region(story)


def test_alarms_that_are_called_off_are_not_kept_until_they_would_ring() -> None:
    async def story(clock: Clock, loop: Loop) -> None:
        rung: list[float] = []
        for number in range(10_000):
            alarm = clock.alarm(2_000.0 + number, lambda: rung.append(clock.now()))
            if number % 1_000:
                alarm.cancel()
                alarm.cancel()
        assert len(clock._alarms) < 1_000
        await clock.jump(20_000.0, loop.rest)
        assert rung == [2_000.0 + number for number in range(0, 10_000, 1_000)]
        assert clock._alarms == []

    region(story)
