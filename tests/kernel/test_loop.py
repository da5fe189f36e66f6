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
