"""Object bytes as files under fresh ids: written whole or not at all, never changed, removed when no row names them.

Bytes come first and the row that names them after, so a crash leaves bytes without a row (which `sweep` removes) and
never a row without bytes.
"""

import asyncio
import math
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from concurrent import futures
from io import FileIO
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import msgspec

from windtunnel.planes.blobs import files
from windtunnel.planes.blobs.files import DiskFull

__all__ = ["Blob", "Blobs", "Digest", "DiskFull", "Piece"]

SMALL_BYTES = 64 * 1024
BATCH_BYTES = 1024 * 1024
INLINE_READ_BYTES = 256 * 1024
INLINE_DELETE_BYTES = 8 * 1024 * 1024
THREADS = 8
PAGE_BLOBS = 500
LOADING = ".loading-"
"""How the folders begin, beside the blobs, in which snapshots are unpacked."""

P = ParamSpec("P")
R = TypeVar("R")


class Digest(Protocol):
    """Anything of hashlib, zlib-like checksums wrapped in a class, or awscrt's."""

    def update(self, data: bytes, /) -> object: ...


class Blob(msgspec.Struct, frozen=True):
    """The name and the length of bytes that are safely stored."""

    id: str
    size: int


class Piece(msgspec.Struct, frozen=True):
    """`length` bytes of a blob's file from `offset`: what an operation answers for bytes that the wire is to send by itself."""

    path: Path
    offset: int
    length: int


