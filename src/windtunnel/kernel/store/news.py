"""What each process's commits wake, told to the others: a row for each process, which they look for.

It is written in the commit itself, so that a wake-up is as durable as what it tells of.
"""

from __future__ import annotations

import msgspec

from windtunnel.kernel.clock import wall
from windtunnel.kernel.store.keys import AFTER, pack
from windtunnel.kernel.store.overlay import Channel, Overlay, Reader
from windtunnel.kernel.store.table import Table

COMMITS_TOLD_MAX = 32
SECONDS_KEPT = 3_600.0


class Edition(msgspec.Struct, frozen=True, array_like=True):
    """What the latest commits of one process woke, oldest first; `count` is the last one's number."""

    at: float
    count: int
    recent: list[list[Channel]]


NEWS = Table("store.news", Edition, scope="global")
"""process -> Edition"""
_START = NEWS.prefix("", "")
_END = _START + AFTER


class News:
    """Between one process and the others of its region."""

    def __init__(self, rows: Reader) -> None:
        self._rows = rows
        self._key = b""
        self._last = Edition(0.0, 0, [])
        self._heard: dict[bytes, int] = {}

    def join(self, number: int) -> None:
        """Says which of the processes this one is: there is nobody to tell before."""
        self._key = _START + pack((number,))

    def skip(self) -> None:
        """What was told so far need not be heard."""
        self._heard = {key: NEWS.decode(value).count for key, value in self._rows.scan(_START, _END)}

    def tell(self, overlay: Overlay) -> Edition | None:
        """Adds to a transaction the news of what it wakes, if it does; to be `told` once that is committed."""
        if not (self._key and overlay.wakes):
            return None
        edition = Edition(wall(), self._last.count + 1, [*self._last.recent, list(overlay.wakes)][-COMMITS_TOLD_MAX:])
        overlay.put(self._key, NEWS.encode(edition))
        return edition

    def told(self, edition: Edition) -> None:
        self._last = edition

    def hear(self) -> set[Channel] | None:
        """What others have woken since the last time; None where it may be anything, since some of their news were missed."""
        wakes: set[Channel] = set()
        missed = False
        for key, value in list(self._rows.scan(_START, _END)):
            if key == self._key:
                continue
            edition = NEWS.decode(value)
            fresh = edition.count - self._heard.get(key, 0)
            self._heard[key] = edition.count
            missed |= not 0 <= fresh <= len(edition.recent)
            wakes.update(*edition.recent[len(edition.recent) - fresh :])
        return None if missed else wakes


def forget_old(overlay: Overlay) -> tuple[None, bool]:
    """Removes the news of processes that have long been gone."""
    end = wall() - SECONDS_KEPT
    for key, value in list(overlay.scan(_START, _END)):
        if NEWS.decode(value).at < end:
            overlay.delete(key)
    return None, bool(overlay.writes)
