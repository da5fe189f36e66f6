"""The disk under a region: an engine and a folder of blobs that fill up when the simulation says so, and die with their process."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from tests.sim.world.machine import AtOnce, Killed
from windtunnel.kernel.ids import Ids
from windtunnel.kernel.store.engine import Engine, StoreFull
from windtunnel.planes.blobs import Blob, Blobs, Digest, DiskFull

MakeEngine = Callable[[Path], Engine]


def engine_maker(store: str) -> MakeEngine:
    """The engine that `package.module:factory` names; the factory is given the region's folder."""
    module, _, name = store.partition(":")
    return cast(MakeEngine, getattr(import_module(module), name))


def sqlite(folder: Path) -> Engine:
    """The engine that a region has unless it is told otherwise."""
    from windtunnel.kernel.store.sqlite import SQLite

    return SQLite(folder / "region.db")


def shared(folder: Path) -> Engine:
    """The engine of a file that several processes use."""
    from windtunnel.kernel.store.sqlite_shared import SharedSQLite

    return cast(Engine, SharedSQLite(folder / "region.db"))


class Disk:
    """What goes wrong: `full` refuses rows and bytes, `die` names the moment at which the process ends."""

    def __init__(self) -> None:
        self.full = False
        self.die = ""
        """"" or "commit" (before one) or "committed" (after it)."""
        self.dead = False
        self.refused = 0
        """How often it was full in fact."""

    def check(self) -> None:
        """A process that has died writes nothing more."""
        if self.dead:
            raise Killed("it is dead already")

    def kill_at(self, moment: str) -> None:
        if self.die == moment:
            self.dead = True
            raise Killed(moment)


class FailingEngine:
    """An engine on such a disk. Reads go through untouched."""

    def __init__(self, inner: Engine, disk: Disk) -> None:
        self._inner, self._disk = inner, disk
        self.shared = hasattr(inner, "begin")
        """Whether it is made for several processes, which have more to ask of it."""
        self.get, self.scan, self.values, self.amount = inner.get, inner.scan, inner.values, inner.amount

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, writes: dict[bytes, bytes | None], increments: dict[bytes, Any]) -> None:
        self._disk.check()
        if self._disk.full:
            self._disk.refused += 1
            raise StoreFull("database or disk is full")
        self._inner.write(writes, increments)

    def commit(self, **how: Any) -> None:
        self._disk.check()
        self._disk.kill_at("commit")
        self._inner.commit(**how)
        self._disk.kill_at("committed")


class FailingBlobs(Blobs):
    """A folder of bytes on such a disk."""

    def __init__(self, root: Path, seed: str, disk: Disk) -> None:
        super().__init__(root, Ids(seed).uuid)
        self._pool.shutdown()
        self._pool = AtOnce(1)
        self._disk = disk

    async def write(self, stream: bytes | AsyncIterable[bytes], *, digests: Sequence[Digest] = ()) -> Blob:
        self._room()
        return await super().write(stream, digests=digests)

    async def concat(self, blob_ids: Sequence[str]) -> Blob:
        self._room()
        return await super().concat(blob_ids)

    def delete(self, blob_id: str) -> None:
        if not self._disk.dead:
            super().delete(blob_id)

    def _room(self) -> None:
        self._disk.check()
        if self._disk.full:
            self._disk.refused += 1
            raise DiskFull(errno.ENOSPC, "There is no room left for the object's bytes")
