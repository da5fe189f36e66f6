"""What counts as at work, and what doesn't."""

from __future__ import annotations

import asyncio

from windtunnel.kernel.clock import Anchor, Clock
from windtunnel.kernel.loop import Loop


def test_who_sends_what_is_made_meanwhile_neither_hides_work_nor_keeps_anybody_from_rest() -> None:
    async def live() -> list[str]:
        loop, seen = Loop(Clock(Anchor(0.0, 0.0, 0))), list[str]()

        async def sends() -> None:
            await loop.wait([("news",)], None)
            seen.append("sent")

        async def works() -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append("worked")

        sender = asyncio.create_task(sends())
        await asyncio.sleep(0)
        await loop.rest()
        loop.spawn(works())
        await loop.rest()
        seen.append("rested")
        loop.wake([("news",)])
        await loop.rest()
        await sender
        loop.spawn(works())
        await loop.rest()
        return [*seen, "rested"]

    assert asyncio.run(live()) == ["worked", "rested", "sent", "worked", "rested"]


def test_who_waits_for_a_moment_that_is_past_is_told_once_when_the_jump_goes_on() -> None:
    async def live() -> list[bool | str]:
        clock, told = Clock(Anchor(10.0, 0.0, 0)), list[bool | str]()
        loop = Loop(clock)

        async def waits() -> None:
            told.append(await loop.wait([("room",)], 9.0))

        async def works() -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            told.append("worked")

        loop.spawn(waits())
        loop.spawn(works())
        await clock.jump(20.0, loop.rest)
        return told

    assert asyncio.run(live()) == ["worked", True]


def test_who_waits_for_longest_goes_on_first() -> None:
    async def live() -> list[int]:
        loop, told = Loop(Clock(Anchor(0.0, 0.0, 0))), list[int]()

        async def waits(number: int) -> None:
            await loop.wait([("news",)], None)
            told.append(number)

        for number in range(100):
            loop.spawn(waits(number))
        await loop.rest()
        loop.wake([("news",)])
        await loop.rest()
        return told

    assert asyncio.run(live()) == list(range(100))
