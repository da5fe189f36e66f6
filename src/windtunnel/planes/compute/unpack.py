"""Unpacks archives of code: nothing lands outside of the folder, nothing grows beyond a limit, everything can be read by a sandbox."""

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

COPY_BYTES = 1 << 20


class BadArchive(Exception):
    """The bytes are no archive, or one that reaches outside of its folder."""


class ArchiveTooLarge(Exception):
    """What is in the archive is larger than allowed."""


def unpack(archive: Path, folder: Path, bytes_max: int) -> None:
    """Unpacks a ZIP archive into a folder that isn't there yet; on failure nothing is left. Blocks: run it in a thread."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if sum(entry.file_size for entry in entries) >= bytes_max:
                raise ArchiveTooLarge
            folder.mkdir(parents=True)
            folder.chmod(0o755)
            _extract(opened, entries, folder)
    except ArchiveTooLarge:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadArchive(str(error)) from error


def _extract(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    links: list[tuple[Path, str]] = []
    for entry in entries:
        path = _inside(folder, entry.filename)
        mode = entry.external_attr >> 16
        if entry.is_dir():
            _folder(folder, path)
            continue
        _folder(folder, path.parent)
        if stat.S_ISLNK(mode):
            links.append((path, opened.read(entry).decode("utf-8", "surrogateescape")))
            continue
        with opened.open(entry) as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, COPY_BYTES)
        path.chmod(0o755 if mode & 0o111 else 0o644)
    for path, target in links:
        # Last, so that no file is written through one.
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def _inside(folder: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/") or "\0" in name:
        raise BadArchive(f"{name!r} lies outside of the archive's folder")
    return folder.joinpath(*parts)


def _folder(root: Path, path: Path) -> None:
    missing: list[Path] = []
    while path != root and not path.is_dir():
        missing.append(path)
        path = path.parent
    for each in reversed(missing):
        os.mkdir(each)
        each.chmod(0o755)
