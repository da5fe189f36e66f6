"""Bytes in an object store: what one machine writes another reads, and a cache may be lost at any time."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from obstore.exceptions import BaseError
from obstore.store import MemoryStore

from windtunnel.planes.blobs import Blobs, DiskFull, Piece, shared
from windtunnel.planes.blobs.shared import ORPHAN_SECONDS, SharedBlobs, open_blobs

Machine = Callable[[str], SharedBlobs]
FAR = 4_000_000_000.0


@pytest.fixture
def machine(tmp_path: Path) -> Any:
    store, serial, made = MemoryStore(), itertools.count(), list[SharedBlobs]()

    def make(name: str) -> SharedBlobs:
        made.append(SharedBlobs(store, tmp_path / name, lambda: f"{next(serial):08x}"[::-1], lambda: FAR))
        return made[-1]

    yield make
    for blobs in made:
        blobs.close()


async def whole(body: Piece | AsyncIterator[bytes]) -> bytes:
    if isinstance(body, Piece):
        return body.path.read_bytes()[body.offset : body.offset + body.length]
    return b"".join([data async for data in body])


def test_what_one_machine_writes_another_reads(machine: Machine) -> None:
    async def story() -> None:
        one, two = machine("one"), machine("two")
        data = bytes(range(256)) * 10_000
        blob = await one.write(data)
        # The first time as it comes from the object store, then from the file.
        assert await whole(two.piece(blob.id, 1_000, 70_000)) == data[1_000:71_000]
        assert isinstance(two.piece(blob.id, 0, 10), Piece)
        assert await two.read(blob.id, 255, 3) == data[255:258]
        with machine("three").open(blob.id) as file:
            assert file.readall() == data

    asyncio.run(story())


def test_parts_and_copies_are_made_of_what_others_wrote(machine: Machine) -> None:
    async def story() -> None:
        one, two = machine("one"), machine("two")
        parts = [(await one.write(text)).id for text in (b"ab", b"cd")]
        joined = await two.concat(parts)
        copied = await machine("three").copy(joined.id)
        assert (joined.size, copied.size) == (4, 4)
        assert await one.read(copied.id) == b"abcd"

    asyncio.run(story())


def test_a_cache_that_was_lost_is_filled_again(machine: Machine) -> None:
    async def story() -> None:
        blobs = machine("one")
        blob = await blobs.write(b"x" * 100_000)
        shutil.rmtree(blobs.path(blob.id).parent)
        assert await blobs.read(blob.id) == b"x" * 100_000

    asyncio.run(story())


def test_what_is_deleted_or_cleared_is_gone_for_all(machine: Machine) -> None:
    async def story() -> None:
        one = machine("one")
        gone, kept = await one.write(b"gone"), await one.write(b"kept")
        one.delete(gone.id)
        one.close()
        assert {path.name for path in machine("two").collect().rglob("*") if path.is_file()} == {kept.id}
        three = machine("three")
        three.clear()
        three.close()
        with pytest.raises(FileNotFoundError):
            await machine("four").read(kept.id)

    asyncio.run(story())


def test_a_sweep_removes_what_no_row_names_once_nobody_can_be_about_to(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        one = machine("one")
        named, orphan = await one.write(b"named"), await one.write(b"orphan")
        monkeypatch.setattr(one, "_now", lambda: ORPHAN_SECONDS)
        assert one.sweep({named.id}.__contains__) == 0
        assert await machine("two").read(orphan.id) == b"orphan"
        monkeypatch.setattr(one, "_now", lambda: FAR)
        assert one.sweep({named.id}.__contains__) == 1
        with pytest.raises(FileNotFoundError):
            await machine("three").read(orphan.id)

    asyncio.run(story())


def test_what_is_old_is_told_and_removed_for_all(machine: Machine) -> None:
    async def story() -> None:
        one, two = machine("one"), machine("two")
        kept, gone = sorted([(await one.write(b"x")).id for _ in range(2)])
        assert [page async for page in two.older(0.0)] == []
        assert [page async for page in two.older(FAR)] == [[kept, gone]]
        assert await two.remove([gone], 0.0) == 0
        assert await two.remove([gone], FAR) == 1
        assert [page async for page in one.older(FAR)] == [[kept]]
        assert await machine("three").read(kept) == b"x"

    asyncio.run(story())


def test_a_snapshot_brings_all_home_and_is_taken_by_all(machine: Machine, tmp_path: Path) -> None:
    async def story() -> None:
        one = machine("one")
        blob = await one.write(b"precious")
        saved = tmp_path / "saved"
        shutil.copytree(machine("two").collect(), saved)
        one.clear()
        three = machine("three")
        three.adopt(saved)
        assert await machine("four").read(blob.id) == b"precious"

    asyncio.run(story())


def test_the_cache_keeps_within_its_bounds(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "CACHE_BYTES_MAX", 250)
    monkeypatch.setattr(shared, "CACHE_BYTES_KEPT", 150)

    async def story() -> None:
        blobs = machine("one")
        written = [(await blobs.write(bytes([number]) * 100)).id for number in range(3)]
        assert sum(blobs.path(one).exists() for one in written) == 1
        assert [await blobs.read(one) for one in written] == [bytes([number]) * 100 for number in range(3)]

    asyncio.run(story())


def test_a_store_that_fails_is_no_room_and_leaves_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        blobs = machine("one")

        class Broken:
            async def put_async(self, *_: Any) -> None:
                raise BaseError("unreachable")

        monkeypatch.setattr(blobs, "_store", Broken())
        with pytest.raises(DiskFull, match="unreachable"):
            await blobs.write(b"lost")
        assert [path for path in blobs.root.rglob("*") if path.is_file()] == []

    asyncio.run(story())


def test_a_folder_that_machines_mount_needs_no_object_store(tmp_path: Path) -> None:
    blobs = open_blobs(f"file://{tmp_path}/mounted", tmp_path / "cache", lambda: "aa", lambda: FAR)
    assert type(blobs) is Blobs
    assert asyncio.run(blobs.write(b"here")).id == "aa"
    assert (tmp_path / "mounted/objects/aa/aa").read_bytes() == b"here"
    blobs.close()


def test_a_url_that_no_store_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere://bucket"):
        open_blobs("nowhere://bucket", tmp_path, lambda: "", lambda: FAR)
