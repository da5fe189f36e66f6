"""Bytes that no row names, where several processes serve a region: what was killed left them, and the leader removes them.

A process alone does so when it starts. Several may be writing bytes at any moment whose rows are still to come, so here age decides: what
has lain for a day is named by now or never will be. A sweep reads the list of all bytes and the rows that name them, once a day, a page at
a time; no call and no start waits for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from windtunnel.fabric.tx import HELD
from windtunnel.kernel.clock import wall
from windtunnel.kernel.store import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from windtunnel.fabric.cloud import Cloud
    from windtunnel.fabric.tx import Tx

SWEEP_SECONDS = 86_400.0
ORPHAN_SECONDS = 86_400.0
SWEPT = Table("fabric.swept", float, scope="global")
"""When bytes were last swept, in the machines' time."""


async def sweep_if_due(cloud: Cloud) -> int:
    """Removes the bytes that no row has named for long, unless that was done today; answers how many."""
    now = wall()
    if now - cloud.apply(lambda tx: tx.get(SWEPT) or 0.0) < SWEEP_SECONDS:
        return 0
    removed, before = 0, now - ORPHAN_SECONDS
    async for page in cloud.blobs.older(before):
        removed += await cloud.blobs.remove(cloud.apply(partial(_unnamed, page)), before)
    cloud.apply(lambda tx: tx.put(SWEPT, value=now))
    return removed


def _unnamed(page: Sequence[str], tx: Tx) -> list[str]:
    """Those of a page, which is in order, that no row names."""
    named = {key[0] for key, _ in tx.scan(HELD, start=(page[0],), end=(page[-1] + "\0",))}
    return [blob_id for blob_id in page if blob_id not in named]
