"""A region's share of this machine for code: the sandboxes kept warm, and the folders that its archives are unpacked into."""

import asyncio
import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from windtunnel.planes.compute.pool import Pool
from windtunnel.planes.compute.sandbox import Machine, lives
from windtunnel.planes.compute.unpack import unpack


class Compute:
    """Made with a region and closed with it. What it holds is a cache: it can be emptied at any time between invocations."""

    def __init__(self, monotonic: Callable[[], float], folder: Path) -> None:
        self.monotonic = monotonic
        self._folder = folder
        self._machine: Machine | None = None
        self._pool: Pool | None = None
        self._starting: asyncio.Future[Pool] | None = None
        self._unpacking: dict[str, asyncio.Future[Path]] = {}
        self._serials = count(1)

    async def pool(self) -> Pool:
        """The warm sandboxes. The machine is looked at on first use, in a thread, since it is tried out with a process."""
        if self._pool is not None:
            return self._pool
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        return await asyncio.shield(self._starting)

    @property
    def ready(self) -> Pool | None:
        """The warm sandboxes, if there were any yet."""
        return self._pool

    async def folder_of(self, digest: str, archive: Path, bytes_max: int) -> Path:
        """The folder with the contents of an archive, unpacked once for each digest. Raises BadArchive or ArchiveTooLarge."""
        folder = self._folder / digest
        if folder.is_dir():
            return folder
        running = self._unpacking.get(digest)
        if running is None:
            running = self._unpacking[digest] = asyncio.ensure_future(asyncio.to_thread(self._unpack, digest, archive, bytes_max))
            running.add_done_callback(lambda _: self._unpacking.pop(digest, None))
        return await asyncio.shield(running)

    def sweep(self, known: Callable[[str], bool]) -> None:
        """Takes away unpacked archives that nothing names, and what another process was at when it died; a thread removes them."""
        unknown = [folder.rename(self._aside()) for folder in self._folder.glob("[!.]*") if not known(folder.name)]
        dead = [half for half in self._folder.glob(".*-*") if not lives(half.name[1:].split("-")[0])]
        if unknown or dead:
            asyncio.get_running_loop().run_in_executor(None, _remove, [*unknown, *dead])

    async def clear(self) -> None:
        """Ends all sandboxes, and waits until they are gone."""
        if self._starting is not None:
            await self._starting
        pool, self._pool, self._starting = self._pool, None, None
        if pool is not None:
            await pool.close()

    async def close(self) -> None:
        """Ends everything and leaves nothing behind but unpacked archives, which the next start uses again."""
        await self.clear()
        if self._machine is not None:
            self._machine.close()
            self._machine = None

    async def _start(self) -> Pool:
        if self._machine is None:
            self._machine = await asyncio.to_thread(Machine, self.monotonic)
        self._pool = Pool(self._machine)
        return self._pool

    def _aside(self) -> Path:
        return self._folder / f".{os.getpid()}-{next(self._serials)}"

    def _unpack(self, digest: str, archive: Path, bytes_max: int) -> Path:
        folder, half = self._folder / digest, self._aside()
        unpack(archive, half, bytes_max)
        try:
            half.rename(folder)
        except OSError:
            # Another process of the region was quicker.
            shutil.rmtree(half, ignore_errors=True)
        return folder


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
