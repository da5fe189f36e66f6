"""Bytes whose rows are gone: deleted a little later, since whoever has just read their name is about to open them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from windtunnel.planes.blobs import Blobs

OTHERS_SECONDS = 2.0
"""So long another process may take from the name to the bytes. What it has open it reads to the end."""


class Dropped:
    """Deletes bytes a turn of the loop later, after the replies of this one; with `others`, after OTHERS_SECONDS."""

    def __init__(self, blobs: Blobs, *, others: bool) -> None:
        self._blobs = blobs
        self._others = others
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def add(self, blob_ids: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        for blob_id in blob_ids:
            if self._others:
                self._waiting[blob_id] = loop.call_later(OTHERS_SECONDS, self._delete, blob_id)
            else:
                loop.call_soon(self._blobs.delete, blob_id)

    def end(self) -> None:
        """Deletes now."""
        waiting = list(self._waiting)
        self.forget()
        for blob_id in waiting:
            self._blobs.delete(blob_id)

    def forget(self) -> None:
        """Leaves them: the region begins anew, where a name may come back with a snapshot."""
        for later in self._waiting.values():
            later.cancel()
        self._waiting.clear()

    def _delete(self, blob_id: str) -> None:
        del self._waiting[blob_id]
        self._blobs.delete(blob_id)
