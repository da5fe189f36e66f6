"""What the blobs plane promises: whole files or none, hashed on the way, and nothing left behind."""

import asyncio
import errno
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from windtunnel.planes.blobs import Blob, Blobs, DiskFull, files

FAR = 4_000_000_000.0


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[Blobs]:
    serial = itertools.count()
    store = Blobs(tmp_path, lambda: f"{next(serial):08x}"[::-1])
    yield store
    store.close()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


def files_under(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_001])
@pytest.mark.parametrize("streamed", [False, True])
def test_bytes_are_read_back_as_written_and_every_digest_has_seen_them(blobs: Blobs, size: int, streamed: bool) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    md5, sha = hashlib.md5(), hashlib.sha256()
    stream = pieces(*(data[start : start + 50_000] for start in range(0, size, 50_000))) if streamed else data
    blob = asyncio.run(blobs.write(stream, digests=[md5, sha]))
    assert blob == Blob("00000000", size)
    assert asyncio.run(blobs.read(blob.id)) == data
    assert asyncio.run(blobs.read(blob.id, 1, 70_000)) == data[1:70_001]
    assert (md5.digest(), sha.digest()) == (hashlib.md5(data).digest(), hashlib.sha256(data).digest())


def test_a_part_of_a_blob_is_iterated_even_when_it_is_deleted_meanwhile(blobs: Blobs) -> None:
    async def story() -> bytes:
        blob = await blobs.write(bytes(1000) + b"abcdef" * 100)
        got = b""
        async for piece in blobs.iter(blob.id, 990, 22, piece=7):
            blobs.delete(blob.id)
            got += piece
        return got

    assert asyncio.run(story()) == bytes(10) + b"abcdefabcdef"


def test_parts_become_one_blob_and_stay(blobs: Blobs) -> None:
    async def story() -> list[bytes]:
        parts = [(await blobs.write(data)).id for data in (b"a" * 5, b"", b"b" * 100_000)]
        whole, single, copied = await blobs.concat(parts), await blobs.concat(parts[:1]), await blobs.copy(parts[2])
        for part in parts:
            blobs.delete(part)
        assert [whole.size, single.size, copied.size] == [100_005, 5, 100_000]
        return [await blobs.read(blob.id) for blob in (whole, single, copied)]

    assert asyncio.run(story()) == [b"a" * 5 + b"b" * 100_000, b"a" * 5, b"b" * 100_000]


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_full_disk_is_said_clearly_and_leaves_no_half_file(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    class Full(files.FileIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "FileIO", Full)
    with pytest.raises(DiskFull):
        asyncio.run(blobs.write(bytes(size)))
    blobs.close()
    assert files_under(tmp_path) == []


def test_a_sender_that_goes_away_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(3_000_000)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(blobs.write(broken()))
    blobs.close()
    assert files_under(tmp_path) == []


def test_a_cancelled_write_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def story() -> None:
        gate = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield bytes(3_000_000)
            gate.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(blobs.write(slow()))
        await gate.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    blobs.close()
    assert files_under(tmp_path) == []


def test_the_sweep_removes_what_no_row_names(blobs: Blobs, tmp_path: Path) -> None:
    kept, lost = (asyncio.run(blobs.write(data)).id for data in (b"kept", b"lost"))
    (tmp_path / "temporary" / "half").write_bytes(b"half")
    assert blobs.sweep(lambda blob_id: blob_id != lost) == 1
    assert files_under(tmp_path) == [kept]


def test_what_is_old_is_told_in_pages_and_removed_if_it_still_is(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("windtunnel.planes.blobs.store.PAGE_BLOBS", 2)
    half = tmp_path / "temporary/half"

    async def story() -> None:
        written = sorted([(await blobs.write(b"x")).id for _ in range(5)])
        half.write_bytes(b"ha")
        assert [page async for page in blobs.older(0.0)] == []
        assert await blobs.remove(written, 0.0) == 0
        assert half.exists()
        pages = [page async for page in blobs.older(FAR)]
        assert [name for page in pages for name in page] == written
        assert max(map(len, pages)) <= 2
        assert await blobs.remove([*written[1:], "gone"], FAR) == 4
        assert await blobs.read(written[0]) == b"x"

    asyncio.run(story())
    assert not half.exists()


def test_a_copy_is_as_old_as_its_name(blobs: Blobs) -> None:
    async def story() -> None:
        first = await blobs.write(b"x")
        os.utime(blobs.path(first.id), (1, 1))  # long ago
        copy = await blobs.copy(first.id)
        assert blobs.path(copy.id).stat().st_mtime == 1
        assert [page async for page in blobs.older(files.named_at(blobs.path(copy.id)) - 1)] == []

    asyncio.run(story())


def test_clearing_empties_the_plane_and_it_goes_on_working(blobs: Blobs, tmp_path: Path) -> None:
    asyncio.run(blobs.write(b"old"))
    blobs.clear()
    fresh = asyncio.run(blobs.write(b"new")).id
    blobs.close()
    assert files_under(tmp_path) == [fresh]


def test_deleting_twice_is_fine_and_a_missing_blob_is_an_error_to_read(blobs: Blobs) -> None:
    blob = asyncio.run(blobs.write(b"x"))
    blobs.delete(blob.id)
    blobs.delete(blob.id)
    with pytest.raises(FileNotFoundError):
        asyncio.run(blobs.read(blob.id))


def test_with_fsync_the_same_holds(tmp_path: Path) -> None:
    store = Blobs(tmp_path, iter(["aa1", "bb2", "cc3"]).__next__, fsync=True)

    async def story() -> bytes:
        small = await store.write(b"small")
        return await store.read((await store.concat([small.id, small.id])).id)

    assert asyncio.run(story()) == b"smallsmall"
    store.close()
