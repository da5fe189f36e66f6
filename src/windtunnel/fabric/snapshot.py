"""A whole region as one file: a tar of the store's snapshot and of the bytes of all objects."""

from __future__ import annotations

import asyncio
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from windtunnel.kernel.store import Store
from windtunnel.planes.blobs import LOADING

if TYPE_CHECKING:
    from windtunnel.planes.blobs import Blobs

STORE_NAME = "store.db"
BLOBS_NAME = "blobs"


async def save(store: Store, blobs: Blobs, path: Path) -> int:
    """Writes the file, whole or not at all; returns its size in bytes."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".windtunnel-") as folder:
        rows = Path(folder) / STORE_NAME
        store.save(str(rows))
        whole = Path(folder) / "whole.tar"
        await asyncio.to_thread(_pack, rows, blobs, whole)
        size = whole.stat().st_size
        whole.replace(path)
    return size


async def load(load_rows: Callable[[str], None], blobs: Blobs, path: Path) -> None:
    """Replaces rows and bytes. Raises ValueError, before anything is touched, where the file isn't a snapshot."""
    with tempfile.TemporaryDirectory(dir=blobs.root, prefix=LOADING) as folder:
        await asyncio.to_thread(_unpack, path, Path(folder))
        blobs.adopt(Path(folder) / BLOBS_NAME)
        load_rows(str(Path(folder) / STORE_NAME))


def _pack(rows: Path, blobs: Blobs, whole: Path) -> None:
    with tarfile.open(whole, "w") as tar:
        tar.add(rows, STORE_NAME)
        tar.add(blobs.collect(), BLOBS_NAME)


def _unpack(path: Path, folder: Path) -> None:
    try:
        with tarfile.open(path) as tar:
            # What isn't a plain file or folder below this one is no snapshot's. Python 3.11.0 to 3.11.3 know no filter that says so.
            members = tar.getmembers()
            if not all((member.isreg() or member.isdir()) and _lies_below(member.name) for member in members):
                raise ValueError(f"{path} is not a region's snapshot: it holds more than rows and bytes")
            if hasattr(tarfile, "data_filter"):
                tar.extractall(folder, members, filter="data")
            else:
                tar.extractall(folder, members)
    except tarfile.TarError as error:
        raise ValueError(f"{path} is not a region's snapshot: {error}") from error
    if not (folder / STORE_NAME).is_file() or not (folder / BLOBS_NAME).is_dir():
        raise ValueError(f"{path} is not a region's snapshot")


def _lies_below(name: str) -> bool:
    return not name.startswith(("/", "\\")) and ".." not in Path(name).parts
