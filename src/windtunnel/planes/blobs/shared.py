"""Object bytes in an object store (S3, GCS, Azure …), for a region that several machines serve; this machine's folder is a cache of it.

A blob is uploaded before `write` returns, so the row that names it never names bytes that another machine can't read. Blobs never
change: what lies in the cache is right for ever, and may be removed at any time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from windtunnel.planes.blobs import files
from windtunnel.planes.blobs.files import DiskFull
from windtunnel.planes.blobs.store import BATCH_BYTES, PAGE_BLOBS, Blob, Blobs, Digest, Piece

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

CACHE_BYTES_MAX = 4 * 1024**3
CACHE_BYTES_KEPT = 3 * 1024**3
ORPHAN_SECONDS = 3_600.0
"""Bytes that no row names are left alone so long: another machine may be about to commit the row."""
FOLDER_SCHEME = "file"


def open_blobs(url: str, cache: Path, new_id: Callable[[], str], now: Callable[[], float], *, fsync: bool = False) -> Blobs:
    """The blobs at a URL: `file:///folder` is a folder that all machines mount, anything else what obstore knows by that name.

    Settings of the object store are the URL's query (`s3://bucket/prefix?endpoint=http://host:9000&region=eu-west-1`), else its
    client's environment variables. Raises ValueError where the URL or its settings are wrong, ImportError without obstore.
    https://developmentseed.org/obstore/latest/api/store/
    """
    parts = urlsplit(url)
    if parts.scheme == FOLDER_SCHEME:
        return Blobs(Path(parts.path), new_id, fsync=fsync)
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    settings = dict(parse_qsl(parts.query))
    try:
        store = from_url(
            urlunsplit(parts._replace(query="")),
            config=cast(Any, settings or None),
            client_options={"allow_http": settings.get("endpoint", "").startswith("http://")},
        )
    except BaseError as error:
        raise ValueError(f"{url}: {error}") from error
    return SharedBlobs(store, cache, new_id, now)


@contextmanager
def _said_clearly() -> Generator[None]:
    """Turns an object store's errors into the file system's, which the region answers as it answers a disk's."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise DiskFull(errno.EIO, f"The object store failed: {error}") from error