class Blobs:
    """The files of one region under one folder; owns a few threads, which `close` ends."""

    def __init__(self, root: Path, new_id: Callable[[], str], *, fsync: bool = False) -> None:
        self.root = root
        self._objects = root / "objects"
        self._temporary = root / "temporary"
        self._trash = root / "trash"
        self._new_id = new_id
        self._fsync = fsync
        self._pool = futures.ThreadPoolExecutor(THREADS, "blobs")
        self._objects.mkdir(parents=True, exist_ok=True)
        self._temporary.mkdir(exist_ok=True)

    def path(self, blob_id: str) -> Path:
        """Where the bytes are, for sendfile."""
        return self._objects / blob_id[:2] / blob_id

    async def local(self, blob_id: str) -> Path:
        """Where the bytes are on this machine, brought here first where they weren't."""
        return self.path(blob_id)

    def piece(self, blob_id: str, offset: int, length: int) -> Piece | AsyncIterator[bytes]:
        """A part of the bytes, to be sent without being read here."""
        return Piece(self.path(blob_id), offset, length)

    async def write(self, stream: bytes | AsyncIterable[bytes], *, digests: Sequence[Digest] = ()) -> Blob:
        """Stores the bytes and feeds them to every digest on the way."""
        if isinstance(stream, bytes):
            if len(stream) <= SMALL_BYTES and not self._fsync:
                return self._write_small(stream, digests)
            return await self._write_large(_pieces_of(stream), [], digests)
        head: list[bytes] = []
        size = 0
        pieces = aiter(stream)
        async for piece in pieces:
            head.append(piece)
            size += len(piece)
            if size > SMALL_BYTES:
                return await self._write_large(pieces, head, digests)
        whole = b"".join(head)
        return await self._write_large(_pieces_of(b""), [whole], digests) if self._fsync else self._write_small(whole, digests)

    async def read(self, blob_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """A part of the bytes (to the end without a length); fewer when the blob is shorter."""
        if length is None:
            length = max(0, self.path(blob_id).stat().st_size - offset)
        if length <= INLINE_READ_BYTES:
            return self._read(blob_id, offset, length)
        return await self._in_thread(self._read, blob_id, offset, length)

    async def iter(self, blob_id: str, offset: int = 0, length: int | None = None, piece: int = BATCH_BYTES) -> AsyncIterator[bytes]:
        """The bytes in pieces, read one piece ahead of the reader; the file stays readable if it is deleted meanwhile."""
        with self.open(blob_id) as file:
            left = max(0, os.fstat(file.fileno()).st_size - offset)
            left = left if length is None else min(left, length)
            file.seek(offset)
            ahead = self._pool.submit(file.read, min(piece, left))
            try:
                while left:
                    data = await asyncio.wrap_future(ahead)
                    left -= len(data)
                    ahead = self._pool.submit(file.read, min(piece, left))
                    if not data:
                        break
                    yield data
            finally:
                futures.wait([ahead])

    def open(self, blob_id: str) -> FileIO:
        """The bytes as a file opened for reading, which the caller closes."""
        return FileIO(self.path(blob_id))

    async def concat(self, blob_ids: Sequence[str]) -> Blob:
        """A new blob of the given ones end to end; the parts stay."""
        if len(blob_ids) == 1:
            return await self.copy(blob_ids[0])
        return await self._in_thread(self._concat, blob_ids)

    async def copy(self, blob_id: str) -> Blob:
        """The same bytes under a fresh id: a second name where the file system has links, which is free."""
        source, fresh = self.path(blob_id), self._new_id()
        if files.link(source, self.path(fresh)):
            if self._fsync:
                await self._in_thread(files.sync_folder, self.path(fresh).parent)
            return Blob(fresh, source.stat().st_size)
        return await self._in_thread(self._concat, [blob_id])

    def delete(self, blob_id: str) -> None:
        """Forgets the bytes; an absent id is fine. Large files go in a thread, for the disk takes its time over them."""
        path = self.path(blob_id)
        try:
            large = path.stat().st_size > INLINE_DELETE_BYTES
        except FileNotFoundError:
            return
        if large:
            self._pool.submit(files.remove, path)
        else:
            files.remove(path)

    def sweep(self, named: Callable[[str], bool]) -> int:
        """Removes, before the region opens, what a crash left: bytes that no row names, half files, trash. Answers how many blobs."""
        removed = 0
        for folder in sorted(self._objects.iterdir()):
            for entry in sorted(os.listdir(folder)):
                if not named(entry):
                    removed += files.remove(folder / entry)
        self._discard(math.inf)
        return removed

    async def older(self, before: float) -> AsyncIterator[list[str]]:
        """Blobs older than a moment of the machine's, in pages, each in order; half files and trash of that age go on the way."""
        await self._in_thread(self._discard, before)
        pages = self._pages(before)
        while page := await self._in_thread(next, pages, None):
            yield page

    async def remove(self, blob_ids: Sequence[str], before: float) -> int:
        """Removes those of them that are still so old: a blob of a snapshot may have come in another's place."""
        return await self._in_thread(self._remove, blob_ids, before)

    def clear(self) -> None:
        """Empties everything at once."""
        self._set_aside()

    def _set_aside(self) -> None:
        """The folder goes in one rename, and its files are removed in a thread."""
        self._trash.mkdir(exist_ok=True)
        aside = self._trash / self._new_id()
        self._objects.rename(aside)
        self._objects.mkdir()
        self._pool.submit(files.remove_tree, aside)

    def collect(self) -> Path:
        """The folder of all blobs, for a snapshot of them."""
        return self._objects

    def adopt(self, folder: Path) -> None:
        """Takes the blobs of a snapshot's folder (on the same file system) in place of all there are."""
        self._set_aside()
        self._objects.rmdir()
        folder.rename(self._objects)

    def close(self) -> None:
        """Waits for what the threads still do."""
        self._pool.shutdown(wait=True)

    def _pages(self, before: float) -> Iterator[list[str]]:
        for folder in sorted(self._objects.iterdir()):
            names = [name for name in sorted(os.listdir(folder)) if files.named_at(folder / name) < before]
            yield from (names[start : start + PAGE_BLOBS] for start in range(0, len(names), PAGE_BLOBS))

    def _remove(self, blob_ids: Sequence[str], before: float) -> int:
        return sum(files.remove(path) for path in map(self.path, blob_ids) if files.named_at(path) < before)

    def _discard(self, before: float) -> None:
        """What was never a blob, or is none any more: half files, trash, and the folder of a snapshot that was not taken in."""
        for entry in (*self._temporary.iterdir(), self._trash, *self.root.glob(f"{LOADING}*")):
            if files.named_at(entry) < before:
                files.remove_tree(entry) if entry.is_dir() else files.remove(entry)

    def _write_small(self, data: bytes, digests: Sequence[Digest]) -> Blob:
        """A thread costs more than a small write does, so it happens here and now."""
        for digest in digests:
            digest.update(data)
        blob_id = self._new_id()
        half = self._temporary / blob_id
        file = files.create(half)
        try:
            with file:
                files.write_all(file, data)
            files.move(half, self.path(blob_id))
        except BaseException:
            files.remove(half)
            raise
        return Blob(blob_id, len(data))

    async def _write_large(self, pieces: AsyncIterable[bytes], head: list[bytes], digests: Sequence[Digest]) -> Blob:
        """While one batch is hashed and written in threads (each digest in its own), the next is read from the socket.

        No more than two batches are ever held: when the disk or a hash is slower than the sender, the sender waits.
        """
        blob_id = self._new_id()
        half = self._temporary / blob_id
        file = files.create(half)
        jobs: list[futures.Future[object]] = []
        batch, waiting, size = head, sum(map(len, head)), 0
        try:
            async for piece in pieces:
                batch.append(piece)
                waiting += len(piece)
                if waiting >= BATCH_BYTES:
                    await _all_done(jobs)
                    jobs = self._submit(file, batch, digests)
                    size += waiting
                    batch, waiting = [], 0
            await _all_done(jobs)
            if waiting:
                jobs = self._submit(file, batch, digests)
                size += waiting
                await _all_done(jobs)
            jobs = [self._pool.submit(self._finish, file, half, self.path(blob_id))]
            await _all_done(jobs)
        except BaseException:
            abandoned = self._pool.submit(_abandon, jobs, file, (half, self.path(blob_id)))
            await asyncio.shield(asyncio.wrap_future(abandoned))
            raise
        return Blob(blob_id, size)

    def _submit(self, file: FileIO, batch: list[bytes], digests: Sequence[Digest]) -> "list[futures.Future[object]]":
        data = batch[0] if len(batch) == 1 else b"".join(batch)
        return [self._pool.submit(files.write_all, file, data), *(self._pool.submit(digest.update, data) for digest in digests)]

    def _finish(self, file: FileIO, half: Path, path: Path) -> None:
        if self._fsync:
            with files.said_clearly():
                os.fsync(file.fileno())
        file.close()
        files.move(half, path)
        if self._fsync:
            files.sync_folder(path.parent)

    def _read(self, blob_id: str, offset: int, length: int) -> bytes:
        with self.open(blob_id) as file:
            file.seek(offset)
            data = file.read(length)
            while len(data) < length and (more := file.read(length - len(data))):
                data += more
            return data

    def _concat(self, blob_ids: Sequence[str]) -> Blob:
        blob_id = self._new_id()
        half = self._temporary / blob_id
        file = files.create(half)
        try:
            with file:
                size = sum(files.append_file(self.path(part), file) for part in blob_ids)
                if self._fsync:
                    os.fsync(file.fileno())
            files.move(half, self.path(blob_id))
            if self._fsync:
                files.sync_folder(self.path(blob_id).parent)
        except BaseException:
            files.remove(half)
            raise
        return Blob(blob_id, size)

    async def _in_thread(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        return await asyncio.wrap_future(self._pool.submit(function, *args, **named))


async def _pieces_of(data: bytes) -> AsyncIterator[bytes]:
    """A body that is in memory already, in pieces that let hashing and writing overlap."""
    for start in range(0, len(data), BATCH_BYTES):
        yield data[start : start + BATCH_BYTES]


async def _all_done(jobs: "Sequence[futures.Future[object]]") -> None:
    for job in jobs:
        await asyncio.wrap_future(job)


def _abandon(jobs: "Sequence[futures.Future[object]]", file: FileIO, paths: Sequence[Path]) -> None:
    """Waits for threads that still write before the file is closed: its number may be given to another file at once."""
    futures.wait(jobs)
    file.close()
    for path in paths:
        files.remove(path)
