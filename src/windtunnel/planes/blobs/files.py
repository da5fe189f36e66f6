"""What the blobs plane asks of the file system, as plain blocking functions: they run on the loop when small and in a thread when not."""

import contextlib
import errno
import math
import os
import shutil
from collections.abc import Generator
from io import FileIO
from pathlib import Path

COPY_BYTES = 1 << 24
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_FAST_COPY = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM})
_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP})


class DiskFull(OSError):
    """The disk (or its quota) has no room for the bytes; nothing of them is left behind."""


@contextlib.contextmanager
def said_clearly() -> Generator[None, None, None]:
    """Turns the operating system's several ways of saying "no room" into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and not isinstance(error, DiskFull):
            raise DiskFull(error.errno, "There is no room left for the object's bytes", error.filename) from error
        raise


def write_all(file: FileIO, data: bytes) -> None:
    """Writes every byte, for a write may be cut short by a signal or by the file system."""
    with said_clearly():
        written = file.write(data)
        while written < len(data):
            written += file.write(memoryview(data)[written:])


def create(path: Path) -> FileIO:
    """Opens a new file for writing; the folder is made when this is the first file in it."""
    with said_clearly():
        try:
            return FileIO(path, "xb")
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return FileIO(path, "xb")


def move(source: Path, target: Path) -> None:
    """Renames into a fan-out folder that may not be there yet."""
    with said_clearly():
        try:
            os.replace(source, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)


def sync_folder(folder: Path) -> None:
    """Makes a rename last through a power cut, where the system can sync a folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def link(source: Path, target: Path) -> bool:
    """Gives a blob a second name, which is a whole copy since blobs never change; False where the file system has no links."""
    try:
        try:
            os.link(source, target)
        except FileNotFoundError:
            source.stat()
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        raise
    return True


def append_file(source: Path, target: FileIO) -> int:
    """Appends a file's bytes to an open one and answers how many; the kernel copies where it can, sharing extents if the disk knows how."""
    with FileIO(source) as file, said_clearly():
        left = total = os.fstat(file.fileno()).st_size
        while left and hasattr(os, "copy_file_range"):
            try:
                copied = os.copy_file_range(file.fileno(), target.fileno(), min(left, COPY_BYTES))
            except OSError as error:
                if error.errno in _NO_FAST_COPY:
                    break
                raise
            if not copied:
                break
            left -= copied
        while left:
            data = file.read(min(left, 1 << 20))
            if not data:
                raise EOFError(f"{source} is shorter than it says")
            write_all(target, data)
            left -= len(data)
    return total


def named_at(path: Path) -> float:
    """When a file was last written or given a name, since 1970; a second name is newer than the bytes, and what is gone is newest."""
    try:
        return path.stat().st_ctime
    except FileNotFoundError:
        return math.inf


def remove(path: Path) -> bool:
    """Removes a file that may be gone already."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def remove_tree(folder: Path) -> None:
    """Removes a folder that nobody looks into any more."""
    shutil.rmtree(folder, ignore_errors=True)