class SharedBlobs(Blobs):
    """The blobs of an object store behind a cache of at most CACHE_BYTES_MAX. `now` is the machine's time, seconds since 1970."""

    def __init__(self, store: ObjectStore, cache: Path, new_id: Callable[[], str], now: Callable[[], float]) -> None:
        super().__init__(cache, new_id)
        self._store = store
        self._now = now
        self._forgetting: futures.Future[None] = self._pool.submit(self._forget, [])
        self._cached = sum(entry.stat().st_size for entry in self._objects.rglob("*") if entry.is_file())

    async def write(self, stream: bytes | AsyncIterable[bytes], *, digests: Sequence[Digest] = ()) -> Blob:
        return await self._upload(await super().write(stream, digests=digests))

    async def concat(self, blob_ids: Sequence[str]) -> Blob:
        for part in blob_ids:
            await self.local(part)
        return await self._upload(await super().concat(blob_ids))

    async def copy(self, blob_id: str) -> Blob:
        fresh = self._new_id()
        with _said_clearly():
            await self._store.copy_async(blob_id, fresh)
            meta = await self._store.head_async(fresh)
        return Blob(fresh, meta["size"])

    async def read(self, blob_id: str, offset: int = 0, length: int | None = None) -> bytes:
        await self.local(blob_id)
        return await super().read(blob_id, offset, length)

    async def iter(self, blob_id: str, offset: int = 0, length: int | None = None, piece: int = BATCH_BYTES) -> AsyncIterator[bytes]:
        await self.local(blob_id)
        async for data in super().iter(blob_id, offset, length, piece):
            yield data

    async def local(self, blob_id: str) -> Path:
        if not self._used(blob_id):
            await self._in_thread(self._fetch, blob_id)
        return self.path(blob_id)

    def open(self, blob_id: str) -> FileIO:
        if not self._used(blob_id):
            self._fetch(blob_id)
        return super().open(blob_id)

    def piece(self, blob_id: str, offset: int, length: int) -> Piece | AsyncIterator[bytes]:
        """A part of the bytes: of the cached file, else as they come from the object store."""
        return super().piece(blob_id, offset, length) if self._used(blob_id) else self.iter(blob_id, offset, length)

    def delete(self, blob_id: str) -> None:
        super().delete(blob_id)
        self._pool.submit(self._forget, [blob_id])

    def sweep(self, named: Callable[[str], bool]) -> int:
        """Removes what no row names and nobody can be about to name any more; the cache goes by the same word."""
        super().sweep(named)
        orphans = [blob_id for page in self._pages(self._now() - ORPHAN_SECONDS) for blob_id in page if not named(blob_id)]
        self._forget(orphans)
        return len(orphans)

    def clear(self) -> None:
        """Everything there is now goes; it is listed at once, so that nothing written from here on is among it."""
        paths = [meta["path"] for meta in self._listed()]
        super().clear()
        self._cached = 0
        self._forgetting = self._pool.submit(self._forget, paths)

    def collect(self) -> Path:
        for meta in self._listed():
            if not self.path(meta["path"]).exists():
                self._fetch(meta["path"])
        return super().collect()

    def adopt(self, folder: Path) -> None:
        # What a reset a moment ago still removes may have the names of what comes now.
        futures.wait([self._forgetting])
        super().adopt(folder)
        names = {entry.name for entry in self._objects.rglob("*") if entry.is_file()}
        self._forget([meta["path"] for meta in self._listed() if meta["path"] not in names])
        for entry in self._objects.rglob("*"):
            if entry.is_file():
                with _said_clearly():
                    self._store.put(entry.name, entry)

    def _pages(self, before: float) -> Iterator[list[str]]:
        with _said_clearly():
            for metas in self._store.list(chunk_size=PAGE_BLOBS):  # pyright: ignore[reportUnknownMemberType]
                if page := sorted(meta["path"] for meta in metas if meta["last_modified"].timestamp() < before):
                    yield page

    def _remove(self, blob_ids: Sequence[str], before: float) -> int:
        super()._remove(blob_ids, before)
        with _said_clearly():
            old = [blob_id for blob_id in blob_ids if self._store.head(blob_id)["last_modified"].timestamp() < before]
        self._forget(old)
        return len(old)

    def _listed(self) -> Iterator[ObjectMeta]:
        with _said_clearly():
            for page in self._store.list():  # pyright: ignore[reportUnknownMemberType]
                yield from page

    async def _upload(self, blob: Blob) -> Blob:
        path = self.path(blob.id)
        try:
            with _said_clearly():
                await self._store.put_async(blob.id, path)
        except BaseException:
            files.remove(path)
            raise
        self._grew(blob.size)
        return blob

    def _fetch(self, blob_id: str) -> None:
        half = self._temporary / self._new_id()
        file = files.create(half)
        try:
            with file, _said_clearly():
                size = 0
                for data in self._store.get(blob_id).stream(BATCH_BYTES):
                    files.write_all(file, bytes(data))
                    size += len(data)
            files.move(half, self.path(blob_id))
        except BaseException:
            files.remove(half)
            raise
        self._grew(size)

    def _used(self, blob_id: str) -> bool:
        """Whether a blob is in the cache, where it stays for a while as it is used now."""
        try:
            os.utime(self.path(blob_id))
        except FileNotFoundError:
            return False
        return True

    def _forget(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            with _said_clearly():
                self._store.delete(list(blob_ids))

    def _grew(self, size: int) -> None:
        """Keeps the cache within its bounds: what was used least lately goes first."""
        self._cached += size
        if self._cached <= CACHE_BYTES_MAX:
            return
        entries = [(entry.stat(), entry) for entry in self._objects.rglob("*") if entry.is_file()]
        entries.sort(key=lambda one: one[0].st_mtime_ns)
        self._cached = sum(stat.st_size for stat, _ in entries)
        for stat, entry in entries[:-1]:
            if self._cached <= CACHE_BYTES_KEPT:
                return
            files.remove(entry)
            self._cached -= stat.st_size
