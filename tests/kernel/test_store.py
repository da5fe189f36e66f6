"""What a store promises those who wait for a commit."""

import asyncio
from pathlib import Path

import pytest

from windtunnel.kernel.store import Store, StoreFull
from windtunnel.kernel.store.sqlite import SQLite


def test_who_waits_for_a_commit_is_told_when_the_engine_is_closed_under_it(tmp_path: Path) -> None:
    async def story() -> None:
        engine = SQLite(tmp_path / "region.db")
        store = Store(engine, woken=lambda channels: None)
        engine.close()
        overlay = store.begin()
        overlay.put(b"key", b"value")
        store.keep(overlay)
        with pytest.raises(StoreFull):
            await asyncio.wait_for(store.committed(), 5)

    asyncio.run(story())
